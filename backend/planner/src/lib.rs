//! Decides what to do next for one instance: `plan(desired, observed, now)`. Pure: no I/O, no clock, no randomness.
//!
//! Every rule about order and safety lives here, once; the reconciler only carries steps out. The same path serves
//! creation, steady state, recovery and a restarted daemon, as nothing is remembered between two calls.

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
mod give_up;
mod handover;
mod import;
mod invariants;
mod layout;
mod loss;
mod membership;
mod moves;
mod orphans;
mod plan;
mod proposal;
mod rebalance;
mod repair;
mod retirement;
mod retry;
mod room;
mod seed;
mod settings;
mod snapshots;
mod stopping;
mod teardown;
mod timing;

pub use invariants::{Violation, check};
pub use plan::plan;
pub use settings::node_settings;
