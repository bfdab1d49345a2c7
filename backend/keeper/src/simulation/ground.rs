//! What outlives a crash of the keeper beside the database: files.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use valkyard_model::{BackupName, Timestamp};

/// The files of a backup in some store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Files {
    /// Whether the manifest is there, which is written last and removed first.
    pub(super) is_complete: bool,
    /// When they were touched last, by the machine's clock.
    pub(super) changed_at: Timestamp,
}

#[derive(Debug, Default)]
pub(super) struct Places {
    /// The daemon's own store.
    pub(super) own: BTreeMap<BackupName, Files>,
    /// Other stores, by URL and backup.
    pub(super) others: BTreeMap<(String, BackupName), Files>,
    /// Leftovers that sweeps removed.
    pub(super) swept: usize,
    /// Whether nothing fails any more.
    pub(super) is_peaceful: bool,
}

/// Shared by everybody who lives through a crash.
#[derive(Clone, Debug, Default)]
pub(super) struct Ground(Arc<Mutex<Places>>);

impl Ground {
    pub(super) fn lock(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
