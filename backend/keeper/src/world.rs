//! The effects the keeper has, and how it looks at the world.
//!
//! Two implementations: [`crate::KeeperMachine`] (the database, a backup store, nodes of this machine) and the simulation's. A
//! world carries out one step at a time and makes no choices.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;

use valkyard_model::{Keeping, OperationId};
use valkyard_planner::{Clocks, KeepingSeen, KeepingStep, Means};

use crate::Moved;

/// What a keeper needs of the world.
pub trait KeeperWorld: Send {
    /// Looks at everything. Leaves `KeepingSeen::faults` empty: they are the keeper's memory.
    fn look(&mut self) -> impl Future<Output = Result<KeeperLook, KeepingError>> + Send;

    /// Carries out one step. Returning `Ok` promises nothing: only the next look tells whether it took effect.
    fn execute(&mut self, step: &KeepingStep) -> impl Future<Output = Result<(), KeepingError>> + Send;

    /// Tells all work to stop and waits for its end, within limits.
    fn end(&mut self) -> impl Future<Output = ()> + Send;

    /// The time.
    fn clocks(&self) -> Clocks;

    /// What this machine offers.
    fn means(&self) -> Means;
}

/// One look.
#[derive(Clone, Debug, Default)]
pub struct KeeperLook {
    /// The records.
    pub keeping: Keeping,
    /// What was seen beside them.
    pub seen: KeepingSeen,
    /// How much each operation has moved.
    pub moved: BTreeMap<OperationId, Moved>,
}

/// Looking failed, or a step did.
#[derive(Debug, thiserror::Error)]
#[error("failed to {what}")]
pub struct KeepingError {
    /// What was tried.
    pub what: &'static str,
    /// The whole story.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

impl KeepingError {
    /// For `map_err`.
    pub(crate) fn of<E: Into<Box<dyn Error + Send + Sync>>>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self { what, source: source.into() }
    }
}
