//! The way to the keeper: "look again", and how far its work is.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Notify, watch};
use valkyard_backups::Moved;
use valkyard_model::OperationId;

/// What each operation under way is doing, in words, and how much it has moved.
pub type Doings = BTreeMap<OperationId, (String, Moved)>;

/// Wakes the keeper and tells how far it is. Cheap to clone.
#[derive(Clone, Debug)]
pub struct KeeperHandle {
    wake: Arc<Notify>,
    doings: watch::Receiver<Doings>,
}

/// The keeper's ends of its handles.
#[derive(Debug)]
pub struct KeeperEnds {
    /// Somebody wants it to look again.
    pub wake: Arc<Notify>,
    /// Where it tells what it is doing.
    pub doings: watch::Sender<Doings>,
}

/// A handle, and the ends that belong to it.
#[must_use]
pub fn handle() -> (KeeperHandle, KeeperEnds) {
    let (tell, doings) = watch::channel(Doings::new());
    let wake = Arc::new(Notify::new());
    (KeeperHandle { wake: Arc::clone(&wake), doings }, KeeperEnds { wake, doings: tell })
}

impl KeeperHandle {
    /// Says that something about backups changed. Never lost: it is kept until the keeper looks.
    pub fn look_again(&self) {
        self.wake.notify_one();
    }

    /// What an operation is doing, and how much it has moved; nothing if the keeper does not work on it.
    #[must_use]
    pub fn doing(&self, operation: &OperationId) -> Option<(String, Moved)> {
        self.doings.borrow().get(operation).cloned()
    }
}
