//! Decides what to do next: `plan(desired, observed, now)` for one instance, `plan_keeping` for all backups, which outlive
//! their instances. Pure: no I/O, no clock, no randomness.
//!
//! Every rule about order and safety lives here, once; the reconciler only carries steps out. The same path serves
//! creation, steady state, recovery and a restarted daemon, as nothing is remembered between two calls.

mod advice;
mod backup;
mod census;
mod change;
mod cluster;
mod configuration;
mod convergence;
mod detector;
mod discovery;
mod durability;
mod failover;
mod following;
mod give_up;
mod handover;
mod import;
mod invariants;
mod keeping;
mod layout;
mod loss;
mod membership;
mod moves;
mod orphans;
mod plan;
mod proposal;
mod rebalance;
mod repair;
mod reseed;
mod retirement;
mod retry;
mod room;
mod seed;
mod settings;
mod snapshots;
mod source;
mod stopping;
mod switchover;
mod teardown;
mod timing;

pub use invariants::{Violation, check};
pub use keeping::{
    Clocks, DUE_ATTEMPTS_MAX, JobSeen, KeepingFault, KeepingJob, KeepingPlan, KeepingSeen, KeepingStep, KeepingStepKind,
    KeepingWait, Means, SCRATCH_LABEL, ScratchNodes, Verdict, plan_keeping,
};
pub use plan::plan;
pub use settings::node_settings;
pub use source::source_seen;
