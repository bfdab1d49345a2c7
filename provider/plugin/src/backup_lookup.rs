//! Where the data sources for backups look.
//!
//! Owns the attributes by which a collection is chosen, and the look into it. Invariant: an instance that has no backups yet
//! has an empty list; a name that leads to nothing at all is an error.

use admin_proto::v1::BackupDetails;
use provider_framework::{Attribute, Context, Diagnostic, Diagnostics, Object, Schema, validators};

use crate::backup::{CollectionName, attempt};
use crate::client::Client;
use crate::instance::rules;
use crate::instance_reference;

/// Adds `instance` with `project` and `location`, and `backup_collection`.
pub(crate) fn add_attributes(schema: Schema) -> Schema {
    let collection = validators::pattern(
        "the full name of a backup collection, \"projects/<project>/locations/<location>/backupCollections/<instance_id>\"",
        |text| CollectionName::parse(text).is_some(),
    );
    let part = || Attribute::string().optional().computed();
    schema
        .attribute(
            "instance",
            instance_reference::attribute().optional().computed().description(
                "The instance whose backups to look at: its `instance_id` or its full name. It need not be there any longer.",
            ),
        )
        .attribute(
            "project",
            part()
                .validate(rules::project())
                .description("Project of an `instance` without a full name. Default: the provider's `project`."),
        )
        .attribute(
            "location",
            part()
                .validate(rules::location())
                .description("Region of an `instance` without a full name. Default: the provider's `location`."),
        )
        .attribute(
            "backup_collection",
            part()
                .validate(collection)
                .description("Full name of the collection to look at, such as `valkyard_instance.cache.backup_collection`."),
        )
}

/// The rule that exactly one of the attributes says where to look.
pub(crate) fn one_way(config: &Object, ways: &[&'static str]) -> Option<Diagnostic> {
    let set: Vec<&str> = ways.iter().copied().filter(|way| !config.value(way).is_null()).collect();
    let all = ways.iter().map(|way| format!("`{way}`")).collect::<Vec<_>>().join(", ");
    match set.as_slice() {
        [_] => None,
        [] => Some(Diagnostic::error("Nothing to look for").detail(format!("One of {all} must be set."))),
        // One that is not known yet may turn out to be null.
        [..] if set.iter().any(|way| config.value(way).is_unknown()) => None,
        [first, ..] => {
            Some(Diagnostic::error("More than one way to look").detail(format!("Only one of {all} can be set.")).at(*first))
        }
    }
}

/// The collection that the configuration chooses.
pub(crate) fn collection(cx: &Context<Client>, config: &Object) -> Result<CollectionName, Diagnostics> {
    match config.value("backup_collection").as_str().and_then(CollectionName::parse) {
        Some(collection) => Ok(collection),
        None => Ok(CollectionName::of(&instance_reference::chosen(config, cx.client().defaults())?)),
    }
}

/// Its backups, newest first.
pub(crate) async fn look(cx: &Context<Client>, collection: &CollectionName) -> Result<Vec<BackupDetails>, Diagnostics> {
    let full_name = collection.to_string();
    match cx.run(cx.client().backup_details(full_name.clone())).await? {
        Ok(mut backups) => {
            backups.sort_by_key(|backup| std::cmp::Reverse(backup.create_time.map(|time| (time.seconds, time.nanos))));
            Ok(backups)
        }
        Err(error) if error.is_not_found() => {
            let instance = collection.instance().to_string();
            match cx.run(cx.client().instance(instance.clone())).await? {
                Ok(_) => Ok(Vec::new()),
                Err(error) if error.is_not_found() => Err(Diagnostic::error("No such backups")
                    .detail(format!("The daemon has neither {full_name} nor {instance}. Every part of the name must match."))
                    .into()),
                Err(error) => Err(attempt("list", &full_name).failed(&error)),
            }
        }
        Err(error) => Err(attempt("list", &full_name).failed(&error)),
    }
}

/// Sets what the collection answers for in `state`.
pub(crate) fn show(state: &mut Object, collection: &CollectionName) {
    let instance = collection.instance();
    if state.value("instance").is_null() {
        state.set("instance", instance.to_string());
    }
    state.set("project", instance.project).set("location", instance.location).set("backup_collection", collection.to_string());
}
