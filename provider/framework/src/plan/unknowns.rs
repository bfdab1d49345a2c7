//! Which computed values a change leaves open.
//!
//! Second step of planning, run only when something changes. Invariants: a computed value that the
//! configuration does not set and no default gives becomes unknown if the object is new or one of its inputs
//! changes (see [`Dependencies`]), and otherwise keeps its prior value. An attribute that became unknown counts
//! as changed for those that depend on it. Changes of client-only attributes alter nothing.

use std::collections::BTreeSet;

use super::modifier::child;
use crate::path::Step;
use crate::schema::{Attribute, Body, Dependencies, Kind};
use crate::value::{Object, Value};

/// Marks unknown what the change can alter.
pub(super) fn mark(body: &Body, prior: Option<&Object>, config: &Object, planned: &mut Object) {
    let Some(prior) = prior else {
        mark_all(body, config, planned);
        return;
    };
    let mut changed = changed_inputs(body, prior, planned);
    // Each round makes at least one more attribute unknown, so there are at most as many rounds as attributes.
    loop {
        let scope = Scope { changed: &changed };
        scope.body(body, Some(prior), config, planned);
        let now = changed_inputs(body, prior, planned);
        if now == changed {
            return;
        }
        changed = now;
    }
}

/// Leaves open what depends on values that the resource's own planning changed after `before`, and says whether
/// there was any. What that planning set itself stays; only root attributes that still have their prior value count.
pub(super) fn open_dependents(body: &Body, prior: &Object, config: &Object, before: &Object, planned: &mut Object) -> bool {
    let (earlier, now) = (changed_inputs(body, prior, before), changed_inputs(body, prior, planned));
    let (earlier, now) = (Scope { changed: &earlier }, Scope { changed: &now });
    let mut opened = false;
    for (name, attribute) in body.attributes() {
        let triggered = is_open(attribute, config.value(name)) && now.alters(attribute) && !earlier.alters(attribute);
        if triggered && planned.value(name) == prior.value(name) {
            planned.set(name, Value::unknown());
            opened = true;
        }
    }
    opened
}

fn changed_inputs(body: &Body, prior: &Object, planned: &Object) -> BTreeSet<String> {
    let attributes = body.attributes().iter().filter(|(_, a)| !a.is_client_only()).map(|(name, _)| name);
    attributes.chain(body.blocks().keys()).filter(|name| prior.value(name) != planned.value(name)).cloned().collect()
}

/// Whether the provider alone decides this value: computed, not configured, no default.
fn is_open(attribute: &Attribute, config: &Value) -> bool {
    attribute.is_computed() && config.is_null() && attribute.default_value().is_none()
}

fn mark_all(body: &Body, config: &Object, planned: &mut Object) {
    let everything = BTreeSet::new();
    Scope { changed: &everything }.body(body, None, config, planned);
}

struct Scope<'a> {
    changed: &'a BTreeSet<String>,
}

impl Scope<'_> {
    fn alters(&self, attribute: &Attribute) -> bool {
        match attribute.dependencies() {
            Dependencies::AnyInput => !self.changed.is_empty(),
            Dependencies::Inputs(inputs) => inputs.iter().any(|input| self.changed.contains(input)),
        }
    }

    /// `prior` is `None` for objects and elements that are new: everything open in them is unknown.
    fn body(&self, body: &Body, prior: Option<&Object>, config: &Object, planned: &mut Object) {
        for (name, attribute) in body.attributes() {
            let configured = config.value(name);
            if is_open(attribute, configured) {
                match prior {
                    Some(prior) if !self.alters(attribute) => planned.set(name, prior.value(name).clone()),
                    Some(_) | None => planned.set(name, Value::unknown()),
                };
            } else if let Kind::Nested(_, nested) = attribute.kind() {
                let prior = prior.map(|prior| prior.value(name));
                self.elements(nested, prior, configured, planned.value_mut(name));
            }
        }
        for (name, block) in body.blocks() {
            let prior = prior.map(|prior| prior.value(name));
            self.elements(block.body(), prior, config.value(name), planned.value_mut(name));
        }
    }

    fn elements(&self, body: &Body, prior: Option<&Value>, config: &Value, planned: &mut Value) {
        match planned {
            Value::Object(object) => self.element(body, prior, config, object),
            Value::List(items) | Value::Tuple(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    let step = Step::Index(index);
                    if let Value::Object(object) = item {
                        self.element(body, prior.map(|p| child(p, &step)), child(config, &step), object);
                    }
                }
            }
            Value::Map(entries) => {
                for (key, item) in entries {
                    let step = Step::Key(key.clone());
                    if let Value::Object(object) = item {
                        self.element(body, prior.map(|p| child(p, &step)), child(config, &step), object);
                    }
                }
            }
            Value::Set(items) => {
                let known = prior.and_then(Value::as_elements).unwrap_or_default();
                let marked =
                    items.drain(..).map(|item| if known.contains(&item) { item } else { self.new_set_element(body, item) });
                *planned = Value::set(marked.collect::<Vec<_>>());
            }
            Value::Null | Value::Unknown(_) | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Dynamic(_) => {}
        }
    }

    fn element(&self, body: &Body, prior: Option<&Value>, config: &Value, planned: &mut Object) {
        let empty = Object::new();
        let config = config.as_object().unwrap_or(&empty);
        self.body(body, prior.and_then(Value::as_object), config, planned);
    }

    /// Sets were rebuilt from the configuration, so what is null in a new element was not configured.
    fn new_set_element(&self, body: &Body, item: Value) -> Value {
        let Value::Object(mut object) = item else { return item };
        let configured = object.clone();
        self.body(body, None, &configured, &mut object);
        Value::Object(object)
    }
}
