//! What the keeper can be told to do.

use std::fmt;
use std::net::SocketAddrV4;

use valkyard_model::{
    AdminSecret, BackupName, ByteSize, ExportOrder, Failure, InstanceName, InstanceSpec, OperationId, ShardIndex, Timestamp, Uid,
    Verification, VerificationOrder,
};

/// One idempotent change, or the beginning of work in the background.
#[derive(Clone, Debug, PartialEq)]
pub enum KeepingStep {
    /// Accept an automated backup; the loop of its instance makes it.
    BackUp {
        /// The instance.
        instance: InstanceName,
        /// When it was due.
        due: Timestamp,
        /// When it is to be deleted.
        expire_time: Timestamp,
    },
    /// Mark a complete backup as on its way out, unless somebody needs it.
    Expire {
        /// The backup.
        backup: Uid,
    },
    /// Begin to remove the files of a backup that is on its way out.
    BeginDeletion {
        /// The backup.
        backup: Uid,
        /// Its name.
        name: BackupName,
    },
    /// Remove the record of a backup whose files are gone.
    RemoveRecord {
        /// The backup.
        backup: Uid,
    },
    /// Begin to copy a backup to another store.
    BeginExport(ExportOrder),
    /// Record how an export ended.
    FinishExport {
        /// Its operation.
        operation: OperationId,
        /// The backup.
        backup: Uid,
        /// How.
        outcome: Result<(), Failure>,
    },
    /// Accept the instance that a backup is restored into.
    CreateScratch {
        /// What it is for.
        order: VerificationOrder,
        /// Its spec.
        spec: Box<InstanceSpec>,
        /// Memory for data on each of its nodes.
        maxmemory: ByteSize,
    },
    /// Begin to compare a restored backup with its records.
    BeginComparison {
        /// The operation of the verification.
        operation: OperationId,
        /// The backup.
        backup: BackupName,
        /// What it was restored into.
        scratch: ScratchNodes,
    },
    /// Record how a verification ended.
    FinishVerification {
        /// The backup.
        backup: Uid,
        /// How.
        outcome: Verification,
        /// What its operation reports; nothing if the backup passed.
        failure: Option<Failure>,
    },
    /// Accept the deletion of an instance that was made for a verification which is over.
    DeleteScratch {
        /// The instance.
        instance: InstanceName,
    },
    /// Accept the verification of an automated backup.
    Verify {
        /// The backup.
        backup: BackupName,
    },
    /// Begin to remove what was begun in the store and never finished.
    BeginSweep {
        /// Backups that have a record, whose files are not to be touched.
        spared: Vec<BackupName>,
        /// What was touched at this time or later is not removed. By the machine's clock.
        untouched_since: Timestamp,
    },
    /// Tell work to stop; forget it if it has ended.
    EndJob(KeepingJob),
}

/// How the nodes of a scratch instance are asked for their data.
#[derive(Clone, Debug, PartialEq)]
pub struct ScratchNodes {
    /// Password of the daemon's user.
    pub secret: AdminSecret,
    /// The only node of each shard.
    pub nodes: Vec<(ShardIndex, SocketAddrV4)>,
}

/// Work in the background, by what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeepingJob {
    /// The export with this operation.
    Export(OperationId),
    /// The comparison of the verification with this operation.
    Comparison(OperationId),
    /// The removal of the files of this backup.
    Deletion(Uid),
}

/// The kind of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeepingStepKind {
    /// [`KeepingStep::BackUp`].
    BackUp,
    /// [`KeepingStep::Expire`].
    Expire,
    /// [`KeepingStep::BeginDeletion`].
    BeginDeletion,
    /// [`KeepingStep::RemoveRecord`].
    RemoveRecord,
    /// [`KeepingStep::BeginExport`].
    BeginExport,
    /// [`KeepingStep::FinishExport`].
    FinishExport,
    /// [`KeepingStep::CreateScratch`].
    CreateScratch,
    /// [`KeepingStep::BeginComparison`].
    BeginComparison,
    /// [`KeepingStep::FinishVerification`].
    FinishVerification,
    /// [`KeepingStep::DeleteScratch`].
    DeleteScratch,
    /// [`KeepingStep::Verify`].
    Verify,
    /// [`KeepingStep::BeginSweep`].
    BeginSweep,
    /// [`KeepingStep::EndJob`].
    EndJob,
}

impl KeepingStep {
    /// Its kind, and what it is about: together they tell whether two steps are the same.
    #[must_use]
    pub fn subject(&self) -> (KeepingStepKind, String) {
        use KeepingStepKind as Kind;
        match self {
            Self::BackUp { instance, .. } => (Kind::BackUp, instance.to_string()),
            Self::Expire { backup } => (Kind::Expire, backup.to_string()),
            Self::BeginDeletion { name, .. } => (Kind::BeginDeletion, name.to_string()),
            Self::RemoveRecord { backup } => (Kind::RemoveRecord, backup.to_string()),
            Self::BeginExport(order) => (Kind::BeginExport, order.operation.to_string()),
            Self::FinishExport { operation, .. } => (Kind::FinishExport, operation.to_string()),
            Self::CreateScratch { order, .. } => (Kind::CreateScratch, order.scratch.to_string()),
            Self::BeginComparison { operation, .. } => (Kind::BeginComparison, operation.to_string()),
            Self::FinishVerification { backup, .. } => (Kind::FinishVerification, backup.to_string()),
            Self::DeleteScratch { instance } => (Kind::DeleteScratch, instance.to_string()),
            Self::Verify { backup } => (Kind::Verify, backup.to_string()),
            Self::BeginSweep { .. } => (Kind::BeginSweep, "the store".to_owned()),
            Self::EndJob(job) => (Kind::EndJob, job.to_string()),
        }
    }
}

impl fmt::Display for KeepingJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Export(operation) => write!(f, "export {operation}"),
            Self::Comparison(operation) => write!(f, "comparison {operation}"),
            Self::Deletion(backup) => write!(f, "deletion of {backup}"),
        }
    }
}
