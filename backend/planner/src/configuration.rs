//! Settings of running nodes: set live where they differ from what the spec wants.
//!
//! Called after everything that starts or stops nodes. Its invariant: memory is raised at once and lowered only under data
//! that fits (`room`), so that a change of shape evicts nothing on its way.

use valkyard_model::{ByteSize, EngineConfigKey, EngineSeen, LiveSettings, Persistence, Step};

use crate::cluster::{Cluster, Life, Node};
use crate::durability;
use crate::import;
use crate::proposal::Proposal;
use crate::room::{due_maxmemory, live_maxmemory, wanted_maxmemory};
use crate::settings::node_settings;
use crate::snapshots;

/// Differences of memory that are left alone, as a part of it, while a node keeps more than the spec gives it because of its
/// data: that changes with every write.
const MEMORY_TOLERANCE: u64 = 64;

pub(crate) fn plan_configuration(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    let due = due_maxmemory(cluster);
    for node in cluster.nodes() {
        let is_open = node.is_member() && node.life() == Life::Alive && node.seen.history.stops == 0;
        if !is_open || proposal.is_busy(node.serial()) || import::is_uncounted(cluster, node) {
            continue;
        }
        let Some(engine) = node.engine().filter(|engine| !engine.loading) else { continue };
        if is_configured(cluster, due, node) {
            continue;
        }
        let mut settings = node_settings(cluster.desired, node.allocation);
        settings.maxmemory = wanted_maxmemory(due, engine);
        if let (Some(fsync), Some(reason)) = (engine.persistence.fsync, snapshots::awaited(cluster, node)) {
            proposal.wait(reason);
            settings.persistence = Persistence::Aof { fsync };
        }
        let is_part = engine.part.is_set_to(&settings);
        let is_set = engine.persistence.is_set_to(settings.persistence) && has_its_memory(due, engine) && is_part;
        if !is_set || differs(cluster, engine, &LiveSettings::wanted(&settings)) {
            let surplus = durability::surplus(cluster, settings.persistence);
            proposal.propose(Step::Configure { node: node.serial(), settings, surplus });
        }
    }
}

/// Whether a living node runs with what the spec wants, when `due` is the memory for all.
pub(crate) fn is_configured(cluster: &Cluster<'_>, due: ByteSize, node: &Node<'_>) -> bool {
    let Some((engine, wanted)) = node.engine().zip(cluster.wanted_settings(node.allocation.kind)) else { return true };
    let is_persistent = engine.persistence.is_set_to(cluster.desired.spec.persistence);
    let is_part = engine.part.is_set_to(&node_settings(cluster.desired, node.allocation));
    is_persistent && is_part && !differs(cluster, engine, wanted) && has_its_memory(due, engine)
}

fn has_its_memory(due: ByteSize, engine: &EngineSeen) -> bool {
    let Some(present) = live_maxmemory(engine) else { return true };
    let wanted = wanted_maxmemory(due, engine);
    let spare = if wanted == due { 0 } else { wanted.0 / MEMORY_TOLERANCE };
    (wanted.0..=wanted.0 + spare).contains(&present.0)
}

/// Engines that tell nothing are left alone, and so is one that got less where less will do.
fn differs(cluster: &Cluster<'_>, engine: &EngineSeen, wanted: &LiveSettings) -> bool {
    let live = &engine.settings;
    let configs = &cluster.desired.spec.engine_configs;
    let differs = |key: EngineConfigKey, wanted: &str| match live.value(key) {
        None => false,
        Some(_) if key == EngineConfigKey::Maxmemory => false,
        Some(_) if configs.tolerates_less(key) => live.number(key) > wanted.parse().ok(),
        Some(value) => value != wanted,
    };
    wanted.iter().any(|(key, value)| differs(key, value))
}
