//! The loop that makes instances as they should be: observe, plan, check, execute, observe again.
//!
//! Deciding is `valkyard-planner`'s; this crate reads the world, carries out steps and remembers failures.

mod machine;
mod memory;
mod supervisor;
mod turn;
mod world;

pub use machine::{Machine, MachineWorld, Sources};
pub use supervisor::{InstanceView, Supervisor, SupervisorHandle, Wake};
pub use turn::{Look, Reconciler, Turn};
pub use world::{LoadError, StepError, World};
