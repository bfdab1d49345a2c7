//! `cross_instance_replication_config`: what clients ask for, and what they are shown.

use memorystore_proto::v1::CrossInstanceReplicationConfig;
use memorystore_proto::v1::cross_instance_replication_config::{InstanceRole, Membership, RemoteInstance};
use valkyard_model::{FieldViolation, InstanceName, Member, NameError, Replication, Role};

use super::time::timestamp_message;

const FIELD: &str = "instance.cross_instance_replication_config";

/// A part in a replication as a client asks for it: consistent in itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AskedRole {
    /// NONE, or nothing at all.
    None,
    /// PRIMARY with these secondaries.
    Primary(Vec<InstanceName>),
    /// SECONDARY of this primary.
    Secondary(InstanceName),
}

/// A violation of a rule about the whole field, or one below it.
pub(crate) fn violation(below: &str, text: impl Into<String>) -> FieldViolation {
    let field = if below.is_empty() { FIELD.to_owned() } else { format!("{FIELD}.{below}") };
    FieldViolation::new(&field, text)
}

/// Reads the field.
pub(crate) fn asked_role(config: Option<&CrossInstanceReplicationConfig>) -> Result<AskedRole, FieldViolation> {
    let Some(config) = config else { return Ok(AskedRole::None) };
    let role = InstanceRole::try_from(config.instance_role)
        .map_err(|_| violation("instance_role", format!("{} is not the number of a role", config.instance_role)))?;
    let primary = config.primary_instance.as_ref().filter(|remote| !remote.instance.is_empty());
    let refuse_primary = |role: &str| match primary {
        Some(_) => Err(violation("primary_instance", format!("with instance_role {role} there is no primary_instance"))),
        None => Ok(()),
    };
    let refuse_secondaries = |role: &str| match config.secondary_instances.is_empty() {
        true => Ok(()),
        false => Err(violation("secondary_instances", format!("with instance_role {role} there are no secondary_instances"))),
    };
    match role {
        InstanceRole::Unspecified | InstanceRole::None => {
            refuse_primary("NONE")?;
            refuse_secondaries("NONE")?;
            Ok(AskedRole::None)
        }
        InstanceRole::Primary => {
            refuse_primary("PRIMARY")?;
            let names = config.secondary_instances.iter().enumerate();
            let names = names.map(|(index, remote)| name(&format!("secondary_instances[{index}].instance"), &remote.instance));
            Ok(AskedRole::Primary(names.collect::<Result<_, _>>()?))
        }
        InstanceRole::Secondary => {
            refuse_secondaries("SECONDARY")?;
            let missing = || violation("primary_instance", "with instance_role SECONDARY a primary_instance has to be named");
            let remote = primary.ok_or_else(missing)?;
            Ok(AskedRole::Secondary(name("primary_instance.instance", &remote.instance)?))
        }
    }
}

fn name(below: &str, text: &str) -> Result<InstanceName, FieldViolation> {
    text.parse().map_err(|error: NameError| violation(below, error.to_string()))
}

/// The field as clients see it.
pub(crate) fn message(replication: &Replication) -> CrossInstanceReplicationConfig {
    let (role, primary, secondaries) = match &replication.role {
        Role::None | Role::Leaving => (InstanceRole::None, None, Vec::new()),
        Role::Primary { secondaries } => (InstanceRole::Primary, None, secondaries.iter().map(remote).collect()),
        Role::Secondary { primary, .. } => (InstanceRole::Secondary, Some(remote(primary)), Vec::new()),
    };
    CrossInstanceReplicationConfig {
        instance_role: role.into(),
        primary_instance: primary,
        secondary_instances: secondaries,
        update_time: replication.changed.map(timestamp_message),
        membership: None,
    }
}

/// All members, the same on each of them; `own` is the one that is shown.
pub(crate) fn membership(replication: &Replication, own: &Member) -> Option<Membership> {
    let primary = match &replication.role {
        Role::None | Role::Leaving => return None,
        Role::Primary { .. } => own,
        Role::Secondary { primary, .. } => primary,
    };
    Some(Membership {
        primary_instance: Some(remote(primary)),
        secondary_instances: replication.role.secondaries().iter().map(remote).collect(),
    })
}

fn remote(member: &Member) -> RemoteInstance {
    RemoteInstance { instance: member.name.to_string(), uid: member.uid.to_string() }
}
