//! An accepted instance as clients see it, every default filled in.

use memorystore_proto::v1;
use memorystore_proto::v1::instance::state_info::{Info, UpdateInfo};
use memorystore_proto::v1::instance::{AuthorizationMode, Mode, State, StateInfo, TransitEncryptionMode};
use memorystore_proto::v1::zone_distribution_config::ZoneDistributionMode;
use valkyard_model::{CollectionName, Convergence, DesiredInstance, InstanceSpec, Lifecycle, Member, ZoneDistribution};

use super::connections::{attachments, endpoints, legacy_connections};
use super::node_type::node_type_message;
use super::time::timestamp_message;
use super::{automated_backups, import, persistence, replication};

/// Its state: from what should be and how far that was seen.
pub(crate) fn instance_state(instance: &DesiredInstance) -> State {
    match (&instance.lifecycle, instance.convergence) {
        (Lifecycle::Deleting | Lifecycle::Abandoned { .. }, _) => State::Deleting,
        (Lifecycle::Present, Convergence::Never) => State::Creating,
        (Lifecycle::Present, Convergence::At { generation }) if generation < instance.generation => State::Updating,
        (Lifecycle::Present, Convergence::At { .. }) => State::Active,
    }
}

/// The spec whose nodes serve at present.
///
/// While its nodes change, an instance still is what it was when it was last complete: its counts, type, version and configs
/// say so, and `state_info.update_info` names the targets (that message has a target for each of these but the configs, which
/// only makes sense if the fields themselves do not show it yet). What concerns no node is so at once.
fn serving_spec(instance: &DesiredInstance) -> &InstanceSpec {
    match &instance.settled {
        Some(settled) if instance.is_changing() => &settled.spec,
        Some(_) | None => &instance.spec,
    }
}

/// The whole message.
#[expect(deprecated, reason = "clients written before `endpoints` read the deprecated lists")]
pub(crate) fn instance_message(instance: &DesiredInstance) -> v1::Instance {
    let spec = &instance.spec;
    let serving = serving_spec(instance);
    let state = instance_state(instance);
    v1::Instance {
        name: instance.name.to_string(),
        create_time: Some(timestamp_message(instance.create_time)),
        update_time: Some(timestamp_message(instance.update_time)),
        labels: spec.labels.clone(),
        state: state.into(),
        state_info: (state == State::Updating).then(|| update_info(spec)),
        uid: instance.uid.to_string(),
        replica_count: Some(serving.replica_count.into()),
        authorization_mode: AuthorizationMode::AuthDisabled.into(),
        transit_encryption_mode: TransitEncryptionMode::TransitEncryptionDisabled.into(),
        shard_count: serving.shard_count.into(),
        discovery_endpoints: vec![discovery_endpoint(instance)],
        node_type: node_type_message(serving.node_type).into(),
        persistence_config: Some(persistence::message(serving.persistence)),
        engine_version: serving.engine_version.to_string(),
        engine_configs: serving.engine_configs.iter().map(|(key, value)| (key.to_string(), value.to_owned())).collect(),
        node_config: Some(v1::NodeConfig { size_gb: serving.node_type.size_gb() }),
        zone_distribution_config: Some(zones_message(&spec.zones)),
        deletion_protection_enabled: Some(spec.deletion_protection),
        psc_auto_connections: legacy_connections(instance),
        psc_attachment_details: attachments(instance),
        endpoints: endpoints(instance),
        mode: Mode::Cluster.into(),
        cross_instance_replication_config: Some(replication_config(instance)),
        encryption_info: Some(v1::EncryptionInfo {
            encryption_type: v1::encryption_info::Type::GoogleDefaultEncryption.into(),
            ..Default::default()
        }),
        automated_backup_config: Some(automated_backups::message(spec.automated_backups)),
        backup_collection: instance.has_backups.then(|| CollectionName::of(&instance.name).to_string()),
        import_sources: spec.import.as_ref().and_then(import::message),
        ..Default::default()
    }
}

fn replication_config(instance: &DesiredInstance) -> v1::CrossInstanceReplicationConfig {
    let own = Member { name: instance.name.clone(), uid: instance.uid };
    v1::CrossInstanceReplicationConfig {
        membership: replication::membership(&instance.replication, &own),
        ..replication::message(&instance.replication)
    }
}

fn update_info(spec: &InstanceSpec) -> StateInfo {
    let info = UpdateInfo {
        target_shard_count: Some(spec.shard_count.into()),
        target_replica_count: Some(spec.replica_count.into()),
        target_engine_version: Some(spec.engine_version.to_string()),
        target_node_type: Some(node_type_message(spec.node_type).into()),
    };
    StateInfo { info: Some(Info::UpdateInfo(info)) }
}

/// Its own address; the network is the first that was asked for.
fn discovery_endpoint(instance: &DesiredInstance) -> v1::DiscoveryEndpoint {
    let spec = &instance.spec;
    let requested = spec.auto_connections.iter().chain(&spec.legacy_auto_connections).next();
    v1::DiscoveryEndpoint {
        address: instance.address.ip.to_string(),
        port: instance.address.discovery.0.into(),
        network: requested.map(|connection| connection.network.clone()).unwrap_or_default(),
    }
}

fn zones_message(zones: &ZoneDistribution) -> v1::ZoneDistributionConfig {
    match zones {
        ZoneDistribution::MultiZone => {
            v1::ZoneDistributionConfig { mode: ZoneDistributionMode::MultiZone.into(), zone: String::new() }
        }
        ZoneDistribution::SingleZone { zone } => {
            v1::ZoneDistributionConfig { mode: ZoneDistributionMode::SingleZone.into(), zone: zone.to_string() }
        }
    }
}
