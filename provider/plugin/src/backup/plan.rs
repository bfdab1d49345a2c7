//! What an apply will do to a backup, as far as it is known before.
//!
//! Invariant: it is a function of configuration, prior state and provider block alone, and calls no daemon.

use provider_framework::PlannedChange;

use super::name::{BackupName, CollectionName};
use super::schema::TTL_SECONDS_MAX;
use crate::client::Defaults;
use crate::{duration_text, instance_reference};

pub(super) fn plan(change: &mut PlannedChange, defaults: &Defaults) {
    if let Some(instance) = instance_reference::plan(change, defaults) {
        let collection = CollectionName::of(&instance);
        change.fill("backup_collection", collection.to_string());
        if let Some(backup_id) = change.planned.value("backup_id").as_str().map(str::to_owned) {
            let name = BackupName { collection, backup_id }.to_string();
            change.fill("name", name.as_str());
            change.fill("id", name);
        }
    }
    duration_text::keep_spelling(change, "ttl");
    if change.config().value("ttl").is_null() {
        change.fill("ttl", duration_text::text(TTL_SECONDS_MAX));
    }
}
