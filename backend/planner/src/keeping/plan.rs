//! The plan of one turn: what it goes by, and in which order things are looked at.

use std::collections::BTreeMap;
use std::time::Duration;

use valkyard_model::{BackupState, Keeping, MemoryPolicy, OperationId, SpecLimits, Timestamp};

use super::proposal::{Proposal, UNDER_WAY};
use super::{KeepingSeen, KeepingStep, KeepingWait, due, expiry, exports, sweep, verifications};

/// The two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// The one that schedules and expiries go by.
    pub calendar: Timestamp,
    /// The machine's.
    pub machine: Timestamp,
}

/// What this machine offers to instances that backups are restored into.
#[derive(Clone, Debug, PartialEq)]
pub struct Means {
    /// What can be started.
    pub limits: SpecLimits,
    /// How sizes are scaled.
    pub memory: MemoryPolicy,
}

/// What to do now.
#[derive(Clone, Debug, PartialEq)]
pub struct KeepingPlan {
    /// Steps that are safe now, in order.
    pub steps: Vec<KeepingStep>,
    /// What unfinished operations wait for.
    pub waiting_on: BTreeMap<OperationId, KeepingWait>,
    /// When to look again, if nobody says so before.
    pub look_again_in: Duration,
}

/// Decides what to do next about all backups.
#[must_use]
pub fn plan_keeping(keeping: &Keeping, seen: &KeepingSeen, means: &Means, clocks: Clocks) -> KeepingPlan {
    let mut proposal = Proposal::new(seen, clocks);
    if keeping.backups.iter().any(|backup| backup.state == BackupState::Creating) {
        // The loop of its instance does not tell the keeper how it ended.
        proposal.look_within(UNDER_WAY);
    }
    expiry::plan_expiry(keeping, &mut proposal);
    exports::plan_exports(keeping, &mut proposal);
    verifications::plan_verifications(keeping, means, &mut proposal);
    expiry::plan_deletions(keeping, &mut proposal);
    due::plan_due(keeping, &mut proposal);
    sweep::plan_sweep(keeping, &mut proposal);
    proposal.finish()
}
