//! A plan in the making: what was refused a moment ago is left alone, and no more work is begun than may go on at once.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use valkyard_model::{OperationId, Timestamp};

use super::{Clocks, KeepingFault, KeepingJob, KeepingPlan, KeepingSeen, KeepingStep, KeepingStepKind, KeepingWait};
use crate::retry;

/// Copies and comparisons at once: each moves as much as the disk or the network bears, and the nodes need some of both.
const TRANSFERS_MAX: usize = 2;
/// Removals at once. They are counted apart, so that a store which does not answer holds up no export to another one.
const REMOVALS_MAX: usize = 2;

/// After steps: the next ones often follow from them.
const AFTER_STEPS: Duration = Duration::from_millis(100);
/// While something is under way.
pub(super) const UNDER_WAY: Duration = Duration::from_secs(1);
/// Else. A wake-up may be lost, and the clock of schedules may be set.
const IDLE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Proposal<'a> {
    pub(super) seen: &'a KeepingSeen,
    pub(super) clocks: Clocks,
    transfers: usize,
    removals: usize,
    steps: Vec<KeepingStep>,
    waiting_on: BTreeMap<OperationId, KeepingWait>,
    look_again_in: Duration,
}

impl<'a> Proposal<'a> {
    pub(super) fn new(seen: &'a KeepingSeen, clocks: Clocks) -> Self {
        let comparisons = seen.comparisons.values().filter(|job| job.is_running()).count();
        let exports = seen.exports.values().filter(|job| job.is_running()).count();
        let removals = seen.deletions.values().chain(&seen.sweep).filter(|job| job.is_running()).count();
        let (steps, waiting_on) = (Vec::new(), BTreeMap::new());
        let mut proposal =
            Self { seen, clocks, transfers: comparisons + exports, removals, steps, waiting_on, look_again_in: IDLE };
        if proposal.transfers + proposal.removals > 0 {
            proposal.look_within(UNDER_WAY);
        }
        proposal
    }

    /// Proposes a step, unless it was refused a moment ago.
    pub(super) fn propose(&mut self, step: KeepingStep) {
        let (kind, about) = step.subject();
        let left =
            self.refusal(kind, &about).and_then(|fault| retry::after_refusal(fault.attempts, fault.last, self.clocks.machine));
        match left {
            Some(left) => self.look_within(left),
            None => {
                self.look_within(AFTER_STEPS);
                self.steps.push(step);
            }
        }
    }

    /// The last refusal of such a step.
    pub(super) fn refusal(&self, kind: KeepingStepKind, about: &str) -> Option<&'a KeepingFault> {
        self.seen.faults.iter().find(|fault| fault.kind == kind && fault.about == about)
    }

    /// Proposes to begin a copy or a comparison if there is room; returns whether there was.
    pub(super) fn begin_transfer(&mut self, step: KeepingStep) -> bool {
        let has_room = self.transfers < TRANSFERS_MAX;
        if has_room {
            self.transfers += 1;
            self.propose(step);
        }
        has_room
    }

    /// Proposes to begin a removal if there is room; returns whether there was.
    pub(super) fn begin_removal(&mut self, step: KeepingStep) -> bool {
        let has_room = self.removals < REMOVALS_MAX;
        if has_room {
            self.removals += 1;
            self.propose(step);
        }
        has_room
    }

    /// Proposes to stop or forget work.
    pub(super) fn end(&mut self, job: KeepingJob) {
        self.propose(KeepingStep::EndJob(job));
    }

    /// Says what an operation waits for, and looks again soon.
    pub(super) fn wait(&mut self, operation: &OperationId, what: KeepingWait) {
        self.tell(operation, what);
        self.look_within(UNDER_WAY);
    }

    /// Says what an operation waits for.
    pub(super) fn tell(&mut self, operation: &OperationId, what: KeepingWait) {
        self.waiting_on.insert(operation.clone(), what);
    }

    /// Looks again no later than this.
    pub(super) fn look_within(&mut self, time: Duration) {
        self.look_again_in = self.look_again_in.min(time);
    }

    /// Looks again at this time of the clock of schedules.
    pub(super) fn look_at(&mut self, time: Timestamp) {
        let left: TimeDelta = time - self.clocks.calendar;
        self.look_within(left.to_std().unwrap_or(UNDER_WAY).max(UNDER_WAY));
    }

    pub(super) fn finish(self) -> KeepingPlan {
        KeepingPlan { steps: self.steps, waiting_on: self.waiting_on, look_again_in: self.look_again_in }
    }
}
