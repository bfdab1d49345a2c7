//! Reads what a node reports of itself (`CLUSTER NODES`, `CLUSTER INFO`, `INFO`, `CONFIG GET`, `CLUSTER GETSLOTMIGRATIONS`) into an `EngineSeen`.
//!
//! `client` calls it. Pure; any text at all is either read or refused, never a panic. It judges nothing: a node that
//! contradicts itself is reported as it speaks.

mod cluster_nodes;
mod fields;
mod migrations;

use std::collections::BTreeMap;

use valkyard_model::{
    Access, AppendFsync, ByteSize, ClusterMemory, ConfigEpoch, EngineConfigKey, EngineSeen, HistoryNames, LinkState,
    LiveSettings, LoadedSeen, NodeId, OpenSlot, PartSeen, PeerSeen, PersistenceSeen, ReplicationPoint, RoleSeen, SlotRange,
    SlotSet,
};

use crate::client::HistorySeen;

use cluster_nodes::NodeLine;
use fields::Fields;
pub(crate) use migrations::migrations;

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

/// First version that moves slots as a whole, and tells of it.
pub(crate) const SINCE_ATOMIC_MIGRATION: (u16, u16) = (9, 0);

/// What a node answers in one round trip.
#[derive(Clone, Debug)]
pub(crate) struct Reports<'r> {
    /// `CLUSTER NODES`.
    pub(crate) nodes: &'r str,
    /// `CLUSTER INFO`.
    pub(crate) cluster_info: &'r str,
    /// `INFO`.
    pub(crate) info: &'r str,
    /// `CONFIG GET` of every key that a user may set, and of persistence.
    pub(crate) settings: Vec<(String, String)>,
    /// What clients may do.
    pub(crate) access: Access,
    /// `CLUSTER GETSLOTMIGRATIONS`, each as its fields; empty where the engine has no such command.
    pub(crate) migrations: Vec<Vec<(String, String)>>,
}

/// Puts the reports of one round trip together.
pub(crate) fn engine_seen(reports: Reports<'_>) -> Result<EngineSeen, ReportError> {
    let cluster_info = Fields(reports.cluster_info);
    let info = Fields(reports.info);
    let mut me = None;
    let mut peers = BTreeMap::new();
    for line in reports.nodes.lines().filter(|line| !line.is_empty()) {
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
        history: history_names(info)?,
        keys: keys(info)?,
        data: data(info)?,
        libraries: info.parsed("number_of_libraries")?,
        part: part(reports.access, &reports.settings),
        persistence: persistence(info, &reports.settings)?,
        settings: settings(reports.settings)?,
        migrations: migrations(reports.migrations)?,
        open_slots: me.open_slots,
        peers,
    })
}

/// The slots that a primary owns and gives to nobody, of its `CLUSTER NODES`; `None` for a replica.
pub(crate) fn kept_slots(nodes: &str) -> Result<Option<SlotSet>, ReportError> {
    let me = nodes.lines().filter_map(NodeLine::parse).find(|line| line.myself).ok_or(ReportError::Myself)?;
    let goes = |open: &OpenSlot| matches!(open, OpenSlot::MigratingTo(_));
    let going = me.open_slots.iter().filter(|(_, open)| goes(open));
    let going: SlotSet = going.filter_map(|(slot, _)| SlotRange::new(slot.number(), slot.number())).collect();
    Ok(me.replica_of.is_none().then(|| me.slots.without(&going)))
}

/// What a node's history is called, and was before it took over.
fn history_names(info: Fields<'_>) -> Result<HistoryNames, ReportError> {
    let replication_id = info.text("master_replid")?.to_owned();
    // -1 stands for "none".
    let end: i64 = info.parsed("second_repl_offset")?;
    let former = match u64::try_from(end) {
        // What follows is told, not what is there.
        Ok(next) if next > 0 => {
            Some(ReplicationPoint { replication_id: info.text("master_replid2")?.to_owned(), offset: next - 1 })
        }
        Ok(_) | Err(_) => None,
    };
    Ok(HistoryNames { replication_id, former, is_kept: info.flag("repl_backlog_active")? })
}

/// Of a node's `INFO replication server`.
pub(crate) fn history_seen(info: &str) -> Result<HistorySeen, ReportError> {
    let info = Fields(info);
    let offset = replication_offset(info, info.text("role")? == "slave")?;
    let point = ReplicationPoint { replication_id: info.text("master_replid")?.to_owned(), offset };
    let is_ending = info.beginning("shutdown_in_milliseconds").next().is_some();
    Ok(HistorySeen { point, is_kept: info.flag("repl_backlog_active")?, is_ending })
}

