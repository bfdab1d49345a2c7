//! Reads what a node reports of itself (`CLUSTER NODES`, `CLUSTER INFO`, `INFO`) into an `EngineSeen`.
//!
//! `client` calls it. Pure; any text at all is either read or refused, never a panic. It judges nothing: a node that
//! contradicts itself is reported as it speaks.

mod cluster_nodes;
mod fields;

use std::collections::BTreeMap;

use valkyard_model::{ByteSize, ConfigEpoch, EngineSeen, LinkState, LiveSettings, NodeId, PeerSeen, RoleSeen};

use cluster_nodes::NodeLine;
use fields::Fields;

/// A report that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// A line of `CLUSTER NODES` without the expected columns.
    #[error("not a line of CLUSTER NODES: {line:?}")]
    NodeLine {
        /// The line.
        line: String,
    },
    /// No line of `CLUSTER NODES` is the node's own.
    #[error("CLUSTER NODES has no line for the node itself")]
    Myself,
    /// A field of `CLUSTER INFO` or `INFO` is missing or has a value of the wrong form.
    #[error("field {field} is {value:?}")]
    Field {
        /// The field.
        field: &'static str,
        /// Its value, if there is one.
        value: Option<String>,
    },
}

/// Puts the three reports of one round trip together.
pub(crate) fn engine_seen(nodes: &str, cluster_info: &str, info: &str) -> Result<EngineSeen, ReportError> {
    let cluster_info = Fields(cluster_info);
    let info = Fields(info);
    let mut me = None;
    let mut peers = BTreeMap::new();
    for line in nodes.lines().filter(|line| !line.is_empty()) {
        let line = NodeLine::parse(line).ok_or_else(|| ReportError::NodeLine { line: line.to_owned() })?;
        if line.myself {
            me = Some(line);
        } else if let Some((id, peer)) = peer_seen(line) {
            peers.insert(id, peer);
        }
    }
    let me = me.ok_or(ReportError::Myself)?;
    let loading = info.flag("loading")?;
    let is_replica = me.replica_of.is_some();
    let role = match me.replica_of {
        None => RoleSeen::Primary,
        Some(of) => RoleSeen::Replica { of, link: link_state(info, loading)? },
    };
    Ok(EngineSeen {
        id: me.id,
        version: info.parsed("valkey_version")?,
        role,
        cluster_ok: cluster_info.text("cluster_state")? == "ok",
        loading,
        epoch: ConfigEpoch(cluster_info.parsed("cluster_my_epoch")?),
        current_epoch: ConfigEpoch(cluster_info.parsed("cluster_current_epoch")?),
        slots: me.slots,
        replication_offset: replication_offset(info, is_replica)?,
        keys: 0,
        data: ByteSize(0),
        libraries: 0,
        settings: LiveSettings::default(),
        migrations: Vec::new(),
        open_slots: BTreeMap::new(),
        peers,
    })
}

/// `None` for a peer whose address the node does not know: it can be neither reached nor named to anybody.
fn peer_seen(line: NodeLine) -> Option<(NodeId, PeerSeen)> {
    let NodeLine { id, address, health, replica_of, epoch, slots, myself: _ } = line;
    Some((id, PeerSeen { address: address?, health, replica_of, epoch, slots }))
}

/// A node that became a replica a moment ago may still answer with a primary's INFO: its link is then down.
fn link_state(info: Fields<'_>, loading: bool) -> Result<LinkState, ReportError> {
    if info.text("role")? == "master" {
        return Ok(LinkState::Down);
    }
    if loading || info.flag("master_sync_in_progress")? {
        return Ok(LinkState::Syncing);
    }
    Ok(if info.text("master_link_status")? == "up" { LinkState::Up } else { LinkState::Down })
}

fn replication_offset(info: Fields<'_>, is_replica: bool) -> Result<u64, ReportError> {
    let name = if is_replica && info.text("role")? == "slave" { "slave_repl_offset" } else { "master_repl_offset" };
    // -1 stands for "none yet".
    let offset: i64 = info.parsed(name)?;
    Ok(u64::try_from(offset).unwrap_or(0))
}

#[cfg(test)]
mod tests;
