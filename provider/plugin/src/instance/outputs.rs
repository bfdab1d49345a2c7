//! What the daemon says about an instance, as attributes.
//!
//! Owns the read-only attributes that the resource and the data source share ([`add_attributes`]) and the
//! translation of an API instance into attribute values ([`show`]). Invariant: `show` sets every attribute of
//! the resource but `timeouts` and the sources of the first data, and an empty text of the API is null here. It judges
//! nothing.

use memorystore_proto::v1::instance::{ConnectionDetail, InstanceEndpoint, NodeType, State, connection_detail::Connection};
use memorystore_proto::v1::zone_distribution_config::ZoneDistributionMode;
use memorystore_proto::v1::{ConnectionType, Instance, PscAutoConnection, psc_auto_connection::Ports};
use provider_framework::{Attribute, Body, Object, Schema, Value};

use super::name::InstanceName;
use super::{automated_backups, labels, node_type, persistence, rules};
use crate::backup::CollectionName;

/// Adds what only the daemon decides. On a data source the inputs that steer plans do not exist, so
/// dependencies are added by the resource.
pub(crate) fn add_attributes(schema: Schema) -> Schema {
    let text = |description: &str| Attribute::string().computed().stable().description(description);
    schema
        .attribute("uid", text("Identifier that no other instance ever had, a UUID."))
        .attribute("state", text("Where the instance is in its life: `CREATING`, `ACTIVE`, `UPDATING` or `DELETING`."))
        .attribute("create_time", text("When the instance was created, in RFC 3339 notation."))
        .attribute("update_time", text("When the instance was last changed, in RFC 3339 notation."))
        .attribute("discovery_endpoint", text("Address and port at which cluster clients start, such as `127.20.0.1:6379`."))
        .attribute(
            "connection_url",
            text(
                "The same as a URL, such as `redis://127.20.0.1:6379`. The scheme `redis` is the one that all clients for \
                 Valkey and Redis take, `valkey-cli -u` included.",
            ),
        )
        .attribute(
            "discovery_endpoints",
            Attribute::list_nested(discovery_endpoint())
                .computed()
                .stable()
                .description("Endpoints at which cluster clients start. There is one."),
        )
        .attribute("automated_backup_config", automated_backups::attribute())
        .attribute(
            "endpoints",
            Attribute::list_nested(endpoint()).computed().stable().description(
                "Endpoints in networks of their own that were asked for when the instance was created. Instances of this \
                 provider ask for none; see `discovery_endpoints`.",
            ),
        )
}

/// The object of `node_config`.
pub(crate) fn node_config() -> Body {
    let size = Attribute::number().computed().stable();
    Body::new().attribute("size_gb", size.description("Memory of a whole node of this type, in GB."))
}

fn discovery_endpoint() -> Body {
    let text = |description: &str| Attribute::string().computed().stable().description(description);
    Body::new()
        .attribute("address", text("IP address."))
        .attribute("port", Attribute::number().computed().stable().description("TCP port."))
        .attribute("network", text("Network of the address, if it is in one."))
}

fn endpoint() -> Body {
    let text = |description: &str| Attribute::string().computed().stable().description(description);
    let connection = Body::new()
        .attribute("psc_connection_id", text("Identifier of the connection."))
        .attribute("ip_address", text("IP address."))
        .attribute(
            "port",
            Attribute::number().computed().stable().description("TCP port, on connections that clients dial first."),
        )
        .attribute("forwarding_rule", text("URI of the forwarding rule."))
        .attribute("project_id", text("Project of the network."))
        .attribute("network", text("Network of the address."))
        .attribute("service_attachment", text("What the connection leads to."))
        .attribute("connection_type", text("`CONNECTION_TYPE_DISCOVERY` on the connection that clients dial first."));
    let connection = Attribute::single_nested(connection).computed().stable();
    let connections = Body::new().attribute(
        "psc_auto_connection",
        connection.description("A connection that was made because the instance asked for it."),
    );
    let connections = Attribute::list_nested(connections).computed().stable();
    Body::new().attribute("connections", connections.description("Connections of one network."))
}

