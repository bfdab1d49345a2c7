//! What an apply will do to a backup policy, as far as it is known before.
//!
//! Invariant: it is a function of configuration, prior state and provider block alone, and calls no daemon.

use provider_framework::{Diagnostic, PlannedChange};

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
    if let Some(warning) = shorter_retention(change) {
        change.diagnose(warning);
    }
}

/// A shorter retention removes nothing that is there, which somebody may expect of it.
fn shorter_retention(change: &PlannedChange) -> Option<Diagnostic> {
    let before = duration_text::seconds_of(change.prior()?, "retention")?;
    let after = duration_text::seconds_of(&change.planned, "retention")?;
    let detail = format!(
        "`retention` becomes shorter, {after} s instead of {before} s. That is for backups to come: each that was made is kept until \
         the time it was made with, its `expire_time`. To remove one sooner, use `valkyard backups delete`."
    );
    (after < before).then(|| Diagnostic::warning("Backups that are there keep their expiry").detail(detail).at("retention"))
}
