//! What acceptance tests stand on: the built binaries, a daemon of their own, Terraform, engines, and waiting.
//!
//! Every process started here is ended by its owner's `Drop`, by pid. Everything listens on loopback.

mod api;
mod backups;
pub mod chaos;
mod cluster;
mod daemon;
mod invariants;
pub mod judge;
mod nodes;
mod object_store;
mod processes;
mod random;
mod replication;
mod scene;
mod small_disk;
mod terraform;
mod tools;
mod wait;

pub use api::{Answer, Api};
pub use backups::Backups;
pub use cluster::{read_back, url as discovery_url, write_keys};
pub use daemon::{Daemon, DaemonOptions};
pub use invariants::{Leavers, Shape, check_invariants, wait_for_invariants};
pub use nodes::{ListedNode, ask, discovery_address, info_of, listing_of, parse_listing};
pub use object_store::{BUCKET, ObjectStore};
pub use processes::{NodeProcess, kill_9, node_processes};
pub use random::Random;
pub use replication::{PRIMARY, Pair, SECONDARY, Tally, secondary_of};
pub use scene::{Member, SCENE_INSTANCE, Scene, replicas_in_sync, send};
pub use small_disk::SmallDisk;
pub use terraform::{Run, Terraform, Workspace};
pub use tools::{Engine, binary, engines, repository, terraforms, tools_dir};
pub use wait::{let_pass, wait_until};
