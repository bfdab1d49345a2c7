//! Settings of running nodes: set live where they differ from what the spec wants.
//!
//! Called after everything that starts or stops nodes. Its invariant: memory is raised at once and lowered only under data
//! that fits, so that a change of shape evicts nothing on its way.

use valkyard_model::{EngineConfigKey, LiveSettings, Persistence, Step, WaitingOn};

use crate::change;
use crate::cluster::{Cluster, Life, Node};
use crate::moves::live_maxmemory;
use crate::proposal::Proposal;
use crate::room::usable;
use crate::settings::node_settings;
use crate::snapshots;

pub(crate) fn plan_configuration(cluster: &Cluster<'_>, proposal: &mut Proposal<'_>) {
    let is_reshaped = change::is_reshaped(cluster);
    for node in cluster.nodes() {
        let is_open = node.is_member() && node.life() == Life::Alive && node.seen.history.stops == 0;
        if !is_open || proposal.is_busy(node.serial()) {
            continue;
        }
        let Some(engine) = node.engine().filter(|engine| !engine.loading) else { continue };
        if is_configured(cluster, node) {
            continue;
        }
        let mut settings = node_settings(cluster.desired, node.allocation);
        let present = live_maxmemory(node).filter(|present| *present > settings.maxmemory);
        // While slots still move, data may leave the node; afterwards only what really does not fit keeps its memory.
        let room = if is_reshaped { settings.maxmemory } else { usable(settings.maxmemory) };
        if let Some(present) = present.filter(|_| engine.data > room) {
            proposal.wait(WaitingOn::RoomIn(node.allocation.shard));
            settings.maxmemory = present;
        }
        if let (Some(fsync), Some(reason)) = (engine.persistence.fsync, snapshots::awaited(cluster, node)) {
            proposal.wait(reason);
            settings.persistence = Persistence::Aof { fsync };
        }
        let is_set = engine.persistence.is_set_to(settings.persistence);
        if !is_set || differs(cluster, &engine.settings, &LiveSettings::wanted(&settings)) {
            proposal.propose(Step::Configure { node: node.serial(), settings });
        }
    }
}

/// Whether a living node runs with what the spec wants.
pub(crate) fn is_configured(cluster: &Cluster<'_>, node: &Node<'_>) -> bool {
    let Some((engine, wanted)) = node.engine().zip(cluster.wanted_settings(node.allocation.kind)) else { return true };
    engine.persistence.is_set_to(cluster.desired.spec.persistence) && !differs(cluster, &engine.settings, wanted)
}

/// Engines that tell nothing are left alone. One that could not get as many connections as its type's default is not asked
/// again: the limit of open files of this machine is lower, and nobody asked for the number.
fn differs(cluster: &Cluster<'_>, live: &LiveSettings, wanted: &LiveSettings) -> bool {
    let is_default = cluster.desired.spec.engine_configs.value(EngineConfigKey::Maxclients).is_none();
    let differs = |key: EngineConfigKey, wanted: &str| match live.value(key) {
        None => false,
        Some(_) if key == EngineConfigKey::Maxclients && is_default => live.number(key) > wanted.parse().ok(),
        Some(value) => value != wanted,
    };
    wanted.iter().any(|(key, value)| differs(key, value))
}
