//! A seeded world under the real reconciler: simulated processes, engines, bus and clock, with faults at any moment.
//!
//! For tests only. Time passes when the driver says so; the same seed gives the same run.

mod bus;
mod carry_out;
mod chaos;
mod driver;
mod engine;
mod instance;
mod machine;
mod oracle;
mod random;
mod replication;
mod world;

pub use chaos::{Chaos, CrashPoint, Moment};
pub use driver::{Downtime, Outcome, Simulation};
pub use instance::accepted_instance;
pub use machine::Machine;
pub use random::Random;
