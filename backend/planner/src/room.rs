//! Whether data fits, into a node and into a whole instance of another shape; and how much memory a node is given.
//!
//! Read by `moves`, `configuration` and `give_up`. Its invariant: no node gets less memory than what it holds needs, and while
//! slots move none gets less than before the change, so that a change of shape evicts nothing on its way.

use valkyard_model::{ByteSize, EngineConfigKey, EngineSeen, Failure, FailureCode, Settled};

use crate::change;
use crate::cluster::{Cluster, Node, Shard};
use crate::moves;
use crate::settings::maxmemory;

/// Memory that an engine needs beside its keys for its own tables, as a part of them: a sixteenth (measured with keys of
/// 1 kB: a thirtieth).
const TABLES_PART: u64 = 16;

/// What an engine takes for no limit.
const UNLIMITED: ByteSize = ByteSize(0);

/// What a node may hold at the moment.
pub(crate) fn live_maxmemory(engine: &EngineSeen) -> Option<ByteSize> {
    engine.settings.number(EngineConfigKey::Maxmemory).map(ByteSize)
}

/// What every node may hold from now on: what the spec gives it, and while slots move, what it had before if that is more.
pub(crate) fn due_maxmemory(cluster: &Cluster<'_>) -> ByteSize {
    let wanted = maxmemory(cluster.desired);
    if wanted == UNLIMITED {
        return wanted;
    }
    let before = cluster.desired.settled.as_ref().map(|settled| settled.maxmemory);
    before.filter(|before| *before > wanted && !change::is_reshaped(cluster)).unwrap_or(wanted)
}

/// What this node may hold from now on, when `due` is for all: what it holds already, if that does not fit.
pub(crate) fn wanted_maxmemory(due: ByteSize, engine: &EngineSeen) -> ByteSize {
    if due == UNLIMITED {
        return due;
    }
    let held = ByteSize(engine.data.0 + engine.data.0 / TABLES_PART);
    due.max(live_maxmemory(engine).map_or(due, |present| present.min(held)))
}

/// The part of a node's data that this many of its slots hold, taking keys as evenly spread.
pub(crate) fn data_of(engine: &EngineSeen, slots: u16) -> ByteSize {
    let owned = u128::from(engine.slots.count().max(1));
    let share = u128::from(engine.data.0) * u128::from(slots) / owned;
    ByteSize(u64::try_from(share).unwrap_or(engine.data.0))
}

/// Whether a node can take this much more. One that does not tell its limit has none.
pub(crate) fn has_room(node: &Node<'_>, more: ByteSize) -> bool {
    let Some(engine) = node.engine() else { return true };
    let needed = engine.data.0.saturating_add(more.0);
    live_maxmemory(engine).is_none_or(|limit| limit.0 == 0 || needed <= limit.usable().0)
}

/// Data of the whole instance, each key once. Unknown while keys are on their way: then two nodes have them.
fn data(cluster: &Cluster<'_>) -> Option<ByteSize> {
    if moves::is_any_moving(cluster) {
        return None;
    }
    let primaries = cluster.shards.iter().filter_map(Shard::primary).filter_map(Node::engine);
    Some(ByteSize(primaries.map(|engine| engine.data.0).sum()))
}

/// Why a change to less memory cannot be made: what is held does not fit.
pub(crate) fn decide_shortfall(cluster: &Cluster<'_>, settled: &Settled) -> Option<Failure> {
    let desired = cluster.desired;
    let capacity = |shards: u16, maxmemory: ByteSize| ByteSize(maxmemory.0 * u64::from(shards));
    let before = capacity(settled.spec.shard_count, settled.maxmemory);
    let after = capacity(desired.spec.shard_count, desired.maxmemory);
    let room = capacity(desired.spec.shard_count, desired.maxmemory.usable());
    if !after.is_less_than(before) {
        return None;
    }
    let held = data(cluster).filter(|held| *held > room)?;
    let shards = held.0.div_ceil(desired.maxmemory.usable().0.max(1));
    let message = format!(
        "the instance holds {} MiB, and {} shards of {} ({} MiB for data each, scaled to this machine) have room for {} MiB; \
         nothing was lost: choose at least {shards} shards of this type, or a larger node type, or delete data first",
        held.0 >> 20,
        desired.spec.shard_count,
        desired.spec.node_type,
        desired.maxmemory.usable().0 >> 20,
        room.0 >> 20,
    );
    Some(Failure { code: FailureCode::FailedPrecondition, message })
}
