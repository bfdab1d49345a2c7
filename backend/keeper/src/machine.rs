//! The world of this machine: the database, the backup store, other stores, and nodes of scratch instances.

mod comparison;
mod export;
pub(crate) mod job;
pub(crate) mod records;
mod sweep;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tracing::warn;
use valkyard_backups::{Background, BackupStore, StoreError, StoreOptions, place_of};
use valkyard_model::{OperationId, Uid};
use valkyard_planner::{Clocks, KeepingJob, KeepingSeen, KeepingStep, Means, Verdict};
use valkyard_store::Store;

use crate::{KeeperEnds, KeeperLook, KeeperWorld, KeepingError, Moved, Surroundings};
use comparison::Comparing;
use export::{Copying, of_store};
use job::{JobEnds, Jobs};
use records::Records;
use sweep::Sweeping;

/// How long work may take to end when the daemon stops: a store is told to forget an upload. What is left is found later.
const END_LIMIT: Duration = Duration::from_secs(3);

/// What the keeper works on.
#[derive(Debug)]
pub struct KeeperMachine {
    records: Records,
    backups: BackupStore,
    options: Arc<StoreOptions>,
    background: Background,
    wake: Arc<Notify>,
    exports: Jobs<OperationId, ()>,
    comparisons: Jobs<OperationId, Verdict>,
    deletions: Jobs<Uid, ()>,
    sweeps: Jobs<(), ()>,
    has_swept: bool,
}

impl KeeperMachine {
    /// The world of this machine. `options` are those of the stores that backups are exported to.
    #[must_use]
    pub fn new(
        store: Store,
        backups: BackupStore,
        options: Arc<StoreOptions>,
        background: Background,
        surroundings: Arc<dyn Surroundings>,
        ends: &KeeperEnds,
    ) -> Self {
        Self {
            records: Records { store, surroundings },
            backups,
            options,
            background,
            wake: Arc::clone(&ends.wake),
            exports: Jobs::of("export"),
            comparisons: Jobs::of("comparison of a restored backup"),
            deletions: Jobs::of("removal of a backup's files"),
            sweeps: Jobs::of("removal of leftovers"),
            has_swept: false,
        }
    }

    fn ends(&self) -> JobEnds {
        let (wake, surroundings) = (Arc::clone(&self.wake), Arc::clone(&self.records.surroundings));
        JobEnds { wake, surroundings, background: self.background.clone() }
    }

    fn begin_deletion(&mut self, backup: Uid, name: &valkyard_model::BackupName) {
        let (store, place) = (self.backups.clone(), place_of(name));
        let ends = self.ends();
        self.deletions.begin(backup, ends, |_progress, stop| async move {
            let deleting = stop.run_until_cancelled(store.delete_own(&place, backup));
            let stopped = || Err(StoreError::Stopped);
            match deleting.await.unwrap_or_else(stopped) {
                // Nothing of this one is there.
                Ok(()) | Err(StoreError::Foreign { .. }) => Ok(()),
                Err(error) => Err(of_store("removing the files of a backup")(error)),
            }
        });
    }

    fn end_job(&mut self, job: &KeepingJob) {
        match job {
            KeepingJob::Export(operation) => self.exports.end(operation),
            KeepingJob::Comparison(operation) => self.comparisons.end(operation),
            KeepingJob::Deletion(backup) => self.deletions.end(backup),
        }
    }
}

impl KeeperWorld for KeeperMachine {
    async fn look(&mut self) -> Result<KeeperLook, KeepingError> {
        let now = self.records.surroundings.now();
        // Before the records: a job that was seen to be done was done when they were read.
        let (exports, comparisons) = (self.exports.seen(now), self.comparisons.seen(now));
        let (deletions, sweep) = (self.deletions.seen(now), self.sweeps.seen(now).remove(&()));
        let moved: BTreeMap<OperationId, Moved> = self.exports.moved().chain(self.comparisons.moved()).collect();
        let failed = |error| KeepingError::of("read the records of backups")(error);
        let keeping = self.records.keeping().await.map_err(failed)?;
        let scratches = self.records.scratches().await.map_err(failed)?;
        let creations = self.records.creations(&keeping).await.map_err(failed)?;
        let seen = KeepingSeen { scratches, creations, exports, comparisons, deletions, sweep, faults: Vec::new() };
        Ok(KeeperLook { keeping, seen, moved })
    }

    async fn execute(&mut self, step: &KeepingStep) -> Result<(), KeepingError> {
        let ends = self.ends();
        let backups = self.backups.clone();
        match step {
            KeepingStep::BeginDeletion { backup, name } => self.begin_deletion(*backup, name),
            KeepingStep::BeginExport(order) => {
                let copying = Copying { backups, options: Arc::clone(&self.options), order: order.clone() };
                self.exports.begin(order.operation.clone(), ends, |progress, stop| copying.run(progress, stop));
            }
            KeepingStep::BeginComparison { operation, backup, scratch } => {
                let store = self.records.store.clone();
                let comparing = Comparing { backups, store, backup: backup.clone(), scratch: scratch.clone() };
                self.comparisons.begin(operation.clone(), ends, |progress, stop| comparing.run(progress, stop));
            }
            KeepingStep::BeginSweep { spared, untouched_since } => {
                let (spared, untouched_since) = (spared.clone(), *untouched_since);
                let sweeping = Sweeping { backups, spared, untouched_since, has_told: self.has_swept };
                self.has_swept = true;
                self.sweeps.begin((), ends, |_progress, stop| sweeping.run(stop));
            }
            KeepingStep::EndJob(job) => self.end_job(job),
            KeepingStep::BackUp { .. }
            | KeepingStep::Expire { .. }
            | KeepingStep::RemoveRecord { .. }
            | KeepingStep::FinishExport { .. }
            | KeepingStep::CreateScratch { .. }
            | KeepingStep::FinishVerification { .. }
            | KeepingStep::DeleteScratch { .. }
            | KeepingStep::Verify { .. } => return self.records.execute(step).await,
        }
        Ok(())
    }

    async fn end(&mut self) {
        let ending = async {
            tokio::join!(self.exports.end_all(), self.comparisons.end_all(), self.deletions.end_all(), self.sweeps.end_all());
        };
        if tokio::time::timeout(END_LIMIT, ending).await.is_err() {
            warn!("work on backups did not end in time; what it leaves is removed later");
        }
    }

    fn clocks(&self) -> Clocks {
        let surroundings = &self.records.surroundings;
        Clocks { calendar: surroundings.calendar(), machine: surroundings.now() }
    }

    fn means(&self) -> Means {
        self.records.surroundings.means()
    }
}

#[cfg(test)]
mod tests;
