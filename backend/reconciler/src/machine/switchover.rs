//! What nodes and the store do when a primary instance and a secondary change places.

use valkyard_model::{DesiredInstance, SwitchoverStep};
use valkyard_replicator::{ensure_history, write_checkpoint};

use super::MachineWorld;
use super::streams::step_error;
use crate::world::StepError;

impl MachineWorld {
    pub(super) async fn switch_over(&self, desired: &DesiredInstance, step: &SwitchoverStep) -> Result<(), StepError> {
        match step {
            SwitchoverStep::KeepHistory { node } => {
                ensure_history(&self.endpoint(desired, *node)?).await.map(drop).map_err(step_error)
            }
            SwitchoverStep::TakePoint { node, point } => {
                write_checkpoint(&self.endpoint(desired, *node)?, point).await.map_err(step_error)
            }
            SwitchoverStep::RecordDrained { .. }
            | SwitchoverStep::TurnOver { .. }
            | SwitchoverStep::GiveUp { .. }
            | SwitchoverStep::RecordPoints { .. }
            | SwitchoverStep::Finish => {
                let store = &self.machine.store;
                let recording = store.switch_over(&desired.name, desired.uid, step.clone(), (self.machine.now)());
                Ok(recording.await?)
            }
        }
    }
}
