//! One turn of the keeper: look, plan, carry out. It takes no input: a wake-up only says "look again".

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tracing::{info, warn};
use valkyard_planner::{KeepingPlan, plan_keeping};

use crate::memory::Memory;
use crate::{Doings, KeeperEnds, KeeperLook, KeeperWorld, KeepingError};

/// The keeper of all backups: its world and what it remembers.
#[derive(Debug)]
pub struct Keeper<W> {
    world: W,
    memory: Memory,
    tell: watch::Sender<Doings>,
    pub(crate) wake: Arc<tokio::sync::Notify>,
}

impl<W: KeeperWorld> Keeper<W> {
    /// A keeper with an empty memory.
    pub fn new(world: W, ends: KeeperEnds) -> Self {
        Self { world, memory: Memory::default(), tell: ends.doings, wake: ends.wake }
    }

    /// The world it works on.
    pub fn world(&mut self) -> &mut W {
        &mut self.world
    }

    /// One turn; returns when to look again. May be dropped at any await: every step is idempotent and nothing is decided from
    /// memory alone.
    ///
    /// # Errors
    /// When the records cannot be read; nothing was done.
    pub async fn turn(&mut self) -> Result<Duration, KeepingError> {
        let mut look = self.world.look().await?;
        let clocks = self.world.clocks();
        self.memory.forget(clocks.machine);
        look.seen.faults = self.memory.faults();
        let plan = plan_keeping(&look.keeping, &look.seen, &self.world.means(), clocks);
        self.tell.send_replace(doings(&look, &plan));
        for step in &plan.steps {
            let (kind, about) = step.subject();
            let result = self.world.execute(step).await;
            if result.is_ok() {
                info!(step = ?kind, about, "step done");
            }
            if let Some(cause) = self.memory.end(step, result, clocks.machine) {
                warn!(step = ?kind, about, cause, "step refused; it is tried again");
            }
        }
        Ok(plan.look_again_in)
    }
}

fn doings(look: &KeeperLook, plan: &KeepingPlan) -> Doings {
    let of = |(operation, wait): (&valkyard_model::OperationId, &valkyard_planner::KeepingWait)| {
        let moved = look.moved.get(operation).copied().unwrap_or_default();
        (operation.clone(), (wait.to_string(), moved))
    };
    plan.waiting_on.iter().map(of).collect()
}
