//! What the loops of primary instances tell those of their secondaries: where their shards serve. The only thing that one loop
//! knows of another; as old as the primary's last look, and gone with the daemon.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use valkyard_model::{InstanceName, SourceSeen};

/// Shared by all loops.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Held for map updates only.
    seen: Arc<Mutex<BTreeMap<InstanceName, SourceSeen>>>,
}

impl Sources {
    fn seen(&self) -> MutexGuard<'_, BTreeMap<InstanceName, SourceSeen>> {
        // Every update leaves the map whole, so a panic elsewhere does not spoil it.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tell(&self, name: &InstanceName, seen: SourceSeen) {
        self.seen().insert(name.clone(), seen);
    }

    pub(super) fn forget(&self, name: &InstanceName) {
        self.seen().remove(name);
    }

    pub(super) fn of(&self, name: &InstanceName) -> Option<SourceSeen> {
        self.seen().get(name).cloned()
    }
}
