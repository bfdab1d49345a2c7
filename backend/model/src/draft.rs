//! From what a client sent to a validated spec.

use std::collections::BTreeMap;

use crate::{
    AutoConnection, AutomatedBackupsDraft, EngineConfigs, EngineVersion, ImportSource, InstanceSpec, LocationId, NodeType,
    PersistenceDraft, Zone, ZoneDistribution,
};

/// An instance as a client described it: absent fields take their defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SpecDraft {
    /// `shard_count`; 0 means absent on the wire.
    pub shard_count: i32,
    /// `replica_count`.
    pub replica_count: Option<i32>,
    /// `node_type`; defaults to HIGHMEM_MEDIUM.
    pub node_type: Option<NodeType>,
    /// `engine_version` as text; empty means the newest that is installed.
    pub engine_version: String,
    /// `engine_configs`.
    pub engine_configs: BTreeMap<String, String>,
    /// `persistence_config`.
    pub persistence: PersistenceDraft,
    /// `automated_backup_config`.
    pub automated_backups: AutomatedBackupsDraft,
    /// `managed_backup_source` or `gcs_source`.
    pub import: Option<ImportSource>,
    /// `zone_distribution_config`.
    pub zones: ZoneDraft,
    /// `deletion_protection_enabled`.
    pub deletion_protection: Option<bool>,
    /// `labels`.
    pub labels: BTreeMap<String, String>,
    /// Requested through `endpoints`.
    pub auto_connections: Vec<AutoConnection>,
    /// Requested through `psc_auto_connections`.
    pub legacy_auto_connections: Vec<AutoConnection>,
}

/// `zone_distribution_config` as a client described it.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ZoneDraft {
    /// Not given, or MULTI_ZONE.
    #[default]
    MultiZone,
    /// SINGLE_ZONE with the zone's name, perhaps empty.
    SingleZone {
        /// The name given.
        zone: String,
    },
}

/// What this machine offers, which validation depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct SpecLimits {
    /// Engine versions that can be started here, ascending.
    pub engine_versions: Vec<EngineVersion>,
    /// How to get further versions: ends the error for one that is not there.
    pub engine_hint: String,
}

/// One field that breaks a rule; becomes a `google.rpc.BadRequest.FieldViolation`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// Path of the field in the API's snake_case, such as `instance.shard_count`.
    pub field: String,
    /// What is wrong, why, and what to do.
    pub description: String,
}

impl FieldViolation {
    /// A violation of the rule described, at this field.
    #[must_use]
    pub fn new(field: &str, description: impl Into<String>) -> Self {
        Self { field: field.to_owned(), description: description.into() }
    }
}

/// Most nodes of an instance (product: 250).
const NODE_COUNT_MAX: i64 = 250;
/// Most replicas of a shard (product, since 2025-10: 5).
const REPLICA_COUNT_MAX: i32 = 5;
/// Most labels of a resource (the cloud's rule for labels).
const LABEL_COUNT_MAX: usize = 64;
/// Longest key and value of a label (the cloud's rule for labels).
const LABEL_LENGTH_MAX: usize = 63;

/// Checks a draft for an instance in this location and fills in defaults.
///
/// # Errors
/// Every field that breaks a rule, not only the first.
pub fn validate(draft: SpecDraft, location: &LocationId, limits: &SpecLimits) -> Result<InstanceSpec, Vec<FieldViolation>> {
    let mut violations = Vec::new();
    let node_type = checked(check_node_type(draft.node_type), &mut violations);
    let shape = checked(check_shape(draft.shard_count, draft.replica_count.unwrap_or(0)), &mut violations);
    let engine_version = checked(check_engine_version(&draft.engine_version, limits), &mut violations);
    let zones = checked(check_zones(&draft.zones, location), &mut violations);
    let configs = EngineConfigs::validate(&draft.engine_configs, node_type.unwrap_or(NodeType::HighmemMedium));
    let configs = configs.map_err(|error| FieldViolation::new("instance.engine_configs", error.to_string()));
    let engine_configs = checked(configs, &mut violations);
    let persistence = checked(draft.persistence.check(), &mut violations).unwrap_or_default();
    let automated_backups = checked(draft.automated_backups.check(), &mut violations).unwrap_or_default();
    violations.extend(check_labels(&draft.labels));
    violations.extend(check_connections("instance.endpoints", &draft.auto_connections));
    violations.extend(check_connections("instance.psc_auto_connections", &draft.legacy_auto_connections));
    match (node_type, shape, engine_version, zones, engine_configs) {
        (Some(node_type), Some((shard_count, replica_count)), Some(engine_version), Some(zones), Some(engine_configs))
            if violations.is_empty() =>
        {
            Ok(InstanceSpec {
                shard_count,
                replica_count,
                node_type,
                engine_version,
                engine_configs,
                persistence,
                automated_backups,
                import: draft.import,
                zones,
                deletion_protection: draft.deletion_protection.unwrap_or(false),
                labels: draft.labels,
                auto_connections: draft.auto_connections,
                legacy_auto_connections: draft.legacy_auto_connections,
            })
        }
        _ => Err(violations),
    }
}

