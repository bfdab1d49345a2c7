//! The proposed new state: configuration laid over prior state.
//!
//! Owns [`proposed_state`], which the harness sends with each plan. Invariant: configured values win; computed
//! values that are not configured come from the prior state, elements of sets being matched by their other values.

use crate::path::Step;
use crate::plan::element;
use crate::schema::{Attribute, Block, BlockNesting, Body, Kind};
use crate::value::{Object, Value};

/// What Terraform proposes for `config` given `prior`.
#[must_use]
pub fn proposed_state(body: &Body, prior: Option<&Object>, config: &Object) -> Object {
    let mut proposed = Object::new();
    for (name, attribute) in body.attributes() {
        let before = prior.map_or(&Value::Null, |prior| prior.value(name));
        proposed.set(name.as_str(), of_attribute(attribute, before, config.value(name)));
    }
    for (name, block) in body.blocks() {
        let before = prior.map_or(&Value::Null, |prior| prior.value(name));
        proposed.set(name.as_str(), of_block(block, before, config.value(name)));
    }
    proposed
}

fn of_attribute(attribute: &Attribute, prior: &Value, config: &Value) -> Value {
    if attribute.is_computed() && config.is_null() {
        return if attribute.is_optional() && was_configured(attribute, prior) { Value::Null } else { prior.clone() };
    }
    match attribute.kind() {
        Kind::Plain(_) => config.clone(),
        Kind::Nested(_, body) => of_elements(body, prior, config),
    }
}

/// Whether an optional and computed nested value must have come from a configuration: it holds something that
/// only a configuration can set.
fn was_configured(attribute: &Attribute, prior: &Value) -> bool {
    let Kind::Nested(_, body) = attribute.kind() else { return false };
    let elements = crate::schema::elements(prior);
    elements.iter().any(|(_, object)| body.attributes().iter().any(|(name, a)| !a.is_computed() && !object.value(name).is_null()))
}

fn of_block(block: &Block, prior: &Value, config: &Value) -> Value {
    match (block.nesting(), config) {
        (BlockNesting::Group, Value::Null) => Value::Object(proposed_state(block.body(), prior.as_object(), &Object::new())),
        _ => of_elements(block.body(), prior, config),
    }
}

fn of_elements(body: &Body, prior: &Value, config: &Value) -> Value {
    let one = |prior: &Value, config: &Value| {
        let proposed = config.as_object().map(|config| proposed_state(body, prior.as_object(), config));
        proposed.map_or_else(|| config.clone(), Value::Object)
    };
    match config {
        Value::Object(_) => one(prior, config),
        Value::List(items) => {
            Value::List(items.iter().enumerate().map(|(i, item)| one(element(prior, &Step::Index(i)), item)).collect())
        }
        Value::Tuple(items) => {
            Value::Tuple(items.iter().enumerate().map(|(i, item)| one(element(prior, &Step::Index(i)), item)).collect())
        }
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, item)| (key.clone(), one(element(prior, &Step::Key(key.clone())), item)));
            Value::Map(entries.collect())
        }
        Value::Set(items) => {
            let mut left: Vec<&Value> = prior.as_elements().unwrap_or_default().iter().collect();
            Value::set(items.iter().map(|item| {
                let twin = left.iter().position(|prior| corresponds(body, prior, item));
                twin.map_or_else(|| one(&Value::Null, item), |at| one(left.swap_remove(at), item))
            }))
        }
        Value::Null | Value::Unknown(_) | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Dynamic(_) => {
            config.clone()
        }
    }
}

/// Whether `prior` may be the element that `config` describes: equal in all that is not computed or is configured.
fn corresponds(body: &Body, prior: &Value, config: &Value) -> bool {
    let (Some(prior), Some(config)) = (prior.as_object(), config.as_object()) else { return false };
    body.attributes().iter().all(|(name, attribute)| {
        (attribute.is_computed() && config.value(name).is_null()) || prior.value(name) == config.value(name)
    })
}
