//! The effects a reconciler has on one instance, and how it looks at it.
//!
//! Two implementations: [`crate::MachineWorld`] (store, processes, files, nodes of this machine) and the simulator's.
//! A world carries out one step at a time and makes no choices: no retries, no thresholds, no `if` on cluster state.

use std::error::Error;
use std::future::Future;

use valkyard_model::{DesiredInstance, FaultKind, Observation, Step, Timestamp};

/// What a reconciler needs of the world around one instance.
pub trait World: Send + Sync {
    /// The accepted instance, or nothing once its record is gone.
    fn load(&mut self) -> impl Future<Output = Result<Option<DesiredInstance>, LoadError>> + Send;

    /// Looks at everything that belongs to the instance. Never fails: what cannot be seen is `Unknown`.
    ///
    /// Leaves `Observation::faults` and the starts and stops of `NodeHistory` empty: they are the reconciler's memory.
    fn observe(&mut self, desired: &DesiredInstance) -> impl Future<Output = Observation> + Send;

    /// Carries out one step. Returning `Ok` promises nothing: only the next observation tells whether it took effect.
    fn execute(&self, desired: &DesiredInstance, step: &Step) -> impl Future<Output = Result<(), StepError>> + Send;

    /// The time.
    fn now(&self) -> Timestamp;
}

/// The desired state could not be read.
#[derive(Debug, thiserror::Error)]
#[error("failed to load the instance")]
pub struct LoadError(#[source] pub Box<dyn Error + Send + Sync>);

/// A step that did not succeed.
#[derive(Debug, thiserror::Error)]
#[error("step failed")]
pub struct StepError {
    /// What matters for the decision what to do next.
    pub kind: FaultKind,
    /// The whole story.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}
