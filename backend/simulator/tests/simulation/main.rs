//! The real reconciler over simulated machines: every shape, a crash at every step, every fault, hundreds of seeds.

mod changes;
mod chaos;
mod crashes;
mod data;
mod faults;
mod following;
mod persistence;
mod scenario;
mod shapes;
mod switchover;
mod zones;
