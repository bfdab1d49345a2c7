//! The engine settings a user may change (product: supported `engineConfigs`).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{ByteSize, NodeType};

/// A setting that may appear in `engine_configs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineConfigKey {
    /// Connections a node accepts.
    Maxclients,
    /// Memory for data per node; scaled by `memory_scale` like the node itself.
    Maxmemory,
    /// Memory of client buffers, in percent of `maxmemory`.
    MaxmemoryClients,
    /// What is evicted when memory is used up.
    MaxmemoryPolicy,
    /// Which keyspace events are published.
    NotifyKeyspaceEvents,
    /// Microseconds from which a command is logged as slow; -1 for never.
    SlowlogLogSlowerThan,
}

impl EngineConfigKey {
    /// Every key, in order.
    pub const ALL: [Self; 6] = [
        Self::Maxclients,
        Self::Maxmemory,
        Self::MaxmemoryClients,
        Self::MaxmemoryPolicy,
        Self::NotifyKeyspaceEvents,
        Self::SlowlogLogSlowerThan,
    ];

    /// The engine's name of it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Maxclients => "maxclients",
            Self::Maxmemory => "maxmemory",
            Self::MaxmemoryClients => "maxmemory-clients",
            Self::MaxmemoryPolicy => "maxmemory-policy",
            Self::NotifyKeyspaceEvents => "notify-keyspace-events",
            Self::SlowlogLogSlowerThan => "slowlog-log-slower-than",
        }
    }
}

impl fmt::Display for EngineConfigKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an entry of `engine_configs` is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineConfigError {
    /// Not a key that may be changed.
    #[error("unknown engine config {key:?}; allowed are {}", allowed_keys())]
    UnknownKey {
        /// The key given.
        key: String,
    },
    /// A value the key does not take.
    #[error("value {value:?} of engine config {key} is not {expected}")]
    Value {
        /// The key.
        key: EngineConfigKey,
        /// The value given.
        value: String,
        /// What the key takes.
        expected: String,
    },
}

fn allowed_keys() -> String {
    EngineConfigKey::ALL.map(EngineConfigKey::as_str).join(", ")
}

/// Validated settings, as the user wrote the values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EngineConfigs(BTreeMap<EngineConfigKey, String>);

const EVICTION_POLICIES: [&str; 8] = [
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "noeviction",
];
/// Least `maxclients`: the engine counts cluster links as clients, two for each of up to 249 other nodes, and replicas and the
/// daemon connect too. With fewer a cluster can never form.
const MAXCLIENTS_MIN: u32 = 600;
/// Letters of `notify-keyspace-events` in the engine's documentation.
const EVENT_CLASSES: &str = "KEg$lshzxetdmnA";

impl EngineConfigs {
    /// Checks every entry against its key's rule for nodes of this type.
    ///
    /// # Errors
    /// The first entry that breaks a rule, with the key that the error concerns.
    pub fn validate(entries: &BTreeMap<String, String>, node_type: NodeType) -> Result<Self, EngineConfigError> {
        let check = |(key, value): (&String, &String)| {
            let known = EngineConfigKey::ALL
                .into_iter()
                .find(|candidate| candidate.as_str() == key)
                .ok_or_else(|| EngineConfigError::UnknownKey { key: key.clone() })?;
            check_value(known, value, node_type).map_err(|expected| EngineConfigError::Value {
                key: known,
                value: value.clone(),
                expected,
            })?;
            Ok((known, value.clone()))
        };
        entries.iter().map(check).collect::<Result<_, _>>().map(Self)
    }

    /// The entries, in order of key.
    pub fn iter(&self) -> impl Iterator<Item = (EngineConfigKey, &str)> {
        self.0.iter().map(|(key, value)| (*key, value.as_str()))
    }

    /// Whether an engine may run with less than its node type gives by default: as many connections as this machine has open
    /// files for, where nobody asked for a number.
    #[must_use]
    pub fn tolerates_less(&self, key: EngineConfigKey) -> bool {
        key == EngineConfigKey::Maxclients && self.value(key).is_none()
    }

    /// The configured value of one key.
    #[must_use]
    pub fn value(&self, key: EngineConfigKey) -> Option<&str> {
        self.0.get(&key).map(String::as_str)
    }

    /// The configured `maxmemory`, before scaling.
    #[must_use]
    pub fn maxmemory(&self) -> Option<ByteSize> {
        self.value(EngineConfigKey::Maxmemory).and_then(parse_memory)
    }
}

