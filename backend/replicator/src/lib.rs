//! One link between two instances: the writes of a source shard's primary, applied exactly once, in order, to the primary of
//! the same shard of another instance.
//!
//! The daemon's wiring starts and stops links and tells them where primaries are. Invariant: what a target holds is a prefix of
//! its source's history, and how long a prefix is known from the target itself, because each batch of writes carries its point.
//! A link decides nothing about roles or topology, loads no snapshot, and never skips a command: it stops and says why.

mod answers;
mod batch;
mod checkpoint;
mod distance;
mod ends;
mod intake;
mod kind;
mod lag;
mod link;
mod progress;
mod pump;
mod replies;
mod session;
mod status;
mod stream;

pub use checkpoint::{CheckpointError, clear_checkpoint, ensure_history, read_checkpoint, write_checkpoint};
pub use distance::Distance;
pub use link::{Endpoint, Link, LinkRequest, TargetAbilities};
pub use status::{LinkFault, LinkState, LinkStatus, SeedReason, Side};
