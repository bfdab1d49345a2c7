//! Copying a backup to another store.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tracing::info;
use valkyard_backups::{BackupRef, BackupStore, JobFailure, Manifest, Moved, Progress, StoreError, StoreOptions, place_of};
use valkyard_model::{ExportOrder, FaultKind};

use crate::memory::error_chain;

/// Everything that a copy needs.
#[derive(Debug)]
pub(super) struct Copying {
    pub(super) backups: BackupStore,
    pub(super) options: Arc<StoreOptions>,
    pub(super) order: ExportOrder,
}

pub(super) fn of_store(what: &str) -> impl Fn(StoreError) -> JobFailure {
    move |error| JobFailure { kind: error.fault(), detail: format!("{what}: {}", error_chain(&error)) }
}

impl Copying {
    /// A copy that is there already is as good as a new one; another backup in its place is left alone. What is not finished
    /// is removed.
    pub(super) async fn run(self, progress: Arc<Progress>, stop: CancellationToken) -> Result<(), JobFailure> {
        let place = place_of(&self.order.backup);
        let url = &self.order.destination;
        let opening = BackupStore::open(url, self.options.of(url));
        let destination = opening.await.map_err(of_store("the destination"))?;
        let ours = self.backups.manifest(&place).await.map_err(of_store("the backup store"))?;
        let copied = self.backups.copy_to(&destination, &place, &stop, |told| {
            progress.tell(Moved { bytes: told.bytes, bytes_total: told.bytes_total, ..Moved::default() });
        });
        match copied.await {
            Ok(_) => {}
            Err(StoreError::Exists { .. }) => is_same(&ours, &destination, &place).await?,
            Err(error) => return Err(of_store("copying")(error)),
        }
        let bytes = ours.total_bytes();
        progress.tell(Moved { bytes, bytes_total: bytes, ..Moved::default() });
        info!(backup = %self.order.backup, url = format!("{}/{place}", url.trim_end_matches('/')), "exported");
        Ok(())
    }
}

/// Fails unless the destination has this very backup.
async fn is_same(ours: &Manifest, destination: &BackupStore, place: &BackupRef) -> Result<(), JobFailure> {
    let theirs = destination.manifest(place).await.map_err(of_store("the destination"))?;
    if (&ours.shards, &ours.attributes) == (&theirs.shards, &theirs.attributes) {
        return Ok(());
    }
    Err(JobFailure { kind: FaultKind::BadData, detail: format!("the destination has another backup {place}") })
}