fn check_value(key: EngineConfigKey, value: &str, node_type: NodeType) -> Result<(), String> {
    let whole_number_up_to = |min: u32, max: u32| match value.parse::<u32>() {
        Ok(number) if (min..=max).contains(&number) => Ok(()),
        Ok(_) | Err(_) => Err(format!("a whole number from {min} to {max}")),
    };
    match key {
        EngineConfigKey::Maxclients => {
            whole_number_up_to(MAXCLIENTS_MIN, node_type.maxclients().1).map_err(|range| format!("{range} on {node_type}"))
        }
        EngineConfigKey::Maxmemory => match parse_memory(value) {
            Some(amount) if amount.0 > 0 && amount <= node_type.size() => Ok(()),
            Some(_) | None => {
                Err(format!("an amount of memory (such as 5gb) up to the {} GB of {node_type}", node_type.size_gb()))
            }
        },
        EngineConfigKey::MaxmemoryClients => {
            let percent = value.strip_suffix('%').and_then(|number| number.parse::<u32>().ok());
            if value == "0" || percent.is_some_and(|p| p <= 100) { Ok(()) } else { Err("a share from 0% to 100%".to_owned()) }
        }
        EngineConfigKey::MaxmemoryPolicy => {
            if EVICTION_POLICIES.contains(&value) {
                Ok(())
            } else {
                Err(format!("one of {}", EVICTION_POLICIES.join(", ")))
            }
        }
        EngineConfigKey::NotifyKeyspaceEvents => {
            if value.chars().all(|class| EVENT_CLASSES.contains(class)) {
                Ok(())
            } else {
                Err(format!("made of the event classes {EVENT_CLASSES}"))
            }
        }
        EngineConfigKey::SlowlogLogSlowerThan => match value.parse::<i64>() {
            Ok(micros) if micros >= -1 => Ok(()),
            Ok(_) | Err(_) => Err("a number of microseconds, or -1 for never".to_owned()),
        },
    }
}

/// Reads an amount of memory with the engine's units: `k`, `m`, `g` decimal, `kb`, `mb`, `gb` binary, `b` or none bytes.
fn parse_memory(text: &str) -> Option<ByteSize> {
    const UNITS: [(&str, u64); 7] =
        [("kb", 1 << 10), ("mb", 1 << 20), ("gb", 1 << 30), ("k", 1_000), ("m", 1_000_000), ("g", 1_000_000_000), ("b", 1)];
    let lower = text.to_ascii_lowercase();
    let (digits, factor) = UNITS
        .into_iter()
        .find_map(|(unit, factor)| lower.strip_suffix(unit).map(|digits| (digits, factor)))
        .unwrap_or((&lower, 1));
    digits.parse::<u64>().ok()?.checked_mul(factor).map(ByteSize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, value: &str) -> Result<EngineConfigs, EngineConfigError> {
        let entries = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        EngineConfigs::validate(&entries, NodeType::StandardSmall)
    }

    #[test]
    fn values_are_checked_by_their_key() {
        let good = [
            ("maxmemory", "5gb"),
            ("maxmemory", "104857600"),
            ("maxmemory-policy", "allkeys-lfu"),
            ("maxmemory-clients", "10%"),
            ("maxclients", "32000"),
            ("notify-keyspace-events", "KEA"),
            ("notify-keyspace-events", ""),
            ("slowlog-log-slower-than", "-1"),
        ];
        for (key, value) in good {
            assert!(check(key, value).is_ok(), "{key}={value}: {:?}", check(key, value));
        }
        let bad = [
            ("maxmemory", "7gb"),
            ("maxmemory", "0"),
            ("maxmemory", "lots"),
            ("maxmemory-policy", "lru"),
            ("maxmemory-clients", "101%"),
            ("maxclients", "32001"),
            ("maxclients", "1"),
            ("notify-keyspace-events", "K!"),
            ("slowlog-log-slower-than", "-2"),
        ];
        for (key, value) in bad {
            assert!(matches!(check(key, value), Err(EngineConfigError::Value { .. })), "{key}={value} was accepted");
        }
    }

    #[test]
    fn unknown_keys_name_the_allowed_ones() {
        let error = check("save", "60 1").expect_err("not a key of the product");
        assert!(error.to_string().contains("maxmemory-policy"), "{error}");
    }

    #[test]
    fn memory_units_are_the_engines() {
        assert_eq!(parse_memory("1k"), Some(ByteSize(1_000)));
        assert_eq!(parse_memory("1KB"), Some(ByteSize(1_024)));
        assert_eq!(parse_memory("2gb"), Some(ByteSize(2 << 30)));
        assert_eq!(parse_memory("99999999999gb"), None);
    }
}
