//! A change in the making.
//!
//! Owns [`PlannedChange`], which plan modifiers and resources edit. Invariant: `prior` and `config` are only
//! read; the planned object is the one outcome.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::path::AttributePath;
use crate::private::Private;
use crate::value::{Object, Value};

/// A create or update while it is planned.
#[derive(Clone, Debug)]
pub struct PlannedChange {
    prior: Option<Object>,
    config: Object,
    /// The planned object. Attributes that the configuration sets must stay as they are; computed ones may be
    /// set to their value, or to unknown.
    pub planned: Object,
    /// What to remember until apply.
    pub private: Private,
    replace: BTreeSet<AttributePath>,
    diagnostics: Diagnostics,
}

impl PlannedChange {
    pub(crate) fn new(prior: Option<Object>, config: Object, planned: Object, private: Private) -> Self {
        Self { prior, config, planned, private, replace: BTreeSet::new(), diagnostics: Diagnostics::new() }
    }

    /// The state before; `None` when the object is to be created.
    #[must_use]
    pub fn prior(&self) -> Option<&Object> {
        self.prior.as_ref()
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Object {
        &self.config
    }

    /// Whether the object is to be created.
    #[must_use]
    pub fn is_create(&self) -> bool {
        self.prior.is_none()
    }

    /// Whether anything changes.
    #[must_use]
    pub fn is_change(&self) -> bool {
        self.prior.as_ref() != Some(&self.planned)
    }

    /// Whether this root attribute changes; on create every attribute that is not null does.
    #[must_use]
    pub fn changes(&self, attribute: &str) -> bool {
        let planned = self.planned.value(attribute);
        self.prior.as_ref().map_or(!planned.is_null(), |prior| prior.value(attribute) != planned)
    }

    /// Sets a computed attribute to what it will be, but only where the plan says unknown.
    pub fn fill(&mut self, attribute: &str, value: impl Into<Value>) {
        self.planned.set_if_unknown(attribute, value);
    }

    /// Asks for replacement on account of `path`; kept only if the value there really changes.
    pub fn replace_because_of(&mut self, path: impl Into<AttributePath>) {
        self.replace.insert(path.into());
    }

    /// Whether the object will be replaced, as far as is known now.
    #[must_use]
    pub fn is_replace(&self) -> bool {
        !self.replacements().is_empty()
    }

    /// The paths that force a replacement, sorted.
    #[must_use]
    pub fn replacements(&self) -> Vec<AttributePath> {
        super::settle_replacements(self.prior.as_ref(), &self.planned, &self.replace)
    }

    /// Adds an error or warning.
    pub fn diagnose(&mut self, diagnostic: impl Into<Diagnostic>) {
        self.diagnostics.push(diagnostic);
    }

    /// What was found so far.
    #[must_use]
    pub fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }
}
