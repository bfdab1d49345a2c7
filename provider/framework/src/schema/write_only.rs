//! Write-only values: finding them, and taking them out.
//!
//! Called by planning, the servers of read, apply and upgrade, and the consistency check. Invariant: after
//! [`without_write_only`], [`find_write_only`] finds nothing.

use super::{Attribute, Body, Kind};
use crate::path::{AttributePath, Step};
use crate::value::{Object, Value};

/// Paths of write-only attributes that are not null in `object`.
pub(crate) fn find_write_only(body: &Body, object: &Object) -> Vec<AttributePath> {
    let mut found = Vec::new();
    visit(body, object, &AttributePath::root(), &mut found);
    found
}

fn visit(body: &Body, object: &Object, path: &AttributePath, found: &mut Vec<AttributePath>) {
    for (name, attribute) in body.attributes() {
        let value = object.value(name);
        if value.is_null() {
            continue;
        }
        if attribute.is_write_only() {
            found.push(path.clone().attribute(name));
        } else if let Kind::Nested(_, nested) = attribute.kind()
            && holds_write_only(nested)
        {
            visit_elements(nested, value, &path.clone().attribute(name), found);
        }
    }
    for (name, block) in body.blocks() {
        if holds_write_only(block.body()) {
            visit_elements(block.body(), object.value(name), &path.clone().attribute(name), found);
        }
    }
}

fn visit_elements(body: &Body, value: &Value, path: &AttributePath, found: &mut Vec<AttributePath>) {
    for (step, element) in elements(value) {
        let path = match step {
            None => path.clone(),
            Some(Step::Key(key)) => path.clone().key(key),
            Some(Step::Index(index)) => path.clone().index(index),
            Some(Step::Attribute(name)) => path.clone().attribute(name),
        };
        visit(body, element, &path, found);
    }
}

/// The objects of a nested value with the step that leads to each; an object itself needs no step.
pub(crate) fn elements(value: &Value) -> Vec<(Option<Step>, &Object)> {
    match value {
        Value::Object(object) => vec![(None, object)],
        Value::List(items) | Value::Set(items) | Value::Tuple(items) => {
            items.iter().enumerate().filter_map(|(i, item)| Some((Some(Step::Index(i)), item.as_object()?))).collect()
        }
        Value::Map(entries) => {
            entries.iter().filter_map(|(key, item)| Some((Some(Step::Key(key.clone())), item.as_object()?))).collect()
        }
        Value::Dynamic(typed) => elements(&typed.value),
        Value::Null | Value::Unknown(_) | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

fn holds_write_only(body: &Body) -> bool {
    body.attributes()
        .values()
        .any(|a: &Attribute| a.is_write_only() || matches!(a.kind(), Kind::Nested(_, nested) if holds_write_only(nested)))
        || body.blocks().values().any(|b| holds_write_only(b.body()))
}

/// `object` with null for every write-only attribute.
pub(crate) fn without_write_only(body: &Body, mut object: Object) -> Object {
    if !holds_write_only(body) {
        return object;
    }
    for (name, attribute) in body.attributes() {
        if attribute.is_write_only() {
            object.set(name, Value::Null);
        } else if let Kind::Nested(_, nested) = attribute.kind() {
            strip_elements(nested, object.value_mut(name));
        }
    }
    for (name, block) in body.blocks() {
        strip_elements(block.body(), object.value_mut(name));
    }
    object
}

fn strip_elements(body: &Body, value: &mut Value) {
    let strip = |item: &mut Value| {
        if let Value::Object(object) = item {
            *object = without_write_only(body, std::mem::take(object));
        }
    };
    match value {
        Value::Object(_) => strip(value),
        Value::List(items) | Value::Set(items) | Value::Tuple(items) => items.iter_mut().for_each(strip),
        Value::Map(entries) => entries.values_mut().for_each(strip),
        Value::Dynamic(typed) => strip_elements(body, &mut typed.value),
        Value::Null | Value::Unknown(_) | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
