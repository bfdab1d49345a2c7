//! Records and what was seen, made up in short words, and steps as text.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use uuid::Uuid;
use valkyard_model::{
    AddressBlock, AdminSecret, AutomatedBackups, Backup, BackupContent, BackupOrigin, BackupState, ByteSize, Convergence,
    DesiredInstance, ExportOrder, FaultKind, Generation, InstanceAddress, InstanceName, JobState, Keeping, Lifecycle,
    MemoryPolicy, NodeSerial, OperationId, ScheduleRecord, Scheduled, Settled, SpecDraft, SpecLimits, Timestamp, Uid,
    Verification, VerificationOrder, validate,
};

use super::super::{Clocks, JobSeen, KeepingPlan, KeepingSeen, KeepingStep, Means, plan_keeping};

/// How long automated backups are kept here.
pub(super) const RETENTION: Duration = Duration::from_secs(5 * 24 * 3_600);

pub(super) fn time(text: &str) -> Timestamp {
    let text = if text.len() > 10 { format!("{text}Z") } else { format!("{text}T00:00:00Z") };
    text.parse().expect("a time")
}

pub(super) fn uid(number: u128) -> Uid {
    Uid(Uuid::from_u128(number))
}

pub(super) fn operation(number: u32) -> OperationId {
    OperationId::from_client(&format!("operation-{number}"))
}

/// Records and what was seen beside them; the calendar is at noon of the 10th, the machine's clock at another day.
pub(super) struct Scene {
    pub(super) keeping: Keeping,
    pub(super) seen: KeepingSeen,
    pub(super) calendar: Timestamp,
    pub(super) machine: Timestamp,
    pub(super) versions: Vec<&'static str>,
}

impl Scene {
    pub(super) fn new() -> Self {
        let machine = time("2030-01-01");
        let swept = JobSeen { attempts: 1, begun_at: machine, state: JobState::Done(()) };
        Self {
            keeping: Keeping::default(),
            seen: KeepingSeen { sweep: Some(swept), ..KeepingSeen::default() },
            calendar: time("2026-01-10T12:00:00"),
            machine,
            versions: vec!["VALKEY_8_0", "VALKEY_9_1"],
        }
    }

    pub(super) fn whole_plan(&self) -> KeepingPlan {
        let limits = SpecLimits {
            engine_versions: self.versions.iter().map(|version| version.parse().expect("a version")).collect(),
            engine_hint: "install one".to_owned(),
        };
        let memory = MemoryPolicy { scale: None, machine: ByteSize(16 << 30) };
        let clocks = Clocks { calendar: self.calendar, machine: self.machine };
        plan_keeping(&self.keeping, &self.seen, &Means { limits, memory }, clocks)
    }

    /// The steps as text.
    pub(super) fn plan(&self) -> Vec<String> {
        self.whole_plan().steps.iter().map(print).collect()
    }

    /// An instance that is backed up at two o'clock, since the first of the month.
    pub(super) fn schedule(&mut self) -> &mut Scheduled {
        let record = ScheduleRecord { since: Some(time("2026-01-01")), ..ScheduleRecord::default() };
        let mut instance = instance("projects/p/locations/us-central1/instances/cache", 1);
        instance.spec.automated_backups = AutomatedBackups::Daily { hour: 2, retention: RETENTION };
        self.keeping.scheduled.push(Scheduled { instance, record, is_busy: false });
        self.keeping.scheduled.last_mut().expect("just pushed")
    }

    /// A complete backup of that instance, which expires at this time.
    pub(super) fn backup(&mut self, number: u128, expires: &str) -> &mut Backup {
        self.keeping.backups.push(backup(number, expires));
        self.keeping.backups.last_mut().expect("just pushed")
    }

    pub(super) fn export(&mut self, number: u32, of: u128, destination: &str) -> &mut ExportOrder {
        self.keeping.exports.push(ExportOrder {
            operation: operation(number),
            backup: backup(of, "2026-01-20").name,
            uid: uid(of),
            destination: destination.to_owned(),
            is_cancelled: false,
        });
        self.keeping.exports.last_mut().expect("just pushed")
    }

    /// A verification, and the name of its scratch instance.
    pub(super) fn verification(&mut self, number: u32, of: u128) -> InstanceName {
        let scratch = scratch_name(number);
        let order = VerificationOrder { backup: uid(of), operation: operation(number), scratch: scratch.clone() };
        self.keeping.verifications.push(order);
        scratch
    }

