//! A world without machines: whatever is wanted is so at the next look, unless it is held.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use chrono::DateTime;
use uuid::Uuid;
use valkyard_api::{ClockIsFixed, NodeSignal, Platform};
use valkyard_model::{
    BackupContent, BackupFile, BackupRun, ByteSize, ConfigEpoch, DesiredInstance, EngineSeen, EngineVersion, Failure,
    FailureCode, ImportRun, InstanceAddress, InstanceName, JobState, KeySize, Lifecycle, LiveSettings, MemoryPolicy, NodeHistory,
    NodeId, NodeObservation, NodeSerial, Observation, PersistenceSeen, RoleSeen, Seen, ShardIndex, SlotRange, SlotSet,
    SpecLimits, Step, Timestamp, Uid, even_shares,
};
use valkyard_reconciler::{LoadError, StepError, World};
use valkyard_store::{AddressPlan, Store};

/// When the made-up clock starts: 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600;
/// When everything is seen to be complete, on the made-up clock.
pub(crate) const LATER: i64 = START + 3_600;

/// What is moved by work that is held half-way, and what it moves in all.
const MOVED_BYTES: u64 = 12 << 20;
const MOVED_BYTES_TOTAL: u64 = 96 << 20;

pub(crate) fn time(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(seconds, 0).expect("a time of this century")
}

/// Records as complete, or removes, whatever it looks at.
pub(crate) struct ConvergingWorld {
    pub(crate) store: Store,
    pub(crate) name: InstanceName,
    /// While set, nothing progresses.
    pub(crate) held: Arc<AtomicBool>,
    /// What its primary holds, in bytes; there is none to be seen while this is nothing.
    pub(crate) data: Arc<AtomicU64>,
}

impl World for ConvergingWorld {
    async fn load(&mut self) -> Result<Option<DesiredInstance>, LoadError> {
        self.store.instance(&self.name).await.map_err(|error| LoadError(error.into()))
    }

    async fn observe(&mut self, desired: &DesiredInstance) -> Observation {
        if !self.held.load(Ordering::Acquire) {
            self.complete(desired).await;
        }
        Observation {
            at: time(LATER),
            first_look: time(LATER),
            nodes: primary_with(desired, ByteSize(self.data.load(Ordering::Acquire))),
            discovery: Seen::Absent,
            handovers: [].into(),
            backup: desired.backup.as_ref().map(|order| BackupRun {
                backup: order.uid,
                attempts: 1,
                bytes: MOVED_BYTES,
                state: JobState::Running,
            }),
            import: desired.importing().map(|_| ImportRun {
                attempts: 1,
                bytes: MOVED_BYTES,
                bytes_total: MOVED_BYTES_TOTAL,
                keys: 7,
                state: JobState::Running,
            }),
            faults: Vec::new(),
            replication: valkyard_model::ReplicationSeen::default(),
        }
    }

    async fn execute(&self, _desired: &DesiredInstance, _step: &Step) -> Result<(), StepError> {
        Ok(())
    }

    fn now(&self) -> Timestamp {
        time(LATER)
    }
}

impl ConvergingWorld {
    async fn complete(&self, desired: &DesiredInstance) {
        let (name, uid, now) = (&desired.name, desired.uid, time(LATER));
        if let Some(order) = &desired.backup {
            let result = match (order.is_cancelled, &desired.lifecycle) {
                (false, Lifecycle::Present) => {
                    let content = content(desired, self.data.load(Ordering::Acquire));
                    self.store.record_backup(name, uid, order.uid, content, now).await
                }
                (true, _) | (_, Lifecycle::Deleting | Lifecycle::Abandoned { .. }) => {
                    let failure = Failure { code: FailureCode::Cancelled, message: "not wanted any more".to_owned() };
                    self.store.abandon_backup(name, uid, order.uid, failure, now).await
                }
            };
            result.expect("the store in memory takes what becomes of a backup");
        }
        let result = match desired.lifecycle {
            Lifecycle::Present => self.store.record_converged(name, uid, desired.generation, now).await,
            Lifecycle::Deleting | Lifecycle::Abandoned { .. } => self.store.remove_instance(name, uid, now).await,
        };
        result.expect("the store in memory takes what the loop of the instance records");
    }
}

