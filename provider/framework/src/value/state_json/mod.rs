//! Stored state: JSON as Terraform keeps it in state files.
//!
//! Owns [`decode`]. State upgrade calls it, and any DynamicValue that comes as JSON. Invariants: numbers keep
//! every digit (they never pass through a float); attributes that the type does not have are dropped; missing
//! ones are null; kinds convert leniently as in Terraform's own reader. Input is not trusted: depth is limited.

mod parse;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use parse::{Json, JsonError};

use crate::path::{AttributePath, Step};
use crate::value::{Mismatch, Number, Object, Type, Value, nfc};

/// Why JSON is no value of the type.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Not JSON.
    #[error("stored state is not valid JSON")]
    Json(#[source] JsonError),
    /// JSON of another shape.
    #[error("stored state does not fit the schema")]
    Mismatch(#[source] Mismatch),
}

/// Reads JSON as a value of type `ty`.
///
/// # Errors
/// Fails on malformed JSON, and with the path of the first value that cannot be converted.
pub fn decode(json: &[u8], ty: &Type) -> Result<Value, StateError> {
    let json = Json::parse(json).map_err(StateError::Json)?;
    convert(json, ty).map_err(StateError::Mismatch)
}

fn mismatch(ty: &Type, json: &Json) -> Mismatch {
    Mismatch { path: AttributePath::root(), expected: ty.name().to_owned(), found: json.kind_name().to_owned() }
}

fn under(mut error: Mismatch, step: Step) -> Mismatch {
    error.path.prepend(step);
    error
}

fn convert(json: Json, ty: &Type) -> Result<Value, Mismatch> {
    let value = match (ty, json) {
        (_, Json::Null) => Value::Null,
        (Type::Bool, json) => bool(&json).map(Value::Bool).ok_or_else(|| mismatch(ty, &json))?,
        (Type::Number, json) => number(&json).map(Value::Number).ok_or_else(|| mismatch(ty, &json))?,
        (Type::String, Json::String(text) | Json::Number(text)) => Value::String(nfc(text)),
        (Type::String, Json::Bool(b)) => Value::String(b.to_string()),
        (Type::List(element), Json::Array(items)) => Value::List(elements(items, |_| element)?),
        (Type::Set(element), Json::Array(items)) => Value::set(elements(items, |_| element)?),
        (Type::Tuple(types), Json::Array(items)) if items.len() == types.len() => {
            Value::Tuple(elements(items, |index| &types[index])?)
        }
        (Type::Map(element), Json::Object(entries)) => {
            let entries = entries.into_iter().map(|(key, item)| match convert(item, element) {
                Ok(item) => Ok((nfc(key), item)),
                Err(e) => Err(under(e, Step::Key(key))),
            });
            Value::Map(entries.collect::<Result<_, _>>()?)
        }
        (Type::Object(object_type), Json::Object(entries)) => {
            let mut given: BTreeMap<String, Json> = entries.into_iter().collect();
            let mut object = Object::new();
            for (name, ty) in &object_type.attributes {
                let item = given.remove(name).unwrap_or(Json::Null);
                let item = convert(item, ty).map_err(|e| under(e, Step::Attribute(name.clone())))?;
                object.set(name.as_str(), item);
            }
            Value::Object(object)
        }
        (Type::Dynamic, Json::Object(entries)) => dynamic(entries)?,
        (ty, json) => return Err(mismatch(ty, &json)),
    };
    Ok(value)
}

fn bool(json: &Json) -> Option<bool> {
    match json {
        Json::Bool(b) => Some(*b),
        Json::String(text) | Json::Number(text) => match text.as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        },
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

fn number(json: &Json) -> Option<Number> {
    match json {
        Json::Number(text) | Json::String(text) => text.parse().ok(),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

fn elements<'t>(items: Vec<Json>, ty: impl Fn(usize) -> &'t Type) -> Result<Vec<Value>, Mismatch> {
    items
        .into_iter()
        .enumerate()
        .map(|(index, item)| convert(item, ty(index)).map_err(|e| under(e, Step::Index(index))))
        .collect()
}

/// `{"type": T, "value": V}`.
fn dynamic(entries: Vec<(String, Json)>) -> Result<Value, Mismatch> {
    let mut given: BTreeMap<String, Json> = entries.into_iter().collect();
    let (Some(ty), Some(value)) = (given.remove("type"), given.remove("value")) else {
        return Err(mismatch(&Type::Dynamic, &Json::Object(Vec::new())));
    };
    let ty = Type::from_json_value(&ty.to_serde()).map_err(|_| mismatch(&Type::Dynamic, &ty))?;
    let value = convert(value, &ty)?;
    Ok(Value::dynamic(ty, value))
}
