//! What is to be done about backups: `plan_keeping(records, seen, means, clocks)`.
//!
//! The keeper calls it at each of its turns and carries the steps out. Two clocks go in: schedules and expiries follow the one
//! that tests may set, work and its failures the machine's. Invariants: no due time has two backups; files are removed only of
//! backups that are on their way out; an operation ends once its work was seen to have ended. It neither makes a backup (the
//! loop of its instance does) nor changes what was accepted: a retention that is shortened concerns later backups only.

mod due;
mod expiry;
mod exports;
mod plan;
mod proposal;
mod scratch;
mod seen;
mod step;
mod sweep;
mod verifications;
mod wait;

pub use due::DUE_ATTEMPTS_MAX;
pub use plan::{Clocks, KeepingPlan, Means, plan_keeping};
pub use scratch::SCRATCH_LABEL;
pub use seen::{JobSeen, KeepingFault, KeepingSeen, Verdict};
pub use step::{KeepingJob, KeepingStep, KeepingStepKind, ScratchNodes};
pub use wait::KeepingWait;

#[cfg(test)]
mod tests;
