//! What can be said about an instance's configuration before the daemon sees it.
//!
//! Owns the rules for single values (validators) and between values. The schemas carry the former;
//! [`validate`] and planning call the latter. Invariants: nothing unknown is judged, and a rule here is never
//! stricter than the API's, since a stricter one would refuse what the daemon can do. Rules that depend on the
//! machine, such as which engine versions are installed, are the daemon's.

use provider_framework::validators::{self, Validator};
use provider_framework::{Attribute, AttributePath, Diagnostic, Diagnostics, Object, Type};

/// Most nodes of an instance (product limit).
const NODES_MAX: i64 = 250;
/// Most replicas of a shard (product limit since October 2025).
pub(crate) const REPLICAS_MAX: i64 = 5;
/// Most shards of an instance: all nodes are primaries then.
pub(crate) const SHARDS_MAX: i64 = NODES_MAX;
/// Longest segment of a resource name.
const SEGMENT_LENGTH_MAX: usize = 63;
/// Shortest instance id (API definition).
const INSTANCE_ID_LENGTH_MIN: usize = 4;
/// Most labels of a resource (the cloud's rule for labels).
const LABELS_MAX: usize = 64;
/// Longest key and longest value of a label (the cloud's rule for labels).
const LABEL_LENGTH_MAX: usize = 63;
/// Zones of every region end in one of these.
const ZONE_LETTERS: [char; 3] = ['a', 'b', 'c'];

pub(crate) const MULTI_ZONE: &str = "MULTI_ZONE";
pub(crate) const SINGLE_ZONE: &str = "SINGLE_ZONE";

/// Engine settings that the product lets users change.
const ENGINE_CONFIG_KEYS: [&str; 6] =
    ["maxclients", "maxmemory", "maxmemory-clients", "maxmemory-policy", "notify-keyspace-events", "slowlog-log-slower-than"];

pub(crate) fn instance_id() -> impl Validator + 'static {
    validators::pattern(
        "4 to 63 lower-case letters, digits or hyphens, beginning with a letter or digit and not ending with a hyphen",
        is_instance_id,
    )
}

pub(crate) fn is_instance_id(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    (INSTANCE_ID_LENGTH_MIN..=SEGMENT_LENGTH_MAX).contains(&text.len())
        && text.bytes().all(|b| plain(b) || b == b'-')
        && text.bytes().next().is_some_and(plain)
        && text.bytes().last().is_some_and(plain)
}

pub(crate) fn project() -> impl Validator + 'static {
    validators::pattern("a project id: 1 to 63 lower-case letters, digits, hyphens, dots or colons", is_project)
}

pub(crate) fn is_project(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    text.len() <= SEGMENT_LENGTH_MAX
        && text.bytes().all(|b| plain(b) || b"-.:".contains(&b))
        && text.bytes().next().is_some_and(plain)
}

pub(crate) fn location() -> impl Validator + 'static {
    validators::pattern("a region name such as \"us-central1\"", is_location)
}

pub(crate) fn is_location(text: &str) -> bool {
    let Some((continent, area)) = text.split_once('-') else { return false };
    let letters = area.trim_end_matches(|c: char| c.is_ascii_digit());
    let lower = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    lower(continent) && lower(letters) && (1..=2).contains(&(area.len() - letters.len()))
}

pub(crate) fn engine_version() -> impl Validator + 'static {
    validators::pattern("of the form VALKEY_<major>_<minor>, such as \"VALKEY_9_1\"", |text| {
        let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        text.strip_prefix("VALKEY_").and_then(|rest| rest.split_once('_')).is_some_and(|(a, b)| number(a) && number(b))
    })
}

/// The `engine_configs` attribute with the rule for its keys; values are judged by the daemon.
pub(crate) fn engine_configs() -> Attribute {
    Attribute::map(Type::String).optional().validate(validators::keys(validators::one_of(ENGINE_CONFIG_KEYS)))
}

