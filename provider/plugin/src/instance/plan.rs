//! What an apply will do to an instance, as far as it is known before.
//!
//! Owns the step of planning that the schema cannot express. The framework calls it after defaults and
//! dependencies. Invariants: it is a function of configuration, prior state and provider block alone, so the
//! plan made again at apply is the same; nothing the change cannot alter is left unknown; and no change that
//! would lose data is planned without a warning.

use provider_framework::{AttributePath, Diagnostic, Diagnostics, MaybeKnown, Object, PlannedChange, Step, Value};

use super::name::InstanceName;
use super::{ACTIVE, foresight, labels, node_type, persistence, rules, source};
use crate::backup::CollectionName;
use crate::client::Defaults;

/// What an update sends to the daemon, which then sets a new `update_time`.
const SENT_ON_UPDATE: [&str; 8] = [
    "shard_count",
    "replica_count",
    "node_type",
    "engine_version",
    "engine_configs",
    "persistence_config",
    "deletion_protection_enabled",
    "effective_labels",
];

pub(super) fn plan(change: &mut PlannedChange, defaults: &Defaults) {
    fill_known(change, defaults);
    source::plan(change);
    labels::plan(change, &defaults.labels);
    if let Some(location) = change.planned.value("location").as_str().map(str::to_owned)
        && let Some(problem) = rules::zone_in_location(&change.planned, &location)
    {
        change.diagnose(problem);
    }
    if change.is_create() {
        return;
    }
    if change.is_replace() {
        warn_of_replacement(change);
        return;
    }
    foresight::foresee(change);
    if SENT_ON_UPDATE.iter().any(|attribute| change.changes(attribute)) {
        change.planned.set("update_time", Value::unknown());
        if change.planned.value("state").as_str() != Some(ACTIVE) {
            change.planned.set("state", Value::unknown());
        }
    }
}

fn fill_known(change: &mut PlannedChange, defaults: &Defaults) {
    for (attribute, default) in [("project", &defaults.project), ("location", &defaults.location)] {
        if let MaybeKnown::Known(default) = default {
            change.fill(attribute, default.as_str());
        }
    }
    if let Some(name) = InstanceName::of(&change.planned) {
        change.fill("name", name.to_string());
        change.fill("id", name.to_string());
        change.fill("backup_collection", CollectionName::of(&name).to_string());
    }
    if let Some(config) = change.planned.value("node_type").as_str().and_then(node_type::node_config) {
        change.fill("node_config", config);
    }
    change.fill("zone_distribution_config", Object::new().with("mode", rules::MULTI_ZONE).with("zone", Value::Null));
    match persistence::completed(change.config(), change.prior()) {
        Some(completed) => change.planned.set("persistence_config", completed),
        None => change.planned.set_if_unknown("persistence_config", persistence::unless_configured(change.config())),
    };
    // A new instance has no automated backups: a policy is set on an instance that is there.
    change.fill("automated_backup_config", Value::Null);
    // The API shows there what was asked for, and this provider asks for nothing.
    change.fill("endpoints", Vec::<Object>::new());
    if change.config().value("deletion_protection_enabled").is_null() {
        let protection = match defaults.deletion_protection {
            MaybeKnown::Known(protected) => protected.into(),
            MaybeKnown::Unknown => Value::unknown(),
        };
        change.planned.set("deletion_protection_enabled", protection);
    }
}

fn warn_of_replacement(change: &mut PlannedChange) {
    let name = change.prior().map(|prior| prior.value("name").clone()).unwrap_or_default();
    let name = name.as_str().unwrap_or("The instance").to_owned();
    for path in change.replacements() {
        let detail = format!(
            "`{path}` cannot be changed on a running instance: {}. {name} will be destroyed with all its data, and {} made in \
             its place.",
            reason_of(&path),
            source::first_data(&change.planned)
        );
        change.diagnose(Diagnostic::warning("Replacement loses the data").detail(detail).at(path));
    }
    if let Some(problem) = change.prior().and_then(deletion_protected) {
        change.diagnose(problem);
    }
}

/// Why the attribute that a path begins with is fixed for the life of an instance.
fn reason_of(path: &AttributePath) -> &'static str {
    match path.steps().first() {
        Some(Step::Attribute(name)) if name == "instance_id" => "it is part of the instance's name, by which everybody knows it",
        Some(Step::Attribute(name)) if name == "project" => {
            "it is part of the instance's name, and an instance stays in its project"
        }
        Some(Step::Attribute(name)) if name == "location" => "an instance lives in one region and is named after it",
        Some(Step::Attribute(name)) if name == "zone_distribution_config" => {
            "the zones of the nodes are chosen when the instance is made, and the product's API has no way to change them"
        }
        Some(Step::Attribute(name)) if name == "gcs_source" || name == "managed_backup_source" => {
            "it says what the first data of a new instance is"
        }
        Some(_) | None => "the product's API has no way to change it",
    }
}

/// Before a destroy is planned.
pub(super) fn destroy(state: &Object) -> Diagnostics {
    deletion_protected(state).into_iter().collect()
}

/// The error for destroying what is protected, if it is.
pub(super) fn deletion_protected(state: &Object) -> Option<Diagnostic> {
    if state.value("deletion_protection_enabled").as_bool() != Some(true) {
        return None;
    }
    let name = state.value("name").as_str().unwrap_or("The instance");
    let detail = format!(
        "{name} cannot be destroyed while `deletion_protection_enabled` is true. If its data may be lost, set \
         `deletion_protection_enabled = false` in the resource and run:\n\n  terraform apply\n  terraform destroy"
    );
    Some(Diagnostic::error("Deletion protection is on").detail(detail).at("deletion_protection_enabled"))
}
