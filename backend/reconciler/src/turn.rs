//! One turn of the loop: load, observe, plan, check, execute. It takes no input: a wake-up only says "look again".

use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use tracing::{error, info, warn};
use valkyard_model::{DesiredInstance, NodeSerial, Observation, Plan, ShardIndex, Step, StepKind};
use valkyard_planner::{Violation, check, plan};

use crate::memory::{Memory, error_chain};
use crate::world::{LoadError, World};

/// Steps of one instance carried out at once: enough to start a large instance quickly, few enough that the daemon's file
/// descriptors and the disk are not swamped (each step holds a handful of descriptors).
const STEPS_AT_ONCE: usize = 16;

/// Least pause after a plan that must not be carried out: the same look gives the same plan, so only the world can help.
const WHILE_WITHHELD: Duration = Duration::from_secs(1);

/// The reconciler of one instance: its world and what it remembers.
#[derive(Debug)]
pub struct Reconciler<W> {
    world: W,
    memory: Memory,
    /// Told once, not at every look.
    last_violations: Vec<Violation>,
}

/// What a turn found and did.
#[derive(Debug)]
pub enum Turn {
    /// The instance's record is gone; there is nothing left to do.
    Gone,
    /// It was looked at, and these steps were carried out.
    Looked(Box<Look>),
}

/// The findings of a turn.
#[derive(Debug)]
pub struct Look {
    /// The desired state that the turn worked for.
    pub desired: DesiredInstance,
    /// What was seen.
    pub observed: Observation,
    /// What was decided and carried out; without steps if they were withheld.
    pub plan: Plan,
    /// Invariants that the plan or the world broke; steps are withheld if there are any.
    pub violations: Vec<Violation>,
}

impl<W: World> Reconciler<W> {
    /// A reconciler with an empty memory.
    pub fn new(world: W) -> Self {
        Self { world, memory: Memory::default(), last_violations: Vec::new() }
    }

    /// The world it works on.
    pub fn world(&mut self) -> &mut W {
        &mut self.world
    }

    /// Takes note that somebody wants another primary for a shard than `from`, which led it when they asked. Turns try for a
    /// minute, or until it leads no more.
    pub fn request_handover(&mut self, shard: ShardIndex, from: NodeSerial) {
        let now = self.world.now();
        self.memory.wish_handover(shard, from, now);
    }

    /// One turn. May be dropped at any await: every step is idempotent and nothing is decided from memory alone.
    ///
    /// # Errors
    /// When the desired state cannot be read; nothing was done.
    pub async fn turn(&mut self) -> Result<Turn, LoadError> {
        let Some(desired) = self.world.load().await? else {
            return Ok(Turn::Gone);
        };
        self.memory.belong_to(desired.uid);
        let mut observed = self.world.observe(&desired).await;
        self.memory.complete(&desired.nodes, &mut observed);
        let plan = plan(&desired, &observed, self.world.now());
        let violations = check(&desired, &observed, &plan);
        let plan = if violations.is_empty() {
            self.execute(&desired, &plan.steps).await;
            plan
        } else {
            if violations != self.last_violations {
                error!(?violations, steps = ?kinds(&plan), "the plan breaks an invariant; nothing is done until it does not");
            }
            withheld(plan)
        };
        self.last_violations.clone_from(&violations);
        Ok(Turn::Looked(Box::new(Look { desired, observed, plan, violations })))
    }

    async fn execute(&mut self, desired: &DesiredInstance, steps: &[Step]) {
        let now = self.world.now();
        for step in steps {
            self.memory.begin(step, now);
        }
        let world = &self.world;
        let attempts: Vec<_> = steps.iter().map(|step| async move { (step, world.execute(desired, step).await) }).collect();
        let results: Vec<_> = stream::iter(attempts).buffer_unordered(STEPS_AT_ONCE).collect().await;
        let now = self.world.now();
        for (step, result) in results {
            match &result {
                Ok(()) => {
                    info!(instance = %desired.name, node = step.node().map(tracing::field::display), step = %step.kind(), "step done")
                }
                Err(error) => {
                    let cause = error_chain(error.source.as_ref());
                    warn!(node = step.node().map(tracing::field::display), step = %step.kind(), cause, "step failed");
                }
            }
            self.memory.end(step, result, now);
        }
    }
}

fn kinds(plan: &Plan) -> Vec<(StepKind, Option<NodeSerial>)> {
    plan.steps.iter().map(|step| (step.kind(), step.node())).collect()
}

/// What is left of a plan that breaks an invariant: its reasons and conditions.
fn withheld(plan: Plan) -> Plan {
    Plan { steps: Vec::new(), look_again_in: plan.look_again_in.max(WHILE_WITHHELD), ..plan }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_that_breaks_an_invariant_is_reported_without_steps_and_looked_at_slowly() {
        let hasty = Duration::from_millis(10);
        let plan = Plan { steps: vec![Step::RemoveInstance], waiting_on: vec![], conditions: vec![], look_again_in: hasty };
        let left = withheld(plan);
        assert_eq!((left.steps, left.look_again_in), (vec![], WHILE_WITHHELD));
    }
}