/// `None` for a peer whose address the node does not know: it can be neither reached nor named to anybody.
fn peer_seen(line: NodeLine) -> Option<(NodeId, PeerSeen)> {
    let NodeLine { id, address, health, replica_of, epoch, slots, myself: _, open_slots: _ } = line;
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

/// `db0:keys=3,expires=0,…` for each database that holds something.
fn keys(info: Fields<'_>) -> Result<u64, ReportError> {
    let unreadable = |value: &str| ReportError::Field { field: "db", value: Some(value.to_owned()) };
    let count = |value: &str| value.split(',').find_map(|part| part.strip_prefix("keys=")?.parse::<u64>().ok());
    info.beginning("db").map(|value| count(value).ok_or_else(|| unreadable(value))).sum()
}

/// What is used, without what is used for other things than keys.
fn data(info: Fields<'_>) -> Result<ByteSize, ReportError> {
    const OTHERS: [&str; 5] =
        ["used_memory_startup", "mem_replication_backlog", "mem_clients_normal", "mem_clients_slaves", "mem_cluster_links"];
    let used: u64 = info.parsed("used_memory")?;
    OTHERS.into_iter().try_fold(used, |rest, other| Ok(rest.saturating_sub(info.parsed(other)?))).map(ByteSize)
}

/// Names of settings that tell of a node's persistence.
pub(crate) const PERSISTENCE_SETTINGS: [&str; 3] = ["appendonly", "appendfsync", "rdb-del-sync-files"];

/// Names of settings that tell of a node's part in a replication; engines before 8.1 know one of them.
pub(crate) const PART_SETTINGS: [&str; 2] = ["repl-backlog-size", "import-mode"];

fn part(access: Access, told: &[(String, String)]) -> PartSeen {
    let [backlog, import_mode] = PART_SETTINGS.map(|field| told.iter().find(|(name, _)| name == field).map(|(_, value)| value));
    PartSeen {
        access,
        imports: import_mode.map(|value| value == "yes"),
        backlog_bytes: backlog.and_then(|value| value.parse().ok()),
    }
}

fn persistence(info: Fields<'_>, told: &[(String, String)]) -> Result<PersistenceSeen, ReportError> {
    let setting = |field: &'static str| {
        let found = told.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str());
        found.ok_or(ReportError::Field { field, value: None })
    };
    let [appendonly, appendfsync, deletes_copies] = PERSISTENCE_SETTINGS;
    let (is_wanted, fsync) = (setting(appendonly)? == "yes", setting(appendfsync)?);
    let known = AppendFsync::ALL.into_iter().find(|known| known.as_str() == fsync);
    let known = known.ok_or_else(|| ReportError::Field { field: appendfsync, value: Some(fsync.to_owned()) })?;
    let is_ok = |field| info.text(field).map(|text| text == "ok");
    Ok(PersistenceSeen {
        fsync: is_wanted.then_some(known),
        keeps_copies: setting(deletes_copies)? == "no",
        is_logging: info.flag("aof_enabled")?,
        is_rewriting: info.flag("aof_rewrite_in_progress")? || info.flag("aof_rewrite_scheduled")?,
        rewrite_ok: is_ok("aof_last_bgrewrite_status")?,
        write_ok: is_ok("aof_last_write_status")?,
        is_saving: info.flag("rdb_bgsave_in_progress")?,
        save_ok: is_ok("rdb_last_bgsave_status")?,
        loaded: LoadedSeen {
            keys: info.parsed("rdb_last_load_keys_loaded")?,
            keys_expired: info.parsed("rdb_last_load_keys_expired")?,
        },
    })
}

/// What a node's `nodes.conf` remembers of the node itself; nothing if it cannot be read.
#[must_use]
pub fn cluster_memory(nodes_conf: &str) -> Option<ClusterMemory> {
    let vars = nodes_conf.lines().find_map(|line| line.strip_prefix("vars "))?;
    let mut words = vars.split_ascii_whitespace();
    words.by_ref().find(|word| *word == "currentEpoch")?;
    let current_epoch = ConfigEpoch(words.next()?.parse().ok()?);
    let me = nodes_conf.lines().filter_map(NodeLine::parse).find(|line| line.myself)?;
    Some(ClusterMemory { is_replica: me.replica_of.is_some(), epoch: me.epoch, current_epoch, slots: me.slots })
}

fn settings(told: Vec<(String, String)>) -> Result<LiveSettings, ReportError> {
    let value = |key: EngineConfigKey| {
        let found = told.iter().find(|(name, _)| name == key.as_str());
        found.map(|(_, value)| (key, value.clone())).ok_or(ReportError::Field { field: key.as_str(), value: None })
    };
    EngineConfigKey::ALL.into_iter().map(value).collect()
}

#[cfg(test)]
mod tests;
