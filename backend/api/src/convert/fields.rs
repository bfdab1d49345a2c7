//! The fields of an instance that this version keeps, read one by one: an update reads only those its mask names.

use memorystore_proto::v1;
use memorystore_proto::v1::instance::connection_detail::Connection;
use memorystore_proto::v1::zone_distribution_config::ZoneDistributionMode;
use valkyard_model::{
    AutoConnection, AutomatedBackupsDraft, FieldViolation, InstanceSpec, NodeType, PersistenceDraft, SpecDraft, Timestamp,
    ZoneDistribution, ZoneDraft,
};

use super::automated_backups::automated_backups;
use super::import::import;
use super::node_type::node_type_of;
use super::persistence::persistence;

/// Everything a client may set at creation.
pub(crate) fn draft(instance: &v1::Instance, now: Timestamp) -> Result<SpecDraft, Vec<FieldViolation>> {
    let mut violations = Vec::new();
    let node_type = node_type(instance).map_err(|violation| violations.push(violation));
    let zones = zones(instance).map_err(|violation| violations.push(violation));
    let auto_connections = auto_connections(instance).map_err(|violation| violations.push(violation));
    let persistence = persistence(instance, now).map_err(|violation| violations.push(violation));
    let automated_backups = automated_backups(instance).map_err(|violation| violations.push(violation));
    let import = import(instance).map_err(|found| violations.extend(found));
    match (node_type, zones, auto_connections, persistence, automated_backups, import) {
        (Ok(node_type), Ok(zones), Ok(auto_connections), Ok(persistence), Ok(automated_backups), Ok(import)) => Ok(SpecDraft {
            persistence,
            automated_backups,
            import,
            shard_count: instance.shard_count,
            replica_count: instance.replica_count,
            node_type,
            engine_version: instance.engine_version.clone(),
            engine_configs: instance.engine_configs.clone(),
            zones,
            deletion_protection: instance.deletion_protection_enabled,
            labels: instance.labels.clone(),
            auto_connections,
            legacy_auto_connections: legacy_auto_connections(instance),
        }),
        _ => Err(violations),
    }
}

/// A draft that asks for exactly this spec.
pub(crate) fn draft_of_spec(spec: &InstanceSpec) -> SpecDraft {
    SpecDraft {
        shard_count: spec.shard_count.into(),
        replica_count: Some(spec.replica_count.into()),
        node_type: Some(spec.node_type),
        engine_version: spec.engine_version.to_string(),
        engine_configs: spec.engine_configs.iter().map(|(key, value)| (key.to_string(), value.to_owned())).collect(),
        persistence: PersistenceDraft::of(spec.persistence),
        automated_backups: AutomatedBackupsDraft::of(spec.automated_backups),
        import: spec.import.clone(),
        zones: match &spec.zones {
            ZoneDistribution::MultiZone => ZoneDraft::MultiZone,
            ZoneDistribution::SingleZone { zone } => ZoneDraft::SingleZone { zone: zone.to_string() },
        },
        deletion_protection: Some(spec.deletion_protection),
        labels: spec.labels.clone(),
        auto_connections: spec.auto_connections.clone(),
        legacy_auto_connections: spec.legacy_auto_connections.clone(),
    }
}

/// `node_type`; `None` for the default.
pub(crate) fn node_type(instance: &v1::Instance) -> Result<Option<NodeType>, FieldViolation> {
    let message = v1::instance::NodeType::try_from(instance.node_type);
    message.map(node_type_of).map_err(|_| {
        FieldViolation::new("instance.node_type", format!("{} is not the number of a node type", instance.node_type))
    })
}

fn zones(instance: &v1::Instance) -> Result<ZoneDraft, FieldViolation> {
    let Some(config) = &instance.zone_distribution_config else {
        return Ok(ZoneDraft::MultiZone);
    };
    match ZoneDistributionMode::try_from(config.mode) {
        Ok(ZoneDistributionMode::SingleZone) => Ok(ZoneDraft::SingleZone { zone: config.zone.clone() }),
        Ok(ZoneDistributionMode::MultiZone | ZoneDistributionMode::Unspecified) if config.zone.is_empty() => {
            Ok(ZoneDraft::MultiZone)
        }
        Ok(ZoneDistributionMode::MultiZone | ZoneDistributionMode::Unspecified) => Err(FieldViolation::new(
            "instance.zone_distribution_config.zone",
            format!("zone {:?} goes with mode SINGLE_ZONE only", config.zone),
        )),
        Err(_) => Err(FieldViolation::new(
            "instance.zone_distribution_config.mode",
            format!("{} is not the number of a mode", config.mode),
        )),
    }
}

/// The automatic connections among `endpoints`; user-created ones are the business of [`super::refused`].
pub(crate) fn auto_connections(instance: &v1::Instance) -> Result<Vec<AutoConnection>, FieldViolation> {
    let mut found: Vec<AutoConnection> = Vec::new();
    for (e, endpoint) in instance.endpoints.iter().enumerate() {
        for (c, detail) in endpoint.connections.iter().enumerate() {
            match &detail.connection {
                Some(Connection::PscAutoConnection(auto)) => {
                    let wanted = requested(auto);
                    // What a client read back has every pair twice, once per service attachment.
                    if !found.contains(&wanted) {
                        found.push(wanted);
                    }
                }
                Some(Connection::PscConnection(_)) => {}
                None => {
                    let field = format!("instance.endpoints[{e}].connections[{c}]");
                    return Err(FieldViolation::new(&field, "a connection needs a psc_auto_connection"));
                }
            }
        }
    }
    Ok(found)
}

#[expect(deprecated, reason = "clients written before `endpoints` send the deprecated list")]
fn legacy_auto_connections(instance: &v1::Instance) -> Vec<AutoConnection> {
    let mut found = Vec::new();
    for wanted in instance.psc_auto_connections.iter().map(requested) {
        if !found.contains(&wanted) {
            found.push(wanted);
        }
    }
    found
}

fn requested(auto: &v1::PscAutoConnection) -> AutoConnection {
    AutoConnection { project: auto.project_id.clone(), network: auto.network.clone() }
}
