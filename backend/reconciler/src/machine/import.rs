//! Putting first data into the folders of nodes that were never started.

use valkyard_model::{DesiredInstance, FaultKind, ImportRun, ImportSource, ImportTarget, Timestamp};

use super::MachineWorld;
use super::job::{Job, JobFailure, Progress};

/// A job that places first data.
#[derive(Debug)]
pub(super) struct ImportJob {
    job: Job<()>,
}

impl ImportJob {
    pub(super) fn seen(&self, now: Timestamp) -> ImportRun {
        let Job { attempts, progress, .. } = &self.job;
        ImportRun {
            attempts: *attempts,
            bytes: Progress::read(&progress.bytes),
            bytes_total: Progress::read(&progress.bytes_total),
            keys: Progress::read(&progress.keys),
            state: self.job.state(now),
        }
    }
}

impl MachineWorld {
    pub(super) fn begin_import(&self, _desired: &DesiredInstance, _source: &ImportSource, _targets: &[ImportTarget]) {
        let mut attachments = self.attachments();
        let attempts = attachments.import.as_ref().map_or(0, |before| before.job.attempts) + 1;
        let job = Job::begin(attempts, self.machine.now, self.wake.clone(), |_progress, _stop| async {
            Err(JobFailure { kind: FaultKind::BadData, detail: "not yet".to_owned() })
        });
        attachments.import = Some(ImportJob { job });
    }

    pub(super) async fn stop_import(&self) {
        let task = self.attachments().import.as_mut().and_then(|import| import.job.end());
        if let Some(task) = task {
            // A task that panicked has ended, too.
            drop(task.await);
        }
    }
}
