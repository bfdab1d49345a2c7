//! The crate against real engines.
//!
//! Engines come from the folder in `VALKYARD_TEST_ENGINES`, or from `.tools/engines` in the repository, which
//! `acceptance-tests/setup/engines.sh` fills.

mod client;
mod commands;
mod engine;
mod pair;
mod wait;
