//! Terraform's own consistency rules, as functions.
//!
//! Owns [`Violation`] and the checks. The server runs them on every plan, apply and read when its self-check is
//! on; [`testing`](crate::testing) and property tests use them as an oracle. Invariant: what passes here passes
//! in Terraform core; each violation names the path and the rule. They judge answers, they repair nothing.

mod apply;
mod plan;

#[cfg(test)]
mod tests;

pub use apply::check_compatible;
pub use plan::check_planned;

use crate::diagnostic::Diagnostic;
use crate::path::AttributePath;
use crate::schema::{Body, find_write_only};
use crate::value::{Object, Value};

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}`: {rule}")]
pub struct Violation {
    /// Where.
    pub path: AttributePath,
    /// What is wrong.
    pub rule: String,
}

impl Violation {
    pub(crate) fn new(path: &AttributePath, rule: impl Into<String>) -> Self {
        Self { path: path.clone(), rule: rule.into() }
    }
}

/// Whether the server checks its own answers by these rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelfCheck {
    /// Terraform alone checks.
    Off,
    /// A violation is answered as an error that says "provider bug" and names the rule.
    Report,
}

impl Default for SelfCheck {
    /// On in builds with debug assertions.
    fn default() -> Self {
        if cfg!(debug_assertions) { Self::Report } else { Self::Off }
    }
}

/// The rules for every stored state: wholly known, and null for write-only attributes.
#[must_use]
pub fn check_state(body: &Body, state: &Object) -> Vec<Violation> {
    let mut found = check_write_only(body, state);
    find_unknown(&Value::Object(state.clone()), &AttributePath::root(), &mut found);
    found
}

fn check_write_only(body: &Body, object: &Object) -> Vec<Violation> {
    let paths = find_write_only(body, object);
    paths.iter().map(|path| Violation::new(path, "a write-only attribute must be null here")).collect()
}

fn find_unknown(value: &Value, path: &AttributePath, found: &mut Vec<Violation>) {
    match value {
        Value::Unknown(_) => found.push(Violation::new(path, "is still unknown; all values must be known now")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        Value::List(items) | Value::Tuple(items) => {
            for (index, item) in items.iter().enumerate() {
                find_unknown(item, &path.clone().index(index), found);
            }
        }
        Value::Set(items) => items.iter().for_each(|item| find_unknown(item, path, found)),
        Value::Map(entries) => {
            for (key, item) in entries {
                find_unknown(item, &path.clone().key(key), found);
            }
        }
        Value::Object(object) => {
            for (name, item) in object.iter() {
                find_unknown(item, &path.clone().attribute(name), found);
            }
        }
        Value::Dynamic(typed) => find_unknown(&typed.value, path, found),
    }
}

/// Equality that takes any two unknown values as equal, whatever is certain about them.
fn equal_unrefined(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Unknown(_), Value::Unknown(_)) => true,
        (Value::List(a), Value::List(b)) | (Value::Set(a), Value::Set(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal_unrefined(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((ka, a), (kb, b))| ka == kb && equal_unrefined(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|((ka, a), (kb, b))| ka == kb && equal_unrefined(a, b))
        }
        (Value::Dynamic(a), Value::Dynamic(b)) => a.ty == b.ty && equal_unrefined(&a.value, &b.value),
        (a, b) => a == b,
    }
}

/// The diagnostic of a violation, for the person who has to report it.
pub(crate) fn provider_bug(type_name: &str, during: &str, violation: &Violation) -> Diagnostic {
    Diagnostic::error("Provider bug")
        .detail(format!(
            "`{type_name}` broke a rule of Terraform during {during}. At {violation}.\n\nThis is a mistake in the provider, not in the configuration."
        ))
        .at(violation.path.clone())
}
