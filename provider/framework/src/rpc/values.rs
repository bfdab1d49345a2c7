//! Values and paths on the wire.
//!
//! Called by every call that carries a value. Invariants: an empty value is null (OpenTofu sends that); answers
//! are always MessagePack.

use std::error::Error;

use tfplugin_proto::tfplugin6::{self as wire, attribute_path::step::Selector};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::path::{AttributePath, Step};
use crate::value::{Type, Value, msgpack, state_json};

pub(crate) fn decode_value(value: Option<&wire::DynamicValue>, ty: &Type) -> Result<Value, Diagnostics> {
    let Some(value) = value else { return Ok(Value::Null) };
    if !value.msgpack.is_empty() {
        msgpack::decode(&value.msgpack, ty).map_err(|e| malformed(&e))
    } else if !value.json.is_empty() {
        state_json::decode(&value.json, ty).map_err(|e| malformed(&e))
    } else {
        Ok(Value::Null)
    }
}

pub(crate) fn malformed(error: &dyn Error) -> Diagnostics {
    Diagnostic::error("Value does not fit the schema").detail(format!("{}.", chain(error))).into()
}

pub(crate) fn encode_value(value: Value, ty: &Type) -> Result<wire::DynamicValue, Diagnostics> {
    match msgpack::encode(value, ty) {
        Ok(msgpack) => Ok(wire::DynamicValue { msgpack: msgpack.into(), json: Vec::new().into() }),
        Err(error) => {
            let detail = format!("The provider made a value that does not fit its schema: {}.", error.0);
            Err(Diagnostic::error("Provider bug").detail(detail).at(error.0.path).into())
        }
    }
}

/// An error with its causes, on one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

pub(super) fn encode_path(path: &AttributePath) -> wire::AttributePath {
    let steps = path.steps().iter().map(|step| {
        let selector = match step {
            Step::Attribute(name) => Selector::AttributeName(name.clone()),
            Step::Key(key) => Selector::ElementKeyString(key.clone()),
            Step::Index(index) => Selector::ElementKeyInt(i64::try_from(*index).unwrap_or(i64::MAX)),
        };
        wire::attribute_path::Step { selector: Some(selector) }
    });
    wire::AttributePath { steps: steps.collect() }
}

pub(crate) fn decode_path(path: &wire::AttributePath) -> AttributePath {
    path.steps.iter().filter_map(|step| step.selector.as_ref()).fold(AttributePath::root(), |path, selector| match selector {
        Selector::AttributeName(name) => path.attribute(name.as_str()),
        Selector::ElementKeyString(key) => path.key(key.as_str()),
        Selector::ElementKeyInt(index) => path.index(usize::try_from(*index).unwrap_or(usize::MAX)),
    })
}
