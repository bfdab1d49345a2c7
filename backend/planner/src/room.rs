//! Whether data fits: into a node, and into a whole instance of another shape.
//!
//! Read by `moves`, `configuration` and `give_up`. Its invariant: an eighth of a node's memory is never counted on; the
//! replication backlog takes a sixteenth, the engine's own tables the rest.

use valkyard_model::{ByteSize, EngineSeen, Failure, FailureCode, Settled};

use crate::cluster::{Cluster, Node, Shard};
use crate::moves::live_maxmemory;

/// Data that a node with this much memory can hold beside its own tables and the replication backlog.
#[must_use]
pub fn usable(maxmemory: ByteSize) -> ByteSize {
    ByteSize(maxmemory.0 / 8 * 7)
}

/// The part of a node's data that this many of its slots hold, taking keys as evenly spread.
pub(crate) fn data_of(engine: &EngineSeen, slots: u16) -> ByteSize {
    let owned = u128::from(engine.slots.count().max(1));
    let share = u128::from(engine.data.0) * u128::from(slots) / owned;
    ByteSize(u64::try_from(share).unwrap_or(engine.data.0))
}

/// Whether a node can take this much more. One that does not tell its limit has none.
pub(crate) fn has_room(node: &Node<'_>, more: ByteSize) -> bool {
    let held = node.engine().map_or(0, |engine| engine.data.0);
    live_maxmemory(node).is_none_or(|limit| limit.0 == 0 || held.saturating_add(more.0) <= usable(limit).0)
}

/// Data of the whole instance, each key once.
fn data(cluster: &Cluster<'_>) -> ByteSize {
    let primaries = cluster.shards.iter().filter_map(Shard::primary).filter_map(Node::engine);
    ByteSize(primaries.map(|engine| engine.data.0).sum())
}

/// Why a change to less memory cannot be made: what is held does not fit.
pub(crate) fn decide_shortfall(cluster: &Cluster<'_>, settled: &Settled) -> Option<Failure> {
    let desired = cluster.desired;
    let capacity = |shards: u16, maxmemory: ByteSize| usable(maxmemory).0 * u64::from(shards);
    let (before, after) =
        (capacity(settled.spec.shard_count, settled.maxmemory), capacity(desired.spec.shard_count, desired.maxmemory));
    let held = data(cluster);
    if after >= before || held.0 <= after {
        return None;
    }
    let shards = held.0.div_ceil(usable(desired.maxmemory).0.max(1));
    let message = format!(
        "the instance holds {} MiB, and {} shards of {} ({} MiB for data each, scaled to this machine) have room for {} MiB; \
         nothing was lost: choose at least {shards} shards of this type, or a larger node type, or delete data first",
        held.0 >> 20,
        desired.spec.shard_count,
        desired.spec.node_type,
        usable(desired.maxmemory).0 >> 20,
        after >> 20,
    );
    Some(Failure { code: FailureCode::FailedPrecondition, message })
}
