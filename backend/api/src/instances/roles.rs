//! What a request says of an instance's part in a replication: whom a new one follows and what it takes over from there, who is
//! detached or becomes the primary, and what may be changed on which member.

use std::collections::BTreeSet;

use memorystore_proto::v1;
use valkyard_model::{DesiredInstance, FieldViolation, InstanceName, InstanceSpec, Role, SpecDraft};
use valkyard_store::{Follow, RoleChange, RoleRefusal};

use crate::convert::{AskedRole, asked_role, fields, replication_violation as violation};
use crate::{ApiError, ApiState};

/// The primary that a new instance is to follow, if it is to follow one.
pub(super) async fn primary_of(
    state: &ApiState,
    name: &InstanceName,
    asked: &v1::Instance,
) -> Result<Option<DesiredInstance>, ApiError> {
    let role = asked_role(asked.cross_instance_replication_config.as_ref()).map_err(|found| ApiError::Invalid(vec![found]))?;
    let primary = match role {
        AskedRole::None => return Ok(None),
        AskedRole::Primary(_) => {
            let text = "an instance becomes PRIMARY when a secondary of it is created; create it with instance_role NONE";
            return Err(ApiError::Invalid(vec![violation("instance_role", text)]));
        }
        AskedRole::Secondary(primary) => primary,
    };
    if primary == *name {
        let text = "an instance cannot be its own primary_instance";
        return Err(ApiError::Invalid(vec![violation("primary_instance.instance", text)]));
    }
    let found = state.store.instance(&primary).await?;
    found.map(Some).ok_or_else(|| RoleRefusal::NoPrimary { name: primary }.into())
}

/// Fills in what a secondary takes over from its primary, where the request leaves it out.
pub(super) fn take_over(draft: &mut SpecDraft, asked: &v1::Instance, primary: &DesiredInstance) {
    let theirs = fields::draft_of_spec(&primary.spec);
    if draft.shard_count == 0 {
        draft.shard_count = theirs.shard_count;
    }
    if draft.engine_version.is_empty() {
        draft.engine_version = theirs.engine_version;
    }
    if draft.engine_configs.is_empty() {
        draft.engine_configs = theirs.engine_configs;
    }
    if asked.persistence_config.is_none() {
        draft.persistence = theirs.persistence;
    }
    draft.node_type = draft.node_type.or(theirs.node_type);
}

/// Refuses a secondary that is to differ from its primary where it cannot, and one that is to begin with other data.
pub(super) fn refuse_difference(spec: &InstanceSpec, primary: &DesiredInstance) -> Result<(), ApiError> {
    let mut violations = differences(spec, &primary.spec, |what| {
        format!("a secondary instance has the {what} of its primary '{}'; leave it out", primary.name)
    });
    if spec.engine_version < primary.spec.engine_version {
        let text = format!(
            "{} is older than {}, which the primary '{}' has: an older engine does not read its data; leave it out",
            spec.engine_version, primary.spec.engine_version, primary.name
        );
        violations.retain(|found| found.field != "instance.engine_version");
        violations.push(FieldViolation::new("instance.engine_version", text));
    }
    if spec.import.is_some() {
        let text = "a secondary instance begins with the data of its primary; leave out managed_backup_source and gcs_source";
        violations.push(violation("instance_role", text));
    }
    if violations.is_empty() { Ok(()) } else { Err(ApiError::Invalid(violations)) }
}

/// What the whole replication shares, where two specs differ in it.
fn differences(one: &InstanceSpec, other: &InstanceSpec, text: impl Fn(&str) -> String) -> Vec<FieldViolation> {
    let shared = [
        ("shard_count", one.shard_count == other.shard_count),
        ("node_type", one.node_type == other.node_type),
        ("engine_version", one.engine_version == other.engine_version),
        ("engine_configs", one.engine_configs == other.engine_configs),
        ("persistence_config", one.persistence == other.persistence),
    ];
    let differing = shared.into_iter().filter(|(_, is_same)| !is_same);
    differing.map(|(field, _)| FieldViolation::new(&format!("instance.{field}"), text(field))).collect()
}

/// How the store takes it in.
pub(super) fn follow(primary: &DesiredInstance) -> Follow {
    Follow { primary: primary.name.clone(), expected_generation: primary.generation }
}

/// Refuses a change of what the whole replication shares: on a secondary always, on a primary because this version does not
/// carry it on.
pub(super) fn refuse_shared_change(current: &DesiredInstance, wanted: &InstanceSpec) -> Result<(), ApiError> {
    match &current.replication.role {
        Role::None | Role::Leaving => Ok(()),
        Role::Secondary { primary, .. } => {
            let text = |what: &str| {
                format!("{what} of a secondary instance is that of its primary '{}' and is changed there", primary.name)
            };
            let violations = differences(wanted, &current.spec, text);
            if violations.is_empty() { Ok(()) } else { Err(ApiError::Invalid(violations)) }
        }
        Role::Primary { .. } => {
            let changed = differences(wanted, &current.spec, |_| String::new());
            let Some(first) = changed.first() else { return Ok(()) };
            let what = format!(
                "{}: changing it on a primary instance while secondary instances follow is not available in this version; detach \
                 them (instance_role NONE), change it, and create them again",
                first.field
            );
            Err(ApiError::NotInThisVersion { what })
        }
    }
}

