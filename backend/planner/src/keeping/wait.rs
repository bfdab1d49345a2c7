//! Why an operation on a backup is not done.

use std::fmt;

use valkyard_model::{BackupName, InstanceName};

/// What an operation on a backup waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeepingWait {
    /// Its turn: as much is being copied and compared as may be at once.
    Turn,
    /// Another export of this backup to the same place.
    SameExport(BackupName),
    /// The copy to end.
    Copy {
        /// Where it goes.
        destination: String,
    },
    /// Time to pass after a failure.
    AnotherTry {
        /// What failed.
        detail: String,
    },
    /// Other verifications: one instance at a time is made for them.
    OtherVerifications,
    /// The backup to be restored.
    Restored(InstanceName),
    /// The comparison to end.
    Comparison(InstanceName),
    /// The files of a backup to be removed.
    Removal,
    /// Other removals: some go on at once.
    OtherRemovals,
    /// Work to stop, since nobody wants it any more.
    WorkToStop,
}

impl fmt::Display for KeepingWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Turn => f.write_str("waiting for other exports and verifications to end"),
            Self::SameExport(backup) => write!(f, "waiting for another export of {backup} to the same place"),
            Self::Copy { destination } => write!(f, "copying to {destination}"),
            Self::AnotherTry { detail } => write!(f, "trying again soon after a failure: {detail}"),
            Self::OtherVerifications => f.write_str("waiting for other verifications to end"),
            Self::Restored(scratch) => write!(f, "restoring into {scratch}"),
            Self::Comparison(scratch) => write!(f, "comparing {scratch} with what was recorded"),
            Self::Removal => f.write_str("removing its files"),
            Self::OtherRemovals => f.write_str("waiting for other removals to end"),
            Self::WorkToStop => f.write_str("stopping"),
        }
    }
}