impl InstanceSpec {
    /// Most shards that an instance with as many replicas per shard may have.
    #[must_use]
    pub fn shard_count_max(&self) -> u16 {
        u16::try_from(NODE_COUNT_MAX / (1 + i64::from(self.replica_count))).expect("250 at most")
    }
}

fn checked<T>(result: Result<T, FieldViolation>, violations: &mut Vec<FieldViolation>) -> Option<T> {
    result.map_err(|violation| violations.push(violation)).ok()
}

fn check_node_type(node_type: Option<NodeType>) -> Result<NodeType, FieldViolation> {
    let node_type = node_type.unwrap_or(NodeType::HighmemMedium);
    if node_type.is_cluster_mode_disabled_only() {
        return Err(FieldViolation::new(
            "instance.node_type",
            format!(
                "{node_type} is for instances with cluster mode disabled; choose SHARED_CORE_NANO or STANDARD_SMALL for a small node"
            ),
        ));
    }
    Ok(node_type)
}

fn check_shape(shards: i32, replicas: i32) -> Result<(u16, u16), FieldViolation> {
    if !(0..=REPLICA_COUNT_MAX).contains(&replicas) {
        let text = format!("replica_count {replicas} is outside 0 to {REPLICA_COUNT_MAX}");
        return Err(FieldViolation::new("instance.replica_count", text));
    }
    let most = NODE_COUNT_MAX / (1 + i64::from(replicas));
    if shards < 1 || i64::from(shards) > most {
        let text = format!(
            "shard_count {shards} is outside 1 to {most}, the most for {replicas} replicas per shard ({NODE_COUNT_MAX} nodes in all)"
        );
        return Err(FieldViolation::new("instance.shard_count", text));
    }
    let narrow = |number: i32| u16::try_from(number).expect("ranges were checked above");
    Ok((narrow(shards), narrow(replicas)))
}

fn check_engine_version(text: &str, limits: &SpecLimits) -> Result<EngineVersion, FieldViolation> {
    let violation = |description: String| FieldViolation::new("instance.engine_version", description);
    let installed = limits.engine_versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let there = if installed.is_empty() { "no engine is installed".to_owned() } else { format!("installed here: {installed}") };
    if text.is_empty() {
        let newest = limits.engine_versions.iter().max().copied();
        return newest.ok_or_else(|| violation(format!("{there}; {}", limits.engine_hint)));
    }
    let wanted: EngineVersion = text.parse().map_err(|error| violation(format!("{error}; {there}")))?;
    if limits.engine_versions.contains(&wanted) {
        Ok(wanted)
    } else {
        Err(violation(format!("{wanted} cannot be started on this machine; {there}; {}", limits.engine_hint)))
    }
}

fn check_zones(zones: &ZoneDraft, location: &LocationId) -> Result<ZoneDistribution, FieldViolation> {
    match zones {
        ZoneDraft::MultiZone => Ok(ZoneDistribution::MultiZone),
        ZoneDraft::SingleZone { zone } => {
            let found = Zone::of(location, zone).map(|zone| ZoneDistribution::SingleZone { zone });
            found.ok_or_else(|| {
                let zones = Zone::all_of(location).map(|zone| zone.to_string()).join(", ");
                let text = format!("zone {zone:?} is not a zone of {location}; SINGLE_ZONE needs one of {zones}");
                FieldViolation::new("instance.zone_distribution_config.zone", text)
            })
        }
    }
}

fn check_labels(labels: &BTreeMap<String, String>) -> Vec<FieldViolation> {
    let mut violations = Vec::new();
    if labels.len() > LABEL_COUNT_MAX {
        let text = format!("{} labels are more than the {LABEL_COUNT_MAX} a resource may have", labels.len());
        violations.push(FieldViolation::new("instance.labels", text));
    }
    // Letters of scripts without case are allowed by the cloud's rule; upper case is not.
    let allowed = |c: char| (c.is_alphanumeric() && !c.is_uppercase()) || c == '_' || c == '-';
    for (key, value) in labels {
        let key_ok = key.chars().count() <= LABEL_LENGTH_MAX
            && key.chars().next().is_some_and(|c| c.is_alphabetic() && !c.is_uppercase())
            && key.chars().all(allowed);
        let value_ok = value.chars().count() <= LABEL_LENGTH_MAX && value.chars().all(allowed);
        if !key_ok || !value_ok {
            let text = format!(
                "label {key:?} = {value:?}: keys start with a lowercase letter; keys and values have at most {LABEL_LENGTH_MAX} lowercase letters, digits, underscores or hyphens"
            );
            violations.push(FieldViolation::new("instance.labels", text));
        }
    }
    violations
}

fn check_connections(field: &str, connections: &[AutoConnection]) -> Option<FieldViolation> {
    let complete = |connection: &AutoConnection| {
        let parts: Vec<&str> = connection.network.split('/').collect();
        !connection.project.is_empty()
            && matches!(parts.as_slice(), ["projects", project, "global", "networks", network] if !project.is_empty() && !network.is_empty())
    };
    let wrong = connections.iter().find(|connection| !complete(connection))?;
    let text = format!(
        "an automatic connection needs a project_id and a network of the form projects/P/global/networks/N; found project {:?}, network {:?}",
        wrong.project, wrong.network
    );
    Some(FieldViolation::new(field, text))
}

#[cfg(test)]
mod tests;
