//! Nodes as lines, for the verbs that show them.

use admin_proto::v1::{EngineState, LinkState, Node, ProcessState, Role, Standing};
use chrono::{DateTime, SecondsFormat, Utc};

use crate::output::table;

/// Lines of nodes; with the full name of its instance, if the nodes are of several.
pub(crate) fn node_table(nodes: &[Node], instance: Option<&str>) -> String {
    let mut header =
        vec!["NODE", "SHARD", "ROLE", "LIFE", "ADDRESS", "ZONE", "KIND", "PID", "SLOTS", "KEYS", "DATA", "MAX", "OFFSET", "LAG"];
    header.extend(instance);
    let row = |node: &Node| {
        let mut row = row(node);
        if instance.is_some() {
            row.push(node.instance.clone());
        }
        row
    };
    table(&header, &nodes.iter().map(row).collect::<Vec<_>>())
}

fn row(node: &Node) -> Vec<String> {
    let version = if node.binary_version.is_empty() { &node.engine_version } else { &node.binary_version };
    vec![
        node.serial.clone(),
        format!("s{}", node.shard),
        role(node),
        life(node).to_owned(),
        node.address.clone(),
        node.zone.clone(),
        format!("{} {version}", node.node_type),
        node.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string()),
        node.slot_count.to_string(),
        node.keys.to_string(),
        bytes(node.data_bytes),
        bytes(node.maxmemory_bytes),
        node.replication_offset.to_string(),
        node.lag_bytes.map_or_else(|| "-".to_owned(), |lag| lag.to_string()),
    ]
}

fn role(node: &Node) -> String {
    let role = match node.role() {
        Role::Primary => "primary".to_owned(),
        Role::Replica => format!("replica of {}", or_dash(&node.replica_of)),
        Role::Unspecified => "-".to_owned(),
    };
    match node.standing() {
        Standing::Retiring => format!("{role}, leaves"),
        Standing::Member | Standing::Unspecified => role,
    }
}

/// One word for process, engine and link: the worst of them.
fn life(node: &Node) -> &'static str {
    match (node.process(), node.engine()) {
        (ProcessState::Frozen, _) => "frozen",
        (_, EngineState::Loading) => "loading",
        (_, EngineState::Joining) => "joining",
        (_, EngineState::Ready) => match node.link() {
            LinkState::LinkSyncing => "syncing",
            LinkState::LinkDown => "link down",
            LinkState::LinkUp | LinkState::Unspecified => "ok",
        },
        (ProcessState::Ended, _) => "ended",
        (ProcessState::Running, EngineState::Refusing) => "starting",
        (ProcessState::Running, EngineState::Unspecified) => "silent",
        (ProcessState::Unspecified, EngineState::Refusing | EngineState::Unspecified) => "unknown",
    }
}

/// A size for people.
pub(crate) fn bytes(number: i64) -> String {
    const UNITS: [(&str, i64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    for (unit, size) in UNITS {
        if number >= size {
            let tenths = i128::from(number) * 10 / i128::from(size);
            return format!("{}.{}{unit}", tenths / 10, tenths % 10);
        }
    }
    format!("{number}B")
}

/// The text, or a dash for none.
pub(crate) fn or_dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { text.to_owned() }
}

/// The name of an enum's value as a word; a dash for the unspecified one.
pub(crate) fn word(name: &str) -> String {
    if name.ends_with("_UNSPECIFIED") { "-".to_owned() } else { name.to_lowercase() }
}

/// A point in time, to the millisecond.
pub(crate) fn time_text(time: &prost_types::Timestamp) -> String {
    let nanos = u32::try_from(time.nanos).unwrap_or(0);
    let found: Option<DateTime<Utc>> = DateTime::from_timestamp(time.seconds, nanos);
    found.map_or_else(|| "-".to_owned(), |time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_decimal() {
        assert_eq!([bytes(0), bytes(1023), bytes(1536), bytes(5 << 30)], ["0B", "1023B", "1.5KiB", "5.0GiB"]);
    }

    #[test]
    fn a_frozen_process_is_called_frozen_whatever_was_heard_of_it() {
        let node = Node { process: ProcessState::Frozen.into(), engine: EngineState::Ready.into(), ..Node::default() };
        assert_eq!(life(&node), "frozen");
        let node = Node { process: ProcessState::Running.into(), ..Node::default() };
        assert_eq!(life(&node), "silent");
    }

    #[test]
    fn a_node_that_leaves_says_so() {
        let node = Node {
            role: Role::Replica.into(),
            replica_of: "n3".to_owned(),
            standing: Standing::Retiring.into(),
            ..Node::default()
        };
        assert_eq!(role(&node), "replica of n3, leaves");
    }
}