/// The instance as attributes. Of the labels, those are shown as configured that `prior` has.
pub(crate) fn show(name: &InstanceName, instance: &Instance, prior: &Object) -> Object {
    let mut state = Object::new();
    state
        .set("id", name.to_string())
        .set("name", name.to_string())
        .set("project", name.project.as_str())
        .set("location", name.location.as_str())
        .set("instance_id", name.instance_id.as_str())
        .set("shard_count", instance.shard_count)
        .set("replica_count", instance.replica_count.unwrap_or_default())
        .set("node_type", enum_name(instance.node_type, |n| NodeType::try_from(n).ok().map(|t| t.as_str_name())))
        .set("engine_version", non_empty(&instance.engine_version))
        .set("engine_configs", engine_configs(instance, prior))
        .set("zone_distribution_config", zones(instance))
        .set("persistence_config", persistence::show(instance, prior))
        .set("automated_backup_config", automated_backups::show(instance))
        .set("backup_collection", CollectionName::of(name).to_string())
        .set("deletion_protection_enabled", instance.deletion_protection_enabled.unwrap_or_default())
        .set("uid", non_empty(&instance.uid))
        .set("state", enum_name(instance.state, |n| State::try_from(n).ok().map(|s| s.as_str_name())))
        .set("create_time", instance.create_time.as_ref().map(ToString::to_string))
        .set("update_time", instance.update_time.as_ref().map(ToString::to_string))
        .set("node_config", instance.node_config.as_ref().map(|config| node_type::object(config.size_gb)));
    labels::show(&mut state, prior, &instance.labels);
    let entry = entry_point(instance);
    state
        .set("discovery_endpoints", discovery_endpoints(instance))
        .set("endpoints", instance.endpoints.iter().map(show_endpoint).collect::<Vec<_>>())
        .set("connection_url", entry.as_ref().map(|entry| format!("redis://{entry}")))
        .set("discovery_endpoint", entry);
    state
}

/// An enum value's name in the API, or its number when it is newer than this provider.
fn enum_name(number: i32, name: impl Fn(i32) -> Option<&'static str>) -> String {
    name(number).map_or_else(|| number.to_string(), str::to_owned)
}

fn non_empty(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// The API knows no difference between an empty map and none; the state keeps the one it had.
fn engine_configs(instance: &Instance, prior: &Object) -> Value {
    if instance.engine_configs.is_empty() && prior.value("engine_configs").is_null() {
        return Value::Null;
    }
    instance.engine_configs.clone().into()
}

fn zones(instance: &Instance) -> Option<Object> {
    instance.zone_distribution_config.as_ref().map(|zones| {
        let mode = match ZoneDistributionMode::try_from(zones.mode) {
            Ok(ZoneDistributionMode::Unspecified | ZoneDistributionMode::MultiZone) => rules::MULTI_ZONE.to_owned(),
            Ok(ZoneDistributionMode::SingleZone) => rules::SINGLE_ZONE.to_owned(),
            Err(_) => zones.mode.to_string(),
        };
        Object::new().with("mode", mode).with("zone", non_empty(&zones.zone))
    })
}

#[expect(deprecated, reason = "the API keeps the instance's own address there, whatever endpoints were asked for")]
fn discovery_endpoints(instance: &Instance) -> Vec<Object> {
    let show = |endpoint: &memorystore_proto::v1::DiscoveryEndpoint| {
        Object::new()
            .with("address", non_empty(&endpoint.address))
            .with("port", endpoint.port)
            .with("network", non_empty(&endpoint.network))
    };
    instance.discovery_endpoints.iter().map(show).collect()
}

/// Where clients start: the instance's own address, or else that of a discovery connection.
#[expect(deprecated, reason = "the API keeps the instance's own address there, whatever endpoints were asked for")]
fn entry_point(instance: &Instance) -> Option<String> {
    let own = instance.discovery_endpoints.iter().map(|endpoint| (endpoint.address.as_str(), endpoint.port));
    let connections = instance.endpoints.iter().flat_map(|endpoint| &endpoint.connections);
    let requested = connections.filter_map(auto_connection).filter_map(|connection| {
        let Ports::Port(port) = connection.ports?;
        (connection.connection_type == i32::from(ConnectionType::Discovery)).then_some((connection.ip_address.as_str(), port))
    });
    let (address, port) = own.chain(requested).find(|(address, _)| !address.is_empty())?;
    Some(if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") })
}

fn auto_connection(detail: &ConnectionDetail) -> Option<&PscAutoConnection> {
    match detail.connection.as_ref()? {
        Connection::PscAutoConnection(connection) => Some(connection),
        Connection::PscConnection(_) => None,
    }
}

fn show_endpoint(endpoint: &InstanceEndpoint) -> Object {
    let show =
        |detail: &ConnectionDetail| Object::new().with("psc_auto_connection", auto_connection(detail).map(show_connection));
    Object::new().with("connections", endpoint.connections.iter().map(show).collect::<Vec<_>>())
}

fn show_connection(connection: &PscAutoConnection) -> Object {
    let kind = match ConnectionType::try_from(connection.connection_type) {
        Ok(ConnectionType::Unspecified) | Err(_) => None,
        Ok(kind @ (ConnectionType::Discovery | ConnectionType::Primary | ConnectionType::Reader)) => Some(kind.as_str_name()),
    };
    Object::new()
        .with("psc_connection_id", non_empty(&connection.psc_connection_id))
        .with("ip_address", non_empty(&connection.ip_address))
        .with("port", connection.ports.map(|Ports::Port(port)| port))
        .with("forwarding_rule", non_empty(&connection.forwarding_rule))
        .with("project_id", non_empty(&connection.project_id))
        .with("network", non_empty(&connection.network))
        .with("service_attachment", non_empty(&connection.service_attachment))
        .with("connection_type", kind)
}
