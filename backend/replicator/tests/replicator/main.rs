//! The crate against real engines.
//!
//! Engines come from the folder in `VALKYARD_TEST_ENGINES`, or from `.tools/engines` in the repository, which
//! `acceptance-tests/setup/engines.sh` fills.

mod client;
mod commands;
mod distances;
mod engine;
mod exactly_once;
mod faults;
mod judge;
mod pair;
mod proxy;
mod resharding;
mod size;
mod switchover;
mod wait;
