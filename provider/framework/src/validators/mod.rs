//! Rules for configured values.
//!
//! Owns [`Validator`] and the ready-made ones. Attributes carry them; the Validate RPCs run them through
//! [`body`]. Invariant: a validator sees only known, non-null values and keeps no memory, because Terraform
//! validates again whenever more is known. Rules between attributes belong to
//! [`Resource::validate`](crate::Resource::validate).

mod attribute;
mod body;

#[cfg(test)]
mod tests;

use std::fmt;

pub use attribute::{
    Between, Each, Integer, Keys, Length, OneOf, Pattern, Size, each, integer, integer_between, keys, length, one_of, pattern,
    size,
};
pub(crate) use body::{WriteOnlySupport, validate_config};

use crate::diagnostic::Diagnostic;
use crate::path::AttributePath;
use crate::value::Value;

/// One rule for the value of one attribute.
pub trait Validator: fmt::Debug + Send + Sync {
    /// Judges a known, non-null value; each broken rule is one text that completes "`path` …", such as
    /// "must be between 1 and 250".
    fn check(&self, value: &Value) -> Vec<Problem>;

    /// The rule in words, for documentation: "between 1 and 250".
    fn description(&self) -> String;
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Steps below the attribute, for rules about elements.
    pub below: AttributePath,
    /// Completes "`path` …": "must be …".
    pub rule: String,
    /// The offending value, left out of the message when the attribute is sensitive.
    pub value: Value,
}

impl Problem {
    /// A problem of the whole value.
    #[must_use]
    pub fn new(rule: impl Into<String>, value: &Value) -> Self {
        Self { below: AttributePath::root(), rule: rule.into(), value: value.clone() }
    }
}

/// The diagnostic of a problem: it names path and value in the text too, since Terraform shows no source line
/// for attributes that are not set.
pub(crate) fn diagnostic(problem: &Problem, path: AttributePath, shown: Shown) -> Diagnostic {
    let found = match shown {
        Shown::Plainly => format!("; it is {}", problem.value),
        Shown::Hidden => String::new(),
    };
    Diagnostic::error("Invalid attribute value").detail(format!("`{path}` {}{found}.", problem.rule)).at(path)
}

/// Whether a message may show the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Plainly,
    Hidden,
}
