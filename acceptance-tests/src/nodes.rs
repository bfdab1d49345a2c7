//! Nodes in their own words: asked one by one, past every client library.

use std::time::Duration;

use serde_json::Value;

/// Longest answer of a node that is well, on a busy machine: one that is stopped never answers.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

/// A line of `CLUSTER NODES`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListedNode {
    /// Its id.
    pub id: String,
    /// Where it listens for clients.
    pub address: String,
    /// Such as `master` or `fail`; `myself` is left out.
    pub flags: Vec<String>,
    /// The id of the node it copies.
    pub primary: Option<String>,
    /// Its slots, as inclusive ranges.
    pub slots: Vec<(u16, u16)>,
    /// Slots that are half moved, as the engine writes them.
    pub open_slots: Vec<String>,
}

/// The lines of `CLUSTER NODES`, sorted by id; the node that answered first in the list.
///
/// # Panics
/// When the text is none of the engine's.
#[must_use]
pub fn parse_listing(listing: &str) -> Vec<ListedNode> {
    let mut lines: Vec<&str> = listing.lines().filter(|line| !line.is_empty()).collect();
    lines.sort_by_key(|line| (!line.contains("myself"), *line));
    lines.into_iter().map(parse_line).collect()
}

fn parse_line(line: &str) -> ListedNode {
    let fields: Vec<&str> = line.split(' ').collect();
    assert!(fields.len() >= 8, "not a line of CLUSTER NODES: {line:?}");
    let (open, owned): (Vec<&str>, Vec<&str>) = fields[8..].iter().partition(|field| field.starts_with('['));
    let range = |text: &&str| {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("not a slot: {line:?}"));
        (number(first), number(last))
    };
    ListedNode {
        id: fields[0].to_owned(),
        address: fields[1].split(['@', ',']).next().unwrap_or_default().to_owned(),
        flags: fields[2].split(',').filter(|flag| *flag != "myself").map(str::to_owned).collect(),
        primary: (fields[3] != "-").then(|| fields[3].to_owned()),
        slots: owned.iter().map(range).collect(),
        open_slots: open.into_iter().map(str::to_owned).collect(),
    }
}

/// The discovery endpoint of an instance, as host and port.
#[must_use]
pub fn discovery_address(instance: &Value) -> String {
    let endpoint = &instance["discoveryEndpoints"][0];
    format!("{}:{}", endpoint["address"].as_str().unwrap_or_default(), endpoint["port"])
}

/// The answer to one command over a connection of its own; anything but text as the client library prints it.
///
/// # Errors
/// The client's error, in words.
pub fn ask(address: &str, command: &[&str]) -> Result<String, String> {
    let client = redis::Client::open(format!("redis://{address}")).map_err(|error| error.to_string())?;
    let mut connection = client.get_connection_with_timeout(ANSWER_LIMIT).map_err(|error| format!("{address}: {error}"))?;
    connection.set_read_timeout(Some(ANSWER_LIMIT)).map_err(|error| error.to_string())?;
    let answer: redis::Value =
        redis::cmd(command[0]).arg(&command[1..]).query(&mut connection).map_err(|error| format!("{address}: {error}"))?;
    Ok(redis::from_redis_value_ref(&answer).unwrap_or_else(|_| format!("{answer:?}")))
}

/// The cluster as one node sees it, itself first.
///
/// # Errors
/// When it does not answer.
pub fn listing_of(address: &str) -> Result<Vec<ListedNode>, String> {
    ask(address, &["CLUSTER", "NODES"]).map(|listing| parse_listing(&listing))
}

/// One line of a node's `INFO`.
///
/// # Errors
/// When it does not answer or has no such line.
pub fn info_of(address: &str, section: &str, name: &str) -> Result<String, String> {
    let info = ask(address, &["INFO", section])?;
    let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.map(|value| value.trim().to_owned()).ok_or_else(|| format!("{address} has no {name} in INFO {section}"))
}
