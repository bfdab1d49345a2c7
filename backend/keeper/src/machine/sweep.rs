//! Removing what was begun in the store and never finished.

use std::collections::BTreeSet;

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use valkyard_backups::{BackupRef, BackupStore, JobFailure, place_of};
use valkyard_model::{BackupName, Timestamp};

use super::export::of_store;

/// Everything that a sweep needs.
#[derive(Debug)]
pub(super) struct Sweeping {
    pub(super) backups: BackupStore,
    pub(super) spared: Vec<BackupName>,
    pub(super) untouched_since: Timestamp,
    /// Whether complete backups without a record were told of before.
    pub(super) has_told: bool,
}

impl Sweeping {
    pub(super) async fn run(self, stop: CancellationToken) -> Result<(), JobFailure> {
        let sweeping = self.sweep();
        // Dropping it midway leaves some for the next time.
        stop.run_until_cancelled(sweeping).await.unwrap_or(Ok(()))
    }

    async fn sweep(&self) -> Result<(), JobFailure> {
        let failed = of_store("looking for leftovers in the backup store");
        let spared: BTreeSet<BackupRef> = self.spared.iter().map(place_of).collect();
        for leftover in self.backups.leftovers(self.untouched_since).await.map_err(&failed)? {
            if spared.contains(&leftover.backup) {
                continue;
            }
            self.backups.remove_leftover(&leftover.backup).await.map_err(&failed)?;
            info!(backup = %leftover.backup, bytes = leftover.bytes, "removed what was left of a backup that was never finished");
        }
        let unrecorded =
            self.backups.list(None).await.map_err(&failed)?.into_iter().filter(|backup| !spared.contains(backup)).count();
        if unrecorded > 0 && !self.has_told {
            let url = self.backups.url();
            warn!(url, count = unrecorded, "complete backups without a record are left alone; another daemon may own them");
        }
        Ok(())
    }
}
