//! Accepting a change.
//!
//! The mask says which fields are meant: a masked field that is absent takes its default, an unmasked one is ignored even if
//! it was sent. Several fields in one mask are applied together; the real service takes one at a time.

use memorystore_proto::{longrunning, v1};
use prost_types::FieldMask;
use valkyard_model::{
    DesiredInstance, EngineVersion, FieldViolation, InstanceName, InstanceSpec, OperationId, SpecDraft, SpecLimits, Timestamp,
    Verb, validate,
};
use valkyard_store::{RoleChange, UpdateError, UpdateInstance};

use crate::convert::{changed_automated_backups, fields, instance_name, operation_message, persistence, refused, request_key};
use crate::instances::{fit, maxmemory, roles};
use crate::progress::message_when_accepted;
use crate::to_its_end::to_its_end;
use crate::{ApiError, ApiState};

/// How often a change is derived again because another one came first; each attempt takes under a millisecond.
const ATTEMPTS_MAX: u32 = 5;

/// The field about the replication between instances.
const REPLICATION: &str = "cross_instance_replication_config";

/// Paths a mask may have, as on the real service.
const MASK_PATHS: &[&str] = &[
    "acl_policy",
    "auth_mode",
    "automated_backup_config",
    "automated_backup_config.automated_backup_mode",
    "automated_backup_config.fixed_frequency_schedule",
    "automated_backup_config.fixed_frequency_schedule.start_time",
    "automated_backup_config.fixed_frequency_schedule.start_time.hours",
    "automated_backup_config.retention",
    "cross_instance_replication_config",
    "cross_instance_replication_config.instance_role",
    "cross_instance_replication_config.primary_instance.instance",
    "cross_instance_replication_config.secondary_instances",
    "deletion_protection_enabled",
    "endpoints",
    "engine_configs",
    "engine_version",
    "labels",
    "maintenance_policy",
    "maintenance_policy.weekly_maintenance_window",
    "maintenance_policy.weekly_maintenance_window.start_time",
    "maintenance_version",
    "maintenance_window",
    "node_type",
    "persistence_config",
    "persistence_config.aof_config.append_fsync",
    "persistence_config.mode",
    "persistence_config.rdb_config.rdb_snapshot_period",
    "persistence_config.rdb_config.rdb_snapshot_start_time",
    "replica_count",
    "rotate_server_certificate",
    "shard_count",
    "simulate_maintenance_event",
];

/// Derives the new spec from the present one and durably accepts it.
pub(crate) async fn update(state: &ApiState, request: v1::UpdateInstanceRequest) -> Result<longrunning::Operation, ApiError> {
    to_its_end(accept(state.clone(), request)).await
}

async fn accept(state: ApiState, mut request: v1::UpdateInstanceRequest) -> Result<longrunning::Operation, ApiError> {
    let request_id = std::mem::take(&mut request.request_id);
    let key = request_key(&request_id, Verb::Update, &request)?;
    let mask = Mask::parse(request.update_mask)?;
    let wanted = request.instance.unwrap_or_default();
    let name = instance_name("instance.name", &wanted.name)?;
    refused::refuse(&wanted, |field| mask.has(field))?;
    for _ in 0..ATTEMPTS_MAX {
        let found = state.store.instance(&name).await?;
        let current = found.ok_or_else(|| ApiError::NotFound { name: name.to_string() })?;
        let now = state.platform.now();
        let spec = changed_spec(&current, &wanted, &mask, &state.platform.limits(), now)?;
        roles::refuse_shared_change(&current, &spec)?;
        let roles = match mask.has(REPLICATION) {
            true => roles::change(&current, &wanted, roles::RolePaths(&mask.paths))?,
            false => RoleChange::None,
        };
        refuse_too_small(&state, &current, &spec).await?;
        let accepted = UpdateInstance {
            name: name.clone(),
            expected_generation: current.generation,
            expected_role: current.replication.role.clone(),
            maxmemory: maxmemory(&state.platform.memory(), &spec),
            spec,
            roles,
            operation_id: OperationId::new(now, state.platform.random_uuid()),
            request: key.clone(),
            at: state.platform.calendar(),
            now,
        };
        match state.store.update_instance(accepted).await {
            Err(UpdateError::Conflict { .. }) => {}
            result => {
                let operation = result.map_err(|error| ApiError::from_update(error, &name))?;
                for member in members_of(&current).chain([name]) {
                    state.supervisor.look_again(member).await;
                }
                state.keeper.look_again();
                return Ok(operation_message(&operation, message_when_accepted(&operation)));
            }
        }
    }
    Err(ApiError::Contended { name })
}

