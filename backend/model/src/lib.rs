//! The nouns of Valkyard: names, validated specs, slots, what was seen, what to do next.
//!
//! Every backend crate speaks these types; nothing here performs I/O, reads a clock or draws randomness (the crate's
//! `.clippy.toml` enforces it). Deciding lives in `valkyard-planner`, doing in `engine`, `host` and `store`.

mod address;
mod backlog;
mod backup;
mod backup_name;
mod backup_policy;
mod desired;
mod draft;
mod engine_config;
mod failure;
mod ids;
mod import;
mod keeping;
mod live_settings;
mod memory;
mod name;
mod node;
mod node_type;
mod observation;
mod operation;
mod persistence;
mod plan;
mod replication;
mod replication_point;
mod secret;
mod slot;
mod slot_of_key;
mod spec;
mod step;
mod step_kind;
mod switchover;
mod version;
mod zone;

pub use address::{AddressBlock, InstanceAddress, Port, PortBlock};
pub use backup::{
    Backup, BackupContent, BackupFile, BackupOrder, BackupOrigin, BackupSource, BackupState, KeySize, Verification,
};
pub use backup_name::{BackupId, BackupName, CollectionName};
pub use backup_policy::{
    AutomatedBackups, AutomatedBackupsDraft, RETENTION_DEFAULT, RETENTION_MAX, RETENTION_MIN, RetentionDraft, ScheduleRecord,
    StartDraft, TTL_MAX, TTL_MIN,
};
pub use desired::{Convergence, DataLoss, DesiredInstance, Lifecycle, Settled};
pub use draft::{FieldViolation, SpecDraft, SpecLimits, ZoneDraft, validate};
pub use engine_config::{EngineConfigError, EngineConfigKey, EngineConfigs};
pub use failure::{Failure, FailureCode};
pub use ids::{ConfigEpoch, Generation, NodeId, NodeSerial, OperationId, Pid, RequestId, ShardId, ShardIndex, Uid};
pub use import::{ImportSeen, ImportSource, ImportTarget};
pub use keeping::{ExportOrder, Keeping, SCRATCH_PROJECT, Scheduled, VerificationOrder, scratch_name};
pub use live_settings::LiveSettings;
pub use memory::{ByteSize, MemoryPolicy};
pub use name::{InstanceId, InstanceName, LocationId, NameError, OperationName, ProjectId};
pub use node::{ClusterSeed, InitialRole, NodeAddress, NodeAllocation, NodeKind, NodeSettings, SeedNode, SeedRole, Standing};
pub use node_type::NodeType;
pub use observation::{
    BackupRun, DiscoverySeen, EngineSeen, ExitSeen, Fault, FaultKind, FilesSeen, ImportRun, InSync, JobState, LinkState,
    MigrationDirection, MigrationSeen, MigrationState, NodeHistory, NodeObservation, Observation, OpenSlot, PeerHealth, PeerSeen,
    ProcessSeen, ProcessState, RoleSeen, Seen,
};
pub use operation::{Operation, OperationResult, OperationState, OperationTarget, Verb};
pub use persistence::{
    AppendFsync, ClusterMemory, DataSeen, DataSource, LoadedSeen, Persistence, PersistenceDraft, PersistenceMode,
    PersistenceSeen, SnapshotPeriod, SnapshotSchedule,
};
pub use plan::{Condition, Plan, WaitingOn};
pub use replication::{
    Access, LinkSeen, Member, Part, PartSeen, Replication, ReplicationSeen, Reseeding, Role, SECONDARIES_MAX, SeedLack,
    SourceSeen, SourceShard, StreamState,
};
pub use replication_point::{HistoryNames, ReplicationPoint};
pub use secret::AdminSecret;
pub use slot::{SLOT_COUNT, Slot, SlotRange, SlotSet, even_shares};
pub use slot_of_key::{key_of_slot, slot_of_key};
pub use spec::{AutoConnection, InstanceSpec, Labels};
pub use step::{Admission, MoveTarget, MoveWay, Step, StopManner};
pub use step_kind::StepKind;
pub use switchover::{Accession, Drained, Points, PossibleLoss, Switchover, SwitchoverStep};
pub use version::{BinaryVersion, EngineVersion, VersionError};
pub use zone::{Zone, ZoneDistribution};

/// A point in time, UTC. Always an argument in this crate and the planner, never read from a clock.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
