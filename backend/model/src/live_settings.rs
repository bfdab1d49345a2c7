//! What a node runs with, in one spelling for what is wanted and what the engine tells.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{EngineConfigKey, NodeSettings};

/// Eviction unless configured (the product's default).
const MAXMEMORY_POLICY: &str = "volatile-lru";
/// The engine's own default, in microseconds.
const SLOWLOG_LOG_SLOWER_THAN: &str = "10000";
/// Event classes that `A` stands for.
const ALL_EVENTS: &str = "g$lshzxetd";

/// A value for each key that a user may set, spelled canonically: two nodes with equal settings behave alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LiveSettings(BTreeMap<EngineConfigKey, String>);

impl LiveSettings {
    /// What these settings want a running node to have: the user's values, and the defaults of its type for the others.
    #[must_use]
    pub fn wanted(settings: &NodeSettings) -> Self {
        let value = |key: EngineConfigKey| match key {
            EngineConfigKey::Maxmemory => settings.maxmemory.to_string(),
            _ if settings.configs.value(key).is_some() => settings.configs.value(key).unwrap_or_default().to_owned(),
            EngineConfigKey::Maxclients => settings.node_type.maxclients().0.to_string(),
            EngineConfigKey::MaxmemoryClients => format!("{}%", settings.node_type.maxmemory_clients_percent()),
            EngineConfigKey::MaxmemoryPolicy => MAXMEMORY_POLICY.to_owned(),
            EngineConfigKey::NotifyKeyspaceEvents => String::new(),
            EngineConfigKey::SlowlogLogSlowerThan => SLOWLOG_LOG_SLOWER_THAN.to_owned(),
        };
        EngineConfigKey::ALL.into_iter().map(|key| (key, value(key))).collect()
    }

    /// The entries, in order of key.
    pub fn iter(&self) -> impl Iterator<Item = (EngineConfigKey, &str)> {
        self.0.iter().map(|(key, value)| (*key, value.as_str()))
    }

    /// The value of one key.
    #[must_use]
    pub fn value(&self, key: EngineConfigKey) -> Option<&str> {
        self.0.get(&key).map(String::as_str)
    }

    /// A key as a number, where it has one.
    #[must_use]
    pub fn number(&self, key: EngineConfigKey) -> Option<u64> {
        self.value(key)?.parse().ok()
    }
}

impl FromIterator<(EngineConfigKey, String)> for LiveSettings {
    /// Takes values as a user or an engine spells them.
    fn from_iter<I: IntoIterator<Item = (EngineConfigKey, String)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(key, value)| (key, canonical(key, value))).collect())
    }
}

fn canonical(key: EngineConfigKey, value: String) -> String {
    match key {
        EngineConfigKey::NotifyKeyspaceEvents => {
            let expanded = value.replace('A', ALL_EVENTS);
            expanded.chars().collect::<BTreeSet<char>>().into_iter().collect()
        }
        EngineConfigKey::MaxmemoryClients if value == "0%" => "0".to_owned(),
        EngineConfigKey::Maxclients
        | EngineConfigKey::Maxmemory
        | EngineConfigKey::MaxmemoryClients
        | EngineConfigKey::MaxmemoryPolicy
        | EngineConfigKey::SlowlogLogSlowerThan => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_the_same_events_are_equal() {
        let of = |value: &str| LiveSettings::from_iter([(EngineConfigKey::NotifyKeyspaceEvents, value.to_owned())]);
        assert_eq!(of("KEA"), of("AKE"));
        assert_eq!(of("Kg$lshzxetdE"), of("AKE"));
        assert_ne!(of("KEA"), of("KEAm"));
        assert_ne!(of(""), of("K"));
    }
}
