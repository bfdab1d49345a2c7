//! Everything about backups that wants something done, as one consistent view of the records.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::{Backup, BackupName, DesiredInstance, InstanceName, LocationId, OperationId, ScheduleRecord, Uid};

/// The project of instances that backups are restored into to be compared; clients cannot make any there.
pub const SCRATCH_PROJECT: &str = "valkyard-scratch";

/// A name for the instance of one verification.
///
/// # Panics
/// Never: project and id are well-formed.
#[must_use]
pub fn scratch_name(location: &LocationId, random: Uuid) -> InstanceName {
    let digits = random.simple().to_string();
    InstanceName {
        project: SCRATCH_PROJECT.parse().expect("the project's name is well-formed"),
        location: location.clone(),
        instance: format!("verify-{}", &digits[..8]).parse().expect("hex digits are allowed in ids"),
    }
}

/// All that the keeper of backups works for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keeping {
    /// Every backup.
    pub backups: Vec<Backup>,
    /// Every instance with automated backups.
    pub scheduled: Vec<Scheduled>,
    /// Every export that is under way, oldest first.
    pub exports: Vec<ExportOrder>,
    /// Every verification that is under way.
    pub verifications: Vec<VerificationOrder>,
    /// The operations of deletions that clients asked for, by the backup.
    pub deletions: BTreeMap<Uid, OperationId>,
    /// Operations other than exports whose client wants them cancelled.
    pub cancelled: Vec<OperationId>,
}

/// An instance with what is remembered of its schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Scheduled {
    /// The instance.
    pub instance: DesiredInstance,
    /// The record.
    pub record: ScheduleRecord,
    /// Whether an operation of the instance is unfinished.
    pub is_busy: bool,
}

/// An export that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportOrder {
    /// Its operation.
    pub operation: OperationId,
    /// The backup.
    pub backup: BackupName,
    /// The incarnation of the backup.
    pub uid: Uid,
    /// URL of the store that it is copied to.
    pub destination: String,
    /// Whether its client wants it cancelled.
    pub is_cancelled: bool,
}

/// A backup that is being verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationOrder {
    /// The backup.
    pub backup: Uid,
    /// The operation that asked for it.
    pub operation: OperationId,
    /// The instance that it is restored into.
    pub scratch: InstanceName,
}

impl VerificationOrder {
    /// The operation that creates its scratch instance. It follows from the verification's, so that a restarted daemon knows
    /// whether the creation was accepted, and what became of it.
    #[must_use]
    pub fn creation(&self) -> OperationId {
        OperationId::from_client(&format!("{}-scratch", self.operation))
    }
}