/// All other members of the replication that the instance was in: what was decided for one may concern each of them.
fn members_of(instance: &DesiredInstance) -> impl Iterator<Item = InstanceName> {
    let role = &instance.replication.role;
    let members = role.primary().into_iter().chain(role.secondaries()).filter(|member| member.uid != instance.uid);
    members.map(|member| member.name.clone())
}

/// The fields a request is about, by their first segment.
struct Mask {
    roots: Vec<&'static str>,
    paths: Vec<&'static str>,
}

impl Mask {
    fn parse(mask: Option<FieldMask>) -> Result<Self, ApiError> {
        let paths = mask.map(|mask| mask.paths).unwrap_or_default();
        if paths.is_empty() {
            return Err(ApiError::invalid("update_mask", "name the fields to change, such as labels"));
        }
        let mut roots = Vec::new();
        let mut known_paths = Vec::new();
        let mut violations = Vec::new();
        for path in &paths {
            match MASK_PATHS.iter().find(|known| *known == path) {
                Some(known) => {
                    roots.push(root_of(known));
                    known_paths.push(*known);
                }
                None => violations.push(FieldViolation::new(
                    "update_mask",
                    format!("unsupported path in fieldMask: {path}. Allowed values are: {}", MASK_PATHS.join(", ")),
                )),
            }
        }
        if violations.is_empty() { Ok(Self { roots, paths: known_paths }) } else { Err(ApiError::Invalid(violations)) }
    }

    fn has(&self, field: &str) -> bool {
        self.roots.contains(&field)
    }
}

