//! The crate against real engines, real stores, and files that no engine writes.
//!
//! Engines come from the folder in `VALKYARD_TEST_ENGINES`, or from `.tools/engines` in the repository, which
//! `acceptance-tests/setup/engines.sh` fills.

mod client;
mod damage;
mod data;
mod engine;
mod folders;
mod object_servers;
mod old_forms;
mod random;
mod real_files;
mod splitting;
mod splitting_refusals;
mod stores;
mod tapping;
mod ways;
mod whole;
mod writer;
