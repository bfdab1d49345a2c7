//! Which requests for replacement count.
//!
//! Called when a plan is answered. Invariant: the outcome is sorted, free of duplicates, empty on create, and
//! holds only paths at which prior and planned value differ; Terraform rejects paths that exist in neither.

use std::collections::BTreeSet;

use crate::path::AttributePath;
use crate::value::{Object, Value};

/// The requested paths that really change.
pub(crate) fn settle_replacements(
    prior: Option<&Object>,
    planned: &Object,
    requested: &BTreeSet<AttributePath>,
) -> Vec<AttributePath> {
    let Some(prior) = prior else { return Vec::new() };
    if requested.is_empty() {
        return Vec::new();
    }
    let (prior, planned) = (Value::Object(prior.clone()), Value::Object(planned.clone()));
    let changes = |path: &&AttributePath| match (prior.at(path), planned.at(path)) {
        (None, None) => false,
        (before, after) => before != after,
    };
    requested.iter().filter(changes).cloned().collect()
}