/// The field of the message that a path leads into. Two paths have other names than their fields.
fn root_of(path: &'static str) -> &'static str {
    match path.split('.').next().unwrap_or(path) {
        "auth_mode" => "authorization_mode",
        "maintenance_window" => "maintenance_policy",
        root => root,
    }
}

fn changed_spec(
    current: &DesiredInstance,
    wanted: &v1::Instance,
    mask: &Mask,
    limits: &SpecLimits,
    now: Timestamp,
) -> Result<InstanceSpec, ApiError> {
    let draft = masked_draft(&current.spec, wanted, mask, now).map_err(ApiError::Invalid)?;
    refuse_downgrade(current, &draft)?;
    let spec = validate_change(current, draft, limits).map_err(ApiError::Invalid)?;
    refuse_other_endpoints(&current.spec, &spec)?;
    Ok(spec)
}

/// An engine that was uninstalled since must not stop a change of labels, but does stop one of nodes: none could be started.
fn validate_change(
    current: &DesiredInstance,
    draft: SpecDraft,
    limits: &SpecLimits,
) -> Result<InstanceSpec, Vec<FieldViolation>> {
    let location = &current.name.location;
    let mut as_if_installed = limits.clone();
    if !limits.engine_versions.contains(&current.spec.engine_version) {
        as_if_installed.engine_versions.push(current.spec.engine_version);
    }
    let spec = validate(draft.clone(), location, &as_if_installed)?;
    if spec.asks_same_nodes(&current.spec) { Ok(spec) } else { validate(draft, location, limits) }
}

/// The present spec with the masked fields replaced.
fn masked_draft(
    present: &InstanceSpec,
    wanted: &v1::Instance,
    mask: &Mask,
    now: Timestamp,
) -> Result<SpecDraft, Vec<FieldViolation>> {
    let mut draft = fields::draft_of_spec(present);
    let mut violations = Vec::new();
    if mask.has("labels") {
        draft.labels = wanted.labels.clone();
    }
    if mask.has("deletion_protection_enabled") {
        draft.deletion_protection = wanted.deletion_protection_enabled;
    }
    if mask.has("shard_count") {
        draft.shard_count = wanted.shard_count;
    }
    if mask.has("replica_count") {
        draft.replica_count = wanted.replica_count;
    }
    if mask.has("engine_configs") {
        draft.engine_configs = wanted.engine_configs.clone();
    }
    if mask.has("persistence_config") {
        match persistence::changed(present.persistence, wanted, &mask.paths, now) {
            Ok(persistence) => draft.persistence = persistence,
            Err(found) => violations.extend(found),
        }
    }
    if mask.has("automated_backup_config") {
        match changed_automated_backups(present.automated_backups, wanted, &mask.paths) {
            Ok(backups) => draft.automated_backups = backups,
            Err(violation) => violations.push(violation),
        }
    }
    if mask.has("node_type") {
        match fields::node_type(wanted) {
            Ok(node_type) => draft.node_type = node_type,
            Err(violation) => violations.push(violation),
        }
    }
    if mask.has("engine_version") {
        if wanted.engine_version.is_empty() {
            violations.push(FieldViolation::new("instance.engine_version", "engine_version cannot be updated to \"\""));
        }
        draft.engine_version = wanted.engine_version.clone();
    }
    if mask.has("endpoints") {
        match fields::auto_connections(wanted) {
            // The field is about user-created connections; automatic ones stay when it is left out.
            Ok(connections) if connections.is_empty() => {}
            Ok(connections) => draft.auto_connections = connections,
            Err(violation) => violations.push(violation),
        }
    }
    if violations.is_empty() { Ok(draft) } else { Err(violations) }
}

/// Told before anything else about the version: whether the older one is installed does not matter.
fn refuse_downgrade(current: &DesiredInstance, draft: &SpecDraft) -> Result<(), ApiError> {
    let from = current.spec.engine_version;
    match draft.engine_version.parse::<EngineVersion>() {
        Ok(to) if to < from => Err(ApiError::VersionDowngrade { name: current.name.clone(), from, to }),
        // What is no version is refused by the validation, with those that are.
        Ok(_) | Err(_) => Ok(()),
    }
}

fn refuse_other_endpoints(present: &InstanceSpec, wanted: &InstanceSpec) -> Result<(), ApiError> {
    let sorted = |spec: &InstanceSpec| {
        let mut pairs: Vec<_> = spec.auto_connections.iter().map(|c| (c.project.clone(), c.network.clone())).collect();
        pairs.sort();
        pairs
    };
    if sorted(present) == sorted(wanted) {
        return Ok(());
    }
    let what = "changing endpoints in place is not available in this version; create another instance with the new value, or delete this one and create it again";
    Err(ApiError::NotInThisVersion { what: what.to_owned() })
}

/// Refuses nodes that cannot hold the data which was seen last. Before this daemon's first look nothing is known: then the
/// planner finds out, and the operation fails.
async fn refuse_too_small(state: &ApiState, current: &DesiredInstance, wanted: &InstanceSpec) -> Result<(), ApiError> {
    if wanted.asks_same_nodes(&current.spec) {
        return Ok(());
    }
    let view = state.supervisor.view(current.name.clone()).await;
    let Some(view) = view.filter(|view| view.desired.uid == current.uid) else { return Ok(()) };
    let change = fit::Change {
        name: &current.name,
        present_room: fit::room(current.spec.shard_count, current.maxmemory),
        wanted,
        policy: state.platform.memory(),
    };
    change.refuse_if_too_small(fit::data_held(&view.observed))
}
