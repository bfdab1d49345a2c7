//! Decides what to do next for one instance: `plan(desired, observed, now)`. Pure: no I/O, no clock, no randomness.
//!
//! Every rule about order and safety lives here, once; the reconciler only carries steps out. The same path serves
//! creation, steady state, recovery and a restarted daemon, as nothing is remembered between two calls.

mod cluster;
mod convergence;
mod discovery;
mod failover;
mod give_up;
mod invariants;
mod layout;
mod membership;
mod plan;
mod proposal;
mod repair;
mod retry;
mod seed;
mod settings;
mod stopping;
mod teardown;
mod timing;

pub use invariants::{Violation, check};
pub use plan::plan;
pub use settings::node_settings;
