//! What an apply will do to a backup policy, as far as it is known before.
//!
//! Invariant: it is a function of configuration, prior state and provider block alone, and calls no daemon.

use provider_framework::PlannedChange;

use super::PolicyName;
use crate::backup::CollectionName;
use crate::client::Defaults;
use crate::{duration_text, instance_reference};

pub(super) fn plan(change: &mut PlannedChange, defaults: &Defaults) {
    if let Some(instance) = instance_reference::plan(change, defaults) {
        change.fill("backup_collection", CollectionName::of(&instance).to_string());
        let name = PolicyName(instance).to_string();
        change.fill("name", name.as_str());
        change.fill("id", name);
    }
    duration_text::keep_spelling(change, "retention");
}
