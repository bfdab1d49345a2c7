//! Plan modifiers: steps of planning that belong to one attribute.
//!
//! Owns [`PlanModifier`] and the ready-made ones; `run` walks the schema. Invariant: modifiers run after
//! defaults and dependencies, parents before children, for creates and updates, never for destroys. "Use state
//! for unknown" is no modifier here: it is [`Attribute::stable`](crate::schema::Attribute::stable).

use std::fmt;

use super::PlannedChange;
use crate::diagnostic::Diagnostic;
use crate::path::{AttributePath, Step};
use crate::schema::{Attribute, Body, Kind};
use crate::value::{Object, Value};

/// What a modifier sees of its attribute, and what it may do.
#[derive(Debug)]
pub struct AttributePlan<'a> {
    /// Where the attribute is.
    pub path: &'a AttributePath,
    /// Its value in the configuration.
    pub config: &'a Value,
    /// Its value in the prior state; null when there is none.
    pub prior: &'a Value,
    /// Its planned value, for change.
    pub planned: &'a mut Value,
    /// Whether the resource is to be created.
    pub creating: bool,
    /// Set to ask for replacement; kept only if the value really changes.
    pub replace: bool,
    /// Messages to show.
    pub diagnostics: Vec<Diagnostic>,
}

impl AttributePlan<'_> {
    /// Whether an existing resource gets another value here.
    #[must_use]
    pub fn is_change(&self) -> bool {
        !self.creating && *self.prior != *self.planned
    }
}

/// A step of planning for one attribute. It must be a pure function of what it sees.
pub trait PlanModifier: fmt::Debug + Send + Sync {
    /// Edits the plan of the attribute.
    fn modify(&self, attribute: &mut AttributePlan<'_>);
}

/// See [`requires_replace`].
#[derive(Debug)]
pub struct RequiresReplace;

/// A change replaces the resource.
#[must_use]
pub fn requires_replace() -> RequiresReplace {
    RequiresReplace
}

impl PlanModifier for RequiresReplace {
    fn modify(&self, attribute: &mut AttributePlan<'_>) {
        attribute.replace |= attribute.is_change();
    }
}

/// See [`requires_replace_if`].
pub struct RequiresReplaceIf<F> {
    reason: &'static str,
    condition: F,
}

impl<F> fmt::Debug for RequiresReplaceIf<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequiresReplaceIf").field(&self.reason).finish()
    }
}

/// A change from the first to the second value given to `condition` replaces the resource; `reason`, a whole
/// sentence, is shown as a warning in the plan.
#[must_use]
pub fn requires_replace_if<F>(reason: &'static str, condition: F) -> RequiresReplaceIf<F>
where
    F: Fn(&Value, &Value) -> bool + Send + Sync,
{
    RequiresReplaceIf { reason, condition }
}

impl<F: Fn(&Value, &Value) -> bool + Send + Sync> PlanModifier for RequiresReplaceIf<F> {
    fn modify(&self, attribute: &mut AttributePlan<'_>) {
        if attribute.is_change() && (self.condition)(attribute.prior, attribute.planned) {
            attribute.replace = true;
            let warning = Diagnostic::warning("This change replaces the resource")
                .detail(format!("`{}`: {}", attribute.path, self.reason))
                .at(attribute.path.clone());
            attribute.diagnostics.push(warning);
        }
    }
}

/// Runs the modifiers of every attribute that is there.
pub(super) fn run(body: &Body, change: &mut PlannedChange) {
    if !has_modifiers(body) {
        return;
    }
    let prior = change.prior().cloned();
    let config = change.config().clone();
    let mut planned = std::mem::take(&mut change.planned);
    let mut walk = Walk { creating: prior.is_none(), change };
    let empty = Object::new();
    walk.body(body, &config, prior.as_ref().unwrap_or(&empty), &mut planned, &AttributePath::root());
    change.planned = planned;
}

fn has_modifiers(body: &Body) -> bool {
    let of_attribute = |attribute: &Attribute| {
        !attribute.modifiers().is_empty() || matches!(attribute.kind(), Kind::Nested(_, nested) if has_modifiers(nested))
    };
    body.attributes().values().any(of_attribute) || body.blocks().values().any(|b| has_modifiers(b.body()))
}

struct Walk<'a> {
    creating: bool,
    change: &'a mut PlannedChange,
}

impl Walk<'_> {
    fn body(&mut self, body: &Body, config: &Object, prior: &Object, planned: &mut Object, path: &AttributePath) {
        for (name, attribute) in body.attributes() {
            let nested = match attribute.kind() {
                Kind::Nested(_, nested) if has_modifiers(nested) => Some(nested),
                Kind::Nested(..) | Kind::Plain(_) => None,
            };
            if attribute.modifiers().is_empty() && nested.is_none() {
                continue;
            }
            let path = path.clone().attribute(name);
            let value = planned.value_mut(name);
            self.attribute(attribute, config.value(name), prior.value(name), value, &path);
            if let Some(nested) = nested {
                self.elements(nested, config.value(name), prior.value(name), value, &path);
            }
        }
        for (name, block) in body.blocks() {
            if has_modifiers(block.body()) {
                let path = path.clone().attribute(name);
                let (config, prior) = (config.value(name), prior.value(name));
                self.elements(block.body(), config, prior, planned.value_mut(name), &path);
            }
        }
    }

    fn attribute(&mut self, attribute: &Attribute, config: &Value, prior: &Value, planned: &mut Value, path: &AttributePath) {
        let mut view =
            AttributePlan { path, config, prior, planned, creating: self.creating, replace: false, diagnostics: Vec::new() };
        for modifier in attribute.modifiers() {
            modifier.modify(&mut view);
        }
        let AttributePlan { replace, diagnostics, .. } = view;
        if replace {
            self.change.replace_because_of(path.clone());
        }
        for diagnostic in diagnostics {
            self.change.diagnose(diagnostic);
        }
    }

    fn elements(&mut self, body: &Body, config: &Value, prior: &Value, planned: &mut Value, path: &AttributePath) {
        match planned {
            Value::Object(object) => self.element(body, config, prior, object, path),
            Value::List(items) | Value::Tuple(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    let step = Step::Index(index);
                    let path = path.clone().index(index);
                    if let Value::Object(object) = item {
                        self.element(body, child(config, &step), child(prior, &step), object, &path);
                    }
                }
            }
            Value::Map(entries) => {
                for (key, item) in entries {
                    let step = Step::Key(key.clone());
                    let path = path.clone().key(key);
                    if let Value::Object(object) = item {
                        self.element(body, child(config, &step), child(prior, &step), object, &path);
                    }
                }
            }
            // Elements of a set have no identity by which prior and planned could be compared.
            Value::Set(_)
            | Value::Null
            | Value::Unknown(_)
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Dynamic(_) => {}
        }
    }

    fn element(&mut self, body: &Body, config: &Value, prior: &Value, planned: &mut Object, path: &AttributePath) {
        let empty = Object::new();
        let config = config.as_object().unwrap_or(&empty);
        let prior = prior.as_object().unwrap_or(&empty);
        self.body(body, config, prior, planned, path);
    }
}

static NULL: Value = Value::Null;

/// The element of a collection that belongs to `step`; null when there is none.
pub(crate) fn child<'v>(value: &'v Value, step: &Step) -> &'v Value {
    let found = match (value, step) {
        (Value::List(items) | Value::Tuple(items), Step::Index(index)) => items.get(*index),
        (Value::Map(entries), Step::Key(key)) => entries.get(key),
        _ => None,
    };
    found.unwrap_or(&NULL)
}