/// A file of a hundred bytes and ten keys for each shard, which together held this much; a quarter of it is one key.
fn content(desired: &DesiredInstance, data_bytes: u64) -> BackupContent {
    let file = |(index, slots): (usize, SlotRange)| {
        let shard = ShardIndex(u16::try_from(index).expect("250 shards at most"));
        BackupFile {
            shard,
            file: format!("{shard}.rdb"),
            bytes: 100,
            sha256: "a".repeat(64),
            keys: 10,
            keys_expiring: 1,
            digest: "b".repeat(32),
            data_bytes: if index == 0 { data_bytes } else { 0 },
            largest_key: (index == 0).then(|| KeySize { name: "big".to_owned(), memory_bytes_min: data_bytes / 4 }),
            slots: std::iter::once(slots).collect(),
            begun_at: time(LATER),
            finished_at: time(LATER),
        }
    };
    BackupContent {
        finished_at: time(LATER),
        url: format!("file:///backups/{}", desired.uid),
        digest: "c".repeat(32),
        files: even_shares(desired.spec.shard_count).into_iter().enumerate().map(file).collect(),
    }
}

fn primary_with(desired: &DesiredInstance, data: ByteSize) -> BTreeMap<NodeSerial, NodeObservation> {
    if data.0 == 0 {
        return BTreeMap::new();
    }
    let serial = NodeSerial(0);
    let engine = EngineSeen {
        id: NodeId::derive(desired.uid, serial),
        version: "9.1.2".parse().expect("a version"),
        role: RoleSeen::Primary,
        cluster_ok: true,
        loading: false,
        epoch: ConfigEpoch(1),
        current_epoch: ConfigEpoch(1),
        slots: SlotSet::default(),
        replication_offset: 0,
        history: valkyard_model::HistoryNames::default(),
        keys: 1,
        data,
        libraries: 0,
        settings: LiveSettings::default(),
        persistence: PersistenceSeen::default(),
        migrations: Vec::new(),
        open_slots: BTreeMap::new(),
        peers: BTreeMap::new(),
        part: valkyard_model::PartSeen::default(),
    };
    let seen = NodeObservation {
        files: Seen::Unknown,
        process: Seen::Unknown,
        engine: Seen::Known(engine),
        history: NodeHistory::default(),
    };
    [(serial, seen)].into()
}

/// A machine made up: a clock that moves one second per question, one of schedules that shows the last answer of it, and uuids
/// that count.
#[derive(Debug, Default)]
pub(crate) struct TestPlatform {
    pub(crate) seconds: AtomicI64,
    pub(crate) uuids: AtomicU64,
    /// Last byte of the lowest address that no other program has.
    pub(crate) first_free: u8,
    /// How many seconds the clock of schedules is ahead.
    pub(crate) ahead: AtomicI64,
    /// Whether it may not be moved.
    pub(crate) clock_is_fixed: bool,
    /// What was done to processes, in order.
    pub(crate) signals: Arc<Mutex<Vec<(NodeSerial, NodeSignal)>>>,
}

impl Platform for TestPlatform {
    fn limits(&self) -> SpecLimits {
        let engine_versions = vec![EngineVersion { major: 8, minor: 0 }, EngineVersion { major: 9, minor: 1 }];
        SpecLimits { engine_versions, engine_hint: "install one".to_owned() }
    }

    fn memory(&self) -> MemoryPolicy {
        MemoryPolicy { scale: None, machine: ByteSize(16 << 30) }
    }

    fn address_plan(&self) -> AddressPlan {
        AddressPlan::OwnIp { block: valkyard_model::AddressBlock::FIRST }
    }

    fn address_is_free(&self, address: &InstanceAddress) -> bool {
        address.ip.octets()[3] >= self.first_free
    }

    fn now(&self) -> Timestamp {
        time(START + self.seconds.fetch_add(1, Ordering::Relaxed))
    }

    fn calendar(&self) -> Timestamp {
        let since_start = (self.seconds.load(Ordering::Relaxed) - 1).max(0);
        time(START + since_start + self.ahead.load(Ordering::Relaxed))
    }

    fn advance_calendar(&self, seconds: i64) -> Result<(), ClockIsFixed> {
        if self.clock_is_fixed {
            return Err(ClockIsFixed);
        }
        self.ahead.fetch_add(seconds, Ordering::Relaxed);
        Ok(())
    }

    fn random(&self) -> [u8; 32] {
        [7; 32]
    }

    fn random_uuid(&self) -> Uuid {
        Uuid::from_u64_pair(0x1111_2222_3333_4444, 0x8000_0000_0000_0000 + self.uuids.fetch_add(1, Ordering::Relaxed))
    }

    fn signal_node(&self, _uid: Uid, serial: NodeSerial, signal: NodeSignal) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.signals.lock().expect("nobody panics with it").push((serial, signal));
        Ok(())
    }
}
