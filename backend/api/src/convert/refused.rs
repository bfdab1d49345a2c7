//! What the API has and this version does not: one line per field, with its check.
//!
//! A value that means "off" is accepted, everything else is refused by name: what an instance would not do must not be
//! taken from a client in silence. Creation asks about every line, an update about the fields its mask names.

use memorystore_proto::v1::Instance;
use memorystore_proto::v1::instance::connection_detail::Connection;
use memorystore_proto::v1::instance::{AuthorizationMode, Mode, TransitEncryptionMode};
use valkyard_model::FieldViolation;

use crate::ApiError;

/// Why a field's value is refused.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    /// The API itself does not have this value.
    Invalid(String),
    /// This version does not do it.
    Later(String),
}

type Check = fn(&Instance) -> Option<Refusal>;

/// Fields and their checks.
const CHECKS: &[(&str, Check)] = &[
    ("acl_policy", |i| later_if(!i.acl_policy.is_empty(), "ACL policies are")),
    ("allow_fewer_zones_deployment", fewer_zones),
    ("async_instance_endpoints_deletion_enabled", |i| {
        later_if(i.async_instance_endpoints_deletion_enabled == Some(true), "user-created connections are")
    }),
    ("authorization_mode", authorization_mode),
    ("endpoints", user_connections),
    ("kms_key", |i| later_if(is_set(i.kms_key.as_deref()), "customer-managed encryption keys are")),
    ("maintenance_policy", |i| {
        let windows = i.maintenance_policy.as_ref().map_or(0, |policy| policy.weekly_maintenance_window.len());
        later_if(windows > 0, "maintenance windows are")
    }),
    ("maintenance_version", |i| later_if(is_set(i.maintenance_version.as_deref()), "maintenance versions are")),
    ("mode", |i| only(i.mode, &[Mode::Unspecified, Mode::Cluster], Mode::as_str_name)),
    ("ondemand_maintenance", ondemand_maintenance),
    ("rotate_server_certificate", |i| later_if(i.rotate_server_certificate == Some(true), "server certificates are")),
    ("server_ca_mode", |i| later_if(i.server_ca_mode.is_some_and(|mode| mode != 0), "in-transit encryption is")),
    ("server_ca_pool", |i| later_if(is_set(i.server_ca_pool.as_deref()), "in-transit encryption is")),
    ("simulate_maintenance_event", |i| later_if(i.simulate_maintenance_event == Some(true), "simulating maintenance is")),
    ("transit_encryption_mode", transit_encryption_mode),
];

/// Asks the checks of the fields that `concerns` picks.
pub(crate) fn refuse(instance: &Instance, concerns: impl Fn(&str) -> bool) -> Result<(), ApiError> {
    let mut invalid = Vec::new();
    let mut later = Vec::new();
    for (field, check) in CHECKS.iter().filter(|(field, _)| concerns(field)) {
        match check(instance) {
            None => {}
            Some(Refusal::Invalid(text)) => invalid.push(FieldViolation::new(&format!("instance.{field}"), text)),
            Some(Refusal::Later(what)) => later.push(format!("instance.{field}: {what} not available in this version")),
        }
    }
    if !invalid.is_empty() {
        return Err(ApiError::Invalid(invalid));
    }
    if later.is_empty() { Ok(()) } else { Err(ApiError::NotInThisVersion { what: later.join("; ") }) }
}

fn later_if(is_used: bool, what: &str) -> Option<Refusal> {
    is_used.then(|| Refusal::Later(what.to_owned()))
}

fn is_set(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.is_empty())
}

fn only<E: TryFrom<i32> + PartialEq>(number: i32, accepted: &[E], name: fn(&E) -> &'static str) -> Option<Refusal> {
    match E::try_from(number) {
        Err(_) => Some(Refusal::Invalid(format!("{number} is not the number of a value"))),
        Ok(value) if accepted.contains(&value) => None,
        Ok(value) => Some(Refusal::Later(format!("{} is", name(&value)))),
    }
}

fn authorization_mode(instance: &Instance) -> Option<Refusal> {
    let accepted = [AuthorizationMode::Unspecified, AuthorizationMode::AuthDisabled];
    only(instance.authorization_mode, &accepted, AuthorizationMode::as_str_name)
}

fn transit_encryption_mode(instance: &Instance) -> Option<Refusal> {
    let accepted = [TransitEncryptionMode::Unspecified, TransitEncryptionMode::TransitEncryptionDisabled];
    only(instance.transit_encryption_mode, &accepted, TransitEncryptionMode::as_str_name)
}

fn user_connections(instance: &Instance) -> Option<Refusal> {
    let mut connections = instance.endpoints.iter().flat_map(|endpoint| &endpoint.connections);
    let has_one = connections.any(|detail| matches!(detail.connection, Some(Connection::PscConnection(_))));
    later_if(has_one, "user-created connections are")
}

#[expect(deprecated, reason = "a client may still send the deprecated field")]
fn fewer_zones(instance: &Instance) -> Option<Refusal> {
    later_if(instance.allow_fewer_zones_deployment, "deployment to fewer zones is")
}

#[expect(deprecated, reason = "a client may still send the deprecated field")]
fn ondemand_maintenance(instance: &Instance) -> Option<Refusal> {
    later_if(instance.ondemand_maintenance == Some(true), "on-demand maintenance is")
}
