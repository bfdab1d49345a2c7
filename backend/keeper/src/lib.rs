//! Keeps backups: begins those that are due, deletes those that have expired, exports and verifies them, and removes what was
//! left half done.
//!
//! One loop for all collections, since they outlive their instances. What to do is decided in `valkyard-planner`; making a
//! backup is the loop of its instance. The API holds a [`KeeperHandle`].

mod handle;

pub use handle::{Doings, KeeperEnds, KeeperHandle, Moved, handle};
