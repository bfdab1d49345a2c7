//! A seeded world under the real reconciler: simulated processes, engines, bus and clock, with faults at any moment.
//!
//! For tests only. Time passes when the driver says so; the same seed gives the same run.

mod acquaintance;
mod bus;
mod by_keys;
mod carry_out;
mod chaos;
mod clients;
mod completeness;
mod disk;
mod driver;
mod engine;
mod fate;
mod following;
mod handover;
mod hearing;
mod instance;
mod jobs;
mod keys;
mod machine;
mod moves;
mod node_steps;
mod oracle;
mod random;
mod record_steps;
mod replication;
mod slots;
mod switchover;
mod world;

pub use chaos::{Chaos, CrashPoint, Moment};
pub use driver::{Downtime, Outcome, Simulation};
pub use fate::ZoneLoss;
pub use instance::{accepted_instance, accepted_instance_of, accepted_primary, accepted_secondary};
pub use machine::Machine;
pub use random::Random;