/// The paths of a mask that concern the replication.
#[derive(Clone, Copy, Debug)]
pub(super) struct RolePaths<'p>(pub(super) &'p [&'static str]);

impl RolePaths<'_> {
    const ROOT: &'static str = "cross_instance_replication_config";

    fn has(self, below: &str) -> bool {
        self.0.iter().any(|path| *path == Self::ROOT || path.strip_prefix(Self::ROOT).is_some_and(|rest| rest == below))
    }
}

/// What an update changes about who follows whom.
pub(super) fn change(current: &DesiredInstance, wanted: &v1::Instance, paths: RolePaths<'_>) -> Result<RoleChange, ApiError> {
    let detach = |names: Vec<InstanceName>| if names.is_empty() { RoleChange::None } else { RoleChange::Detach(names) };
    let asked = masked_role(current, wanted, paths).map_err(|found| ApiError::Invalid(vec![found]))?;
    let refuse = |below: &str, text: String| Err(ApiError::Invalid(vec![violation(below, text)]));
    match (&current.replication.role, asked) {
        (Role::None | Role::Leaving, AskedRole::None) => Ok(RoleChange::None),
        (Role::None | Role::Leaving, AskedRole::Primary(_)) => {
            refuse("instance_role", "an instance becomes PRIMARY when a secondary of it is created".to_owned())
        }
        (Role::None | Role::Leaving, AskedRole::Secondary(_)) => {
            let what = "attaching an instance that is there as a secondary is not available in this version; create a new one with \
                        instance_role SECONDARY";
            Err(ApiError::NotInThisVersion { what: what.to_owned() })
        }
        (Role::Primary { secondaries }, AskedRole::None) => {
            Ok(detach(secondaries.iter().map(|member| member.name.clone()).collect()))
        }
        (Role::Primary { secondaries }, AskedRole::Primary(stays)) => {
            let is_known = |name: &&InstanceName| secondaries.iter().any(|member| member.name == **name);
            if let Some(new) = stays.iter().find(|name| !is_known(name)) {
                return refuse("secondary_instances", format!("'{new}' does not follow; a secondary is added by creating it"));
            }
            let leaves = secondaries.iter().map(|member| &member.name).filter(|name| !stays.contains(name));
            Ok(detach(leaves.cloned().collect()))
        }
        (Role::Primary { .. }, AskedRole::Secondary(_)) => refuse(
            "instance_role",
            "a primary instance becomes SECONDARY by a switchover, which is asked of the other".to_owned(),
        ),
        (Role::Secondary { .. }, AskedRole::None) => Ok(detach(vec![current.name.clone()])),
        (Role::Secondary { primary, .. }, AskedRole::Secondary(asked)) if primary.name == asked => Ok(RoleChange::None),
        (Role::Secondary { primary, .. }, AskedRole::Secondary(_)) => {
            refuse("primary_instance", format!("the instance follows '{}'; detach it first (instance_role NONE)", primary.name))
        }
        (Role::Secondary { primary, secondaries }, AskedRole::Primary(listed)) => {
            let others = secondaries.iter().filter(|member| member.uid != current.uid);
            let expected: BTreeSet<&InstanceName> = std::iter::once(primary).chain(others).map(|member| &member.name).collect();
            if !listed.is_empty() && listed.iter().collect::<BTreeSet<_>>() != expected {
                let names = expected.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(" and ");
                return refuse(
                    "secondary_instances",
                    format!("after a switchover these follow: {names}; name them all, or none"),
                );
            }
            Ok(RoleChange::SwitchOver)
        }
    }
}

/// The present part with the masked fields replaced. What belongs to a role goes with it.
fn masked_role(current: &DesiredInstance, wanted: &v1::Instance, paths: RolePaths<'_>) -> Result<AskedRole, FieldViolation> {
    let mut config = crate::convert::replication_message(&current.replication);
    let asked = wanted.cross_instance_replication_config.clone().unwrap_or_default();
    if paths.has(".instance_role") {
        if config.instance_role != asked.instance_role {
            config.primary_instance = None;
            config.secondary_instances.clear();
        }
        config.instance_role = asked.instance_role;
    }
    if paths.has(".primary_instance.instance") {
        config.primary_instance = asked.primary_instance;
    }
    if paths.has(".secondary_instances") {
        config.secondary_instances = asked.secondary_instances;
    }
    asked_role(Some(&config))
}
