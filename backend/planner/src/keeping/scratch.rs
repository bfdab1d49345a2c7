//! Instances that backups are restored into to be compared: their spec, and which of them are still needed.

use std::collections::BTreeMap;

use valkyard_model::{
    Backup, EngineVersion, ImportSource, InstanceName, InstanceSpec, Keeping, Lifecycle, SpecDraft, SpecLimits, Standing,
    validate,
};

use super::proposal::Proposal;
use super::{KeepingStep, ScratchNodes};

/// The label that makes an instance of that project one of them; its value is the id of the backup.
pub const SCRATCH_LABEL: &str = "valkyard-scratch";

/// Those that no verification names any more go.
pub(super) fn plan_orphans(keeping: &Keeping, proposal: &mut Proposal<'_>) {
    for scratch in &proposal.seen.scratches {
        let is_needed = keeping.verifications.iter().any(|order| order.scratch == scratch.name);
        if scratch.lifecycle == Lifecycle::Present && !is_needed {
            proposal.propose(KeepingStep::DeleteScratch { instance: scratch.name.clone() });
        }
    }
}

/// The spec of an instance of the backup's shape, without replicas and without anything that outlives it.
///
/// # Errors
/// Why there can be none here, for people.
pub(super) fn spec_for(backup: &Backup, scratch: &InstanceName, limits: &SpecLimits) -> Result<InstanceSpec, String> {
    let engine = engine_for(backup.engine_version, &limits.engine_versions)
        .ok_or_else(|| format!("no engine of {} or newer is installed: {}", backup.engine_version, limits.engine_hint))?;
    let draft = SpecDraft {
        shard_count: backup.shard_count.into(),
        replica_count: Some(0),
        node_type: Some(backup.node_type),
        engine_version: engine.to_string(),
        // Nothing may go while it is compared, however little memory this machine has.
        engine_configs: BTreeMap::from([("maxmemory-policy".to_owned(), "noeviction".to_owned())]),
        import: Some(ImportSource::Backup(backup.name.clone())),
        deletion_protection: Some(false),
        labels: BTreeMap::from([(SCRATCH_LABEL.to_owned(), backup.name.backup.to_string())]),
        ..SpecDraft::default()
    };
    validate(draft, &scratch.location, limits).map_err(|violations| {
        let said: Vec<_> = violations.into_iter().map(|violation| violation.description).collect();
        format!("an instance of its shape is not possible here: {}", said.join("; "))
    })
}

/// The version itself, else the newest of those that are newer: older engines do not read files of newer ones.
fn engine_for(wanted: EngineVersion, installed: &[EngineVersion]) -> Option<EngineVersion> {
    let newest = installed.iter().copied().filter(|version| *version > wanted).max();
    if installed.contains(&wanted) { Some(wanted) } else { newest }
}

/// How its nodes are reached.
pub(super) fn nodes_of(scratch: &valkyard_model::DesiredInstance) -> ScratchNodes {
    let members = scratch.nodes.values().filter(|node| match node.standing {
        Standing::Member => true,
        Standing::Retiring => false,
    });
    let address = |node: &valkyard_model::NodeAllocation| std::net::SocketAddrV4::new(scratch.address.ip, node.port.0);
    ScratchNodes { secret: scratch.secret.clone(), nodes: members.map(|node| (node.shard, address(node))).collect() }
}
