//! From planned attributes to API messages.
//!
//! Owns the message of an instance and the mask of an update. Create and update call it. Invariant: only what
//! clients may send is set; an attribute that is null or unknown is left for the daemon to choose.

use memorystore_proto::v1::instance::NodeType;
use memorystore_proto::v1::zone_distribution_config::ZoneDistributionMode;
use memorystore_proto::v1::{Instance, ZoneDistributionConfig};
use provider_framework::{Diagnostics, Object, Update};

use super::{persistence, rules, source};

/// Attributes that an update may carry, and the fields they are.
const UPDATABLE: [(&str, &str); 8] = [
    ("shard_count", "shard_count"),
    ("replica_count", "replica_count"),
    ("node_type", "node_type"),
    ("engine_version", "engine_version"),
    ("engine_configs", "engine_configs"),
    ("persistence_config", "persistence_config"),
    ("deletion_protection_enabled", "deletion_protection_enabled"),
    ("effective_labels", "labels"),
];

/// The instance that `planned` describes.
pub(super) fn instance(planned: &Object) -> Result<Instance, Diagnostics> {
    let node_type: String = planned.read("node_type")?;
    Ok(Instance {
        shard_count: planned.read("shard_count")?,
        replica_count: Some(planned.read("replica_count")?),
        // The validator lets only known names through.
        node_type: NodeType::from_str_name(&node_type).unwrap_or_default().into(),
        engine_version: planned.value("engine_version").as_str().unwrap_or_default().to_owned(),
        engine_configs: planned.read::<Option<_>>("engine_configs")?.unwrap_or_default(),
        zone_distribution_config: planned.read::<Option<Object>>("zone_distribution_config")?.map(|zones| zone_config(&zones)),
        import_sources: source::message(planned),
        persistence_config: persistence::message(planned),
        deletion_protection_enabled: Some(planned.read("deletion_protection_enabled")?),
        labels: planned.read("effective_labels")?,
        ..Instance::default()
    })
}

fn zone_config(zones: &Object) -> ZoneDistributionConfig {
    let mode = match zones.value("mode").as_str() {
        Some(rules::SINGLE_ZONE) => ZoneDistributionMode::SingleZone,
        Some(_) | None => ZoneDistributionMode::MultiZone,
    };
    let zone = zones.value("zone").as_str().unwrap_or_default().to_owned();
    ZoneDistributionConfig { mode: mode.into(), zone }
}

/// The fields that an update changes, in the order of the API's documentation.
pub(super) fn mask(update: &Update) -> Vec<String> {
    UPDATABLE.iter().filter(|(attribute, _)| update.changes(attribute)).map(|(_, field)| (*field).to_owned()).collect()
}
