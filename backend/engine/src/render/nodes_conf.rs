//! The `nodes.conf` a node wakes up with: a complete cluster, so that nobody has to be introduced to anybody.

use std::fmt::Write as _;

use valkyard_model::{ClusterSeed, ConfigEpoch, NodeId, SeedNode, SeedRole};

/// The file for the node `me`; identical for all nodes but for the `myself` flag.
#[must_use]
pub fn nodes_conf(seed: &ClusterSeed, me: &NodeId) -> String {
    let mut text = String::new();
    for node in &seed.nodes {
        text.push_str(&line(seed, node, me));
    }
    writeln!(text, "vars currentEpoch {} lastVoteEpoch 0", seed.current_epoch.0).expect("writing to a string does not fail");
    text
}

fn line(seed: &ClusterSeed, node: &SeedNode, me: &NodeId) -> String {
    let myself = if node.id == *me { "myself," } else { "" };
    let (role, slots) = match &node.role {
        SeedRole::Primary { slots, epoch } => (format!("{myself}master - 0 0 {}", epoch.0), slots.to_string()),
        SeedRole::Replica { of } => (format!("{myself}slave {of} 0 0 {}", epoch_of(seed, of).0), String::new()),
    };
    let separator = if slots.is_empty() { "" } else { " " };
    format!(
        "{} {}@{},,tls-port=0,shard-id={} {role} connected{separator}{slots}\n",
        node.id, node.address, node.bus_port, node.shard
    )
}

/// A replica's line shows its primary's claim.
fn epoch_of(seed: &ClusterSeed, primary: &NodeId) -> ConfigEpoch {
    seed.nodes
        .iter()
        .find(|node| node.id == *primary)
        .and_then(|node| match &node.role {
            SeedRole::Primary { epoch, .. } => Some(*epoch),
            SeedRole::Replica { .. } => None,
        })
        .unwrap_or_default()
}
