//! Keeps backups: begins those that are due, deletes those that have expired, exports and verifies them, and removes what was
//! left half done.
//!
//! One loop for all collections, since they outlive their instances: look, plan, carry out. What to do is decided in
//! `valkyard-planner`; making a backup is the loop of its instance. Invariant: nothing is remembered between two daemons but
//! the database and the store, so that a crash at any point is made up for by looking again. The API holds a [`KeeperHandle`].

mod handle;
mod machine;
mod memory;
mod run;
mod surroundings;
mod turn;
mod world;

pub use handle::{Doings, KeeperEnds, KeeperHandle, handle};
pub use machine::KeeperMachine;
pub use run::run;
pub use surroundings::Surroundings;
pub use turn::Keeper;
pub use valkyard_backups::Moved;
pub use world::{KeeperLook, KeeperWorld, KeepingError};

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod testing;
