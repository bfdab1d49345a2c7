//! A keeper without a store of files: whatever is wanted of backups is so at the next look, unless it is held.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use valkyard_keeper::{Doings, KeeperEnds, Moved};
use valkyard_model::{BackupState, Timestamp, Verification};
use valkyard_store::Store;

/// How far everything is while it is held.
const HALF_WAY: Moved = Moved { bytes: 50, bytes_total: 100, keys: 5, keys_total: 10 };

/// Removes what is to be deleted, and ends exports and verifications.
pub(crate) struct ConvergingKeeper {
    pub(crate) store: Store,
    pub(crate) ends: KeeperEnds,
    /// While set, nothing progresses.
    pub(crate) held: Arc<AtomicBool>,
    /// When everything ends.
    pub(crate) now: Timestamp,
}

impl ConvergingKeeper {
    /// Looks whenever it is woken.
    pub(crate) async fn run(self) {
        loop {
            self.ends.wake.notified().await;
            self.look().await;
        }
    }

    async fn look(&self) {
        let keeping = self.store.keeping().await.expect("the store in memory is read");
        if self.held.load(Ordering::Acquire) {
            let copying = keeping.exports.iter().map(|export| (export.operation.clone(), "copying 3 files"));
            let proving = keeping.verifications.iter().map(|proof| (proof.operation.clone(), "comparing 10 keys"));
            let doings: Doings = copying.chain(proving).map(|(id, words)| (id, (words.to_owned(), HALF_WAY))).collect();
            self.ends.doings.send_replace(doings);
            return;
        }
        for backup in keeping.backups.iter().filter(|backup| matches!(backup.state, BackupState::Deleting { .. })) {
            self.store.remove_backup(backup.uid, self.now).await.expect("is removed");
        }
        for export in keeping.exports {
            self.store.finish_export(&export.operation, export.uid, Ok(()), self.now).await.expect("is ended");
        }
        for proof in keeping.verifications {
            let outcome = Verification::Passed { at: self.now, detail: "10 keys are the same".to_owned() };
            self.store.finish_verification(proof.backup, outcome, None, self.now).await.expect("is ended");
        }
    }
}