/// The cloud's rules for labels on a map of strings.
pub(crate) fn labels(attribute: Attribute) -> Attribute {
    // Letters of scripts without case are allowed; upper case is not.
    let allowed = |c: char| (c.is_alphanumeric() && !c.is_uppercase()) || c == '_' || c == '-';
    let key = move |text: &str| {
        text.chars().count() <= LABEL_LENGTH_MAX
            && text.chars().next().is_some_and(|c| c.is_alphabetic() && !c.is_uppercase())
            && text.chars().all(allowed)
    };
    let value = move |text: &str| text.chars().count() <= LABEL_LENGTH_MAX && text.chars().all(allowed);
    attribute
        .validate(validators::size(0..=LABELS_MAX))
        .validate(validators::keys(validators::pattern(
            "1 to 63 lower-case letters, digits, underscores or hyphens, beginning with a letter",
            key,
        )))
        .validate(validators::each(validators::pattern("at most 63 lower-case letters, digits, underscores or hyphens", value)))
}

/// Rules between the attributes of an instance.
pub(crate) fn validate(config: &Object) -> Diagnostics {
    let mut found = Diagnostics::new();
    found.extend(node_count(config));
    found.extend(zone_mode(config));
    found.extend(super::persistence::misplaced(config));
    found.extend(super::source::conflict(config));
    if let Some(location) = config.value("location").as_str() {
        found.extend(zone_in_location(config, location));
    }
    found
}

fn node_count(config: &Object) -> Option<Diagnostic> {
    let shards = config.value("shard_count").as_number()?.as_i64()?;
    let replicas = match config.value("replica_count") {
        value if value.is_null() => 0,
        value => value.as_number()?.as_i64()?,
    };
    let in_range = (1..=SHARDS_MAX).contains(&shards) && (0..=REPLICAS_MAX).contains(&replicas);
    // Outside the ranges the validators have complained already.
    if !in_range || shards * (1 + replicas) <= NODES_MAX {
        return None;
    }
    let most = NODES_MAX / (1 + replicas);
    let detail = format!(
        "`shard_count` = {shards} with `replica_count` = {replicas} makes {} nodes; an instance has at most {NODES_MAX}. \
         With {replicas} replicas per shard, use at most {most} shards.",
        shards * (1 + replicas)
    );
    Some(Diagnostic::error("Too many nodes").detail(detail).at("shard_count"))
}

fn zone_mode(config: &Object) -> Option<Diagnostic> {
    let zones = config.value("zone_distribution_config").as_object()?;
    let (mode, zone) = (zones.value("mode"), zones.value("zone"));
    let single = match mode {
        mode if mode.is_unknown() => return None,
        mode => mode.as_str() == Some(SINGLE_ZONE),
    };
    let path = AttributePath::new("zone_distribution_config").attribute("zone");
    if single && zone.is_null() {
        let detail = "`zone_distribution_config.zone` must be set when `mode` is \"SINGLE_ZONE\": it is the zone that all \
                      nodes go to, such as \"us-central1-a\".";
        return Some(Diagnostic::error("Missing zone").detail(detail).at(path));
    }
    if !single && zone.as_str().is_some() {
        let detail = "`zone_distribution_config.zone` has a meaning only when `mode` is \"SINGLE_ZONE\". Set that mode, or \
                      remove the zone to spread the nodes over all zones.";
        return Some(Diagnostic::error("Zone without single-zone mode").detail(detail).at(path));
    }
    None
}

/// A zone belongs to its region.
pub(crate) fn zone_in_location(config: &Object, location: &str) -> Option<Diagnostic> {
    let zone = config.value("zone_distribution_config").as_object()?.value("zone").as_str()?;
    let zones = ZONE_LETTERS.map(|letter| format!("{location}-{letter}"));
    if zones.iter().any(|candidate| candidate == zone) {
        return None;
    }
    let detail = format!(
        "`zone_distribution_config.zone` is {zone:?}, which is no zone of {location}. Use one of {}, or another `location`.",
        zones.join(", ")
    );
    let path = AttributePath::new("zone_distribution_config").attribute("zone");
    Some(Diagnostic::error("Zone outside the location").detail(detail).at(path))
}
