//! Zones of a region and how the nodes of an instance spread over them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::LocationId;

/// One zone of a region: `<region>-a`, `-b` or `-c`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Zone(String);

/// Zones of every region (the product spreads over three).
const ZONE_LETTERS: [char; 3] = ['a', 'b', 'c'];

impl Zone {
    /// The three zones of a region, in order.
    #[must_use]
    pub fn all_of(location: &LocationId) -> [Self; 3] {
        ZONE_LETTERS.map(|letter| Self(format!("{location}-{letter}")))
    }

    /// The zone with this full name, if it is one of the region's.
    #[must_use]
    pub fn of(location: &LocationId, name: &str) -> Option<Self> {
        Self::all_of(location).into_iter().find(|zone| zone.0 == name)
    }

    /// The full name, such as `us-central1-a`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the nodes of an instance go. Immutable after creation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum ZoneDistribution {
    /// Spread over the three zones; primary and replicas of a shard in different ones while one is free.
    MultiZone,
    /// All nodes in this zone.
    SingleZone {
        /// The zone.
        zone: Zone,
    },
}
