//! What was seen beside the records. A restarted daemon has seen nothing yet, which is safe: all work can be begun again.

use std::collections::BTreeMap;

use valkyard_model::{DesiredInstance, JobState, OperationId, OperationState, Timestamp, Uid};

use super::KeepingStepKind;

/// What was seen beside the records.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeepingSeen {
    /// Every instance that was made to verify a backup.
    pub scratches: Vec<DesiredInstance>,
    /// How far their creations are, by the operation of the verification; none where it was never accepted.
    pub creations: BTreeMap<OperationId, OperationState>,
    /// Copying to other stores, by the operation of the export.
    pub exports: BTreeMap<OperationId, JobSeen<()>>,
    /// Comparing, by the operation of the verification.
    pub comparisons: BTreeMap<OperationId, JobSeen<Verdict>>,
    /// Removing files, by backup.
    pub deletions: BTreeMap<Uid, JobSeen<()>>,
    /// Removing what was never finished.
    pub sweep: Option<JobSeen<()>>,
    /// Records that were refused since they were last made.
    pub faults: Vec<KeepingFault>,
}

/// Work in the background.
#[derive(Clone, Debug, PartialEq)]
pub struct JobSeen<T> {
    /// How often it was begun by this daemon.
    pub attempts: u32,
    /// When it was begun last.
    pub begun_at: Timestamp,
    /// How far it is.
    pub state: JobState<T>,
}

impl<T> JobSeen<T> {
    pub(super) fn is_running(&self) -> bool {
        match self.state {
            JobState::Running => true,
            JobState::Done(_) | JobState::Failed { .. } => false,
        }
    }
}

/// What comparing a restored backup with its records came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything is there.
    Equal {
        /// What was compared.
        detail: String,
    },
    /// Something is not.
    Different {
        /// What.
        detail: String,
    },
}

/// A step that was refused, as the keeper remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepingFault {
    /// The kind of step.
    pub kind: KeepingStepKind,
    /// What it was about.
    pub about: String,
    /// How often in a row.
    pub attempts: u32,
    /// When last.
    pub last: Timestamp,
    /// The error chain, for people.
    pub detail: String,
}
