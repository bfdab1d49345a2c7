//! Defaults, at every depth.
//!
//! First step of planning. Invariant: a default is used exactly where the configuration holds null; sets are
//! rebuilt from the configured elements, since elements of a set cannot be matched by position.

use super::modifier::child;
use crate::path::Step;
use crate::schema::{Body, Kind};
use crate::value::{Object, Value};

/// Puts defaults into `planned`.
pub(super) fn apply(body: &Body, prior: Option<&Object>, config: &Object, planned: &mut Object) {
    for (name, attribute) in body.attributes() {
        let configured = config.value(name);
        if configured.is_null() {
            if let Some(default) = attribute.default_value() {
                let default = attribute.ty().conform(default.clone());
                planned.set(name, default.unwrap_or_default());
            }
        } else if let Kind::Nested(_, nested) = attribute.kind()
            && has_computed(nested)
        {
            let prior = prior.map(|prior| prior.value(name));
            elements(nested, prior, configured, planned.value_mut(name));
        }
    }
    for (name, block) in body.blocks() {
        if has_computed(block.body()) {
            let prior = prior.map(|prior| prior.value(name));
            elements(block.body(), prior, config.value(name), planned.value_mut(name));
        }
    }
}

fn has_computed(body: &Body) -> bool {
    body.attributes().values().any(|a| a.is_computed() || matches!(a.kind(), Kind::Nested(_, nested) if has_computed(nested)))
        || body.blocks().values().any(|b| has_computed(b.body()))
}

fn elements(body: &Body, prior: Option<&Value>, config: &Value, planned: &mut Value) {
    match planned {
        Value::Object(object) => element(body, prior, config, object),
        Value::List(items) | Value::Tuple(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                let step = Step::Index(index);
                if let Value::Object(object) = item {
                    element(body, prior.map(|p| child(p, &step)), child(config, &step), object);
                }
            }
        }
        Value::Map(entries) => {
            for (key, item) in entries {
                let step = Step::Key(key.clone());
                if let Value::Object(object) = item {
                    element(body, prior.map(|p| child(p, &step)), child(config, &step), object);
                }
            }
        }
        Value::Set(_) => {
            if let Value::Set(configured) = config {
                *planned = Value::set(configured.iter().map(|item| set_element(body, prior, item)));
            }
        }
        Value::Null | Value::Unknown(_) | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Dynamic(_) => {}
    }
}

fn element(body: &Body, prior: Option<&Value>, config: &Value, planned: &mut Object) {
    if let Some(config) = config.as_object() {
        apply(body, prior.and_then(Value::as_object), config, planned);
    }
}

/// One planned element of a set: the configured one with defaults, and with the computed values of the first
/// prior element that agrees in everything else.
pub(crate) fn set_element(body: &Body, prior: Option<&Value>, configured: &Value) -> Value {
    let Some(config) = configured.as_object() else { return configured.clone() };
    let mut planned = config.clone();
    apply(body, None, config, &mut planned);
    let candidates = prior.and_then(Value::as_elements).unwrap_or_default();
    let twin = candidates.iter().filter_map(Value::as_object).find(|candidate| {
        body.attributes().iter().all(|(name, attribute)| {
            let open = attribute.is_computed() && planned.value(name).is_null();
            open || candidate.value(name) == planned.value(name)
        })
    });
    Value::Object(twin.cloned().unwrap_or(planned))
}