    pub(super) fn job<T>(&self, state: JobState<T>) -> JobSeen<T> {
        JobSeen { attempts: 1, begun_at: self.machine, state }
    }

    /// A failure that is this many seconds old.
    pub(super) fn failed<T>(&self, kind: FaultKind, attempts: u32, seconds: i64) -> JobSeen<T> {
        let at = self.machine - chrono::TimeDelta::seconds(seconds);
        JobSeen { attempts, begun_at: at, state: JobState::Failed { kind, detail: "it broke".to_owned(), at } }
    }
}

pub(super) fn scratch_name(number: u32) -> InstanceName {
    format!("projects/valkyard-scratch/locations/us-central1/instances/verify-{number}").parse().expect("a name")
}

pub(super) fn backup(number: u128, expires: &str) -> Backup {
    let instance: InstanceName = "projects/p/locations/us-central1/instances/cache".parse().expect("a name");
    let name = format!("projects/p/locations/us-central1/backupCollections/cache/backups/b{number}");
    let content = BackupContent { finished_at: time("2026-01-09"), url: String::new(), digest: String::new(), files: Vec::new() };
    Backup {
        name: name.parse().expect("a name"),
        uid: uid(number),
        instance,
        instance_uid: uid(1),
        origin: BackupOrigin::OnDemand,
        operation: operation(0),
        create_time: time("2026-01-09"),
        expire_time: time(expires),
        engine_version: "VALKEY_8_0".parse().expect("a version"),
        node_type: valkyard_model::NodeType::SharedCoreNano,
        shard_count: 3,
        replica_count: 1,
        state: BackupState::Active { content },
        verification: Verification::Never,
    }
}

/// A complete instance.
pub(super) fn instance(name: &str, number: u128) -> DesiredInstance {
    let limits = SpecLimits { engine_versions: vec!["VALKEY_8_0".parse().expect("a version")], engine_hint: String::new() };
    let draft = SpecDraft { shard_count: 3, ..SpecDraft::default() };
    let spec = validate(draft, &"us-central1".parse().expect("a region"), &limits).expect("a spec");
    DesiredInstance {
        name: name.parse().expect("a name"),
        uid: uid(number),
        generation: Generation::FIRST,
        shape_generation: Generation::FIRST,
        convergence: Convergence::At { generation: Generation::FIRST },
        lifecycle: Lifecycle::Present,
        settled: Some(Settled { spec: spec.clone(), maxmemory: ByteSize(64 << 20) }),
        spec,
        maxmemory: ByteSize(64 << 20),
        address: InstanceAddress::own_ip(AddressBlock::FIRST, 0).expect("there is a first"),
        nodes: BTreeMap::new(),
        next_serial: NodeSerial(0),
        secret: AdminSecret::from_random([7; 32]),
        zones_out: BTreeSet::new(),
        losses: Vec::new(),
        backup: None,
        has_backups: false,
        create_time: time("2026-01-01"),
        update_time: time("2026-01-01"),
        replication: valkyard_model::Replication::default(),
    }
}

fn print(step: &KeepingStep) -> String {
    let (kind, about) = step.subject();
    let about = about.rsplit('/').next().unwrap_or_default();
    let about = about.strip_prefix("00000000-0000-0000-0000-0000000000").unwrap_or(about);
    let more = match step {
        KeepingStep::BackUp { due, expire_time, .. } => format!(" due {due:?} until {expire_time:?}"),
        KeepingStep::FinishExport { outcome: Ok(()), .. } | KeepingStep::FinishVerification { failure: None, .. } => {
            " well".to_owned()
        }
        KeepingStep::FinishExport { outcome: Err(failure), .. }
        | KeepingStep::FinishVerification { failure: Some(failure), .. } => format!(" {:?}: {}", failure.code, failure.message),
        KeepingStep::BeginSweep { untouched_since, .. } => format!(" untouched since {untouched_since:?}"),
        KeepingStep::Expire { .. }
        | KeepingStep::BeginDeletion { .. }
        | KeepingStep::RemoveRecord { .. }
        | KeepingStep::BeginExport(_)
        | KeepingStep::CreateScratch { .. }
        | KeepingStep::BeginComparison { .. }
        | KeepingStep::DeleteScratch { .. }
        | KeepingStep::Verify { .. }
        | KeepingStep::EndJob(_) => String::new(),
    };
    format!("{kind:?} {about}{more}")
}
