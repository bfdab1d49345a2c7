//! Type constraints and their JSON form.
//!
//! Owns [`Type`]. Schemas declare with it, the codecs decode by it. Invariant: [`Type::conform`] gives a value
//! that the msgpack encoder accepts for that type. It does not convert between kinds (a string that looks like
//! a number stays a string); only the JSON state decoder is that lenient.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::{Object, Value};
use crate::path::{AttributePath, Step};

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// true or false.
    Bool,
    /// A number of any size.
    Number,
    /// Text.
    String,
    /// Any type, carried beside the value.
    Dynamic,
    /// An ordered sequence.
    List(Box<Type>),
    /// A collection without order and duplicates.
    Set(Box<Type>),
    /// String keys to values.
    Map(Box<Type>),
    /// A sequence with a type for each place.
    Tuple(Vec<Type>),
    /// Named attributes.
    Object(ObjectType),
}

/// The attributes of an object type.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectType {
    /// Names and types.
    pub attributes: BTreeMap<String, Type>,
    /// Which of them a configuration may leave out.
    pub optional: BTreeSet<String>,
}

/// A value does not fit its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}`: expected {expected}, found {found}")]
pub struct Mismatch {
    /// Where.
    pub path: AttributePath,
    /// The type's name.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// A JSON type constraint cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TypeError {
    /// Not JSON.
    #[error("a type constraint is not valid JSON")]
    Json(#[source] serde_json::Error),
    /// JSON, but no type.
    #[error("`{0}` is not a type constraint")]
    Unknown(String),
}

impl Type {
    /// A list of `element`.
    #[must_use]
    pub fn list(element: Type) -> Self {
        Self::List(Box::new(element))
    }

    /// A set of `element`.
    #[must_use]
    pub fn set(element: Type) -> Self {
        Self::Set(Box::new(element))
    }

    /// A map of `element`.
    #[must_use]
    pub fn map(element: Type) -> Self {
        Self::Map(Box::new(element))
    }

    /// An object of these attributes, none of them optional.
    #[must_use]
    pub fn object<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Type)>) -> Self {
        Self::Object(ObjectType {
            attributes: attributes.into_iter().map(|(name, ty)| (name.into(), ty)).collect(),
            optional: BTreeSet::new(),
        })
    }

    /// Whether a dynamic part is in it.
    #[must_use]
    pub fn has_dynamic(&self) -> bool {
        match self {
            Self::Dynamic => true,
            Self::Bool | Self::Number | Self::String => false,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.has_dynamic(),
            Self::Tuple(elements) => elements.iter().any(Self::has_dynamic),
            Self::Object(object) => object.attributes.values().any(Self::has_dynamic),
        }
    }

    /// The JSON form used on the wire.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        self.json().to_string().into_bytes()
    }

    fn json(&self) -> Json {
        match self {
            Self::Bool => json!("bool"),
            Self::Number => json!("number"),
            Self::String => json!("string"),
            Self::Dynamic => json!("dynamic"),
            Self::List(element) => json!(["list", element.json()]),
            Self::Set(element) => json!(["set", element.json()]),
            Self::Map(element) => json!(["map", element.json()]),
            Self::Tuple(elements) => json!(["tuple", elements.iter().map(Self::json).collect::<Vec<_>>()]),
            Self::Object(object) => {
                let attributes: serde_json::Map<String, Json> =
                    object.attributes.iter().map(|(name, ty)| (name.clone(), ty.json())).collect();
                if object.optional.is_empty() {
                    json!(["object", attributes])
                } else {
                    json!(["object", attributes, object.optional])
                }
            }
        }
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// Fails on malformed JSON and on JSON that names no type.
    pub fn from_json(bytes: &[u8]) -> Result<Self, TypeError> {
        let json: Json = serde_json::from_slice(bytes).map_err(TypeError::Json)?;
        Self::from_json_value(&json)
    }

    pub(crate) fn from_json_value(json: &Json) -> Result<Self, TypeError> {
        let unknown = || TypeError::Unknown(json.to_string());
        if let Some(name) = json.as_str() {
            return match name {
                "bool" => Ok(Self::Bool),
                "number" => Ok(Self::Number),
                "string" => Ok(Self::String),
                "dynamic" => Ok(Self::Dynamic),
                _ => Err(unknown()),
            };
        }
        let parts = json.as_array().ok_or_else(unknown)?;
        let (Some(kind), Some(argument)) = (parts.first().and_then(Json::as_str), parts.get(1)) else {
            return Err(unknown());
        };
        match kind {
            "list" => Ok(Self::list(Self::from_json_value(argument)?)),
            "set" => Ok(Self::set(Self::from_json_value(argument)?)),
            "map" => Ok(Self::map(Self::from_json_value(argument)?)),
            "tuple" => {
                let elements = argument.as_array().ok_or_else(unknown)?;
                Ok(Self::Tuple(elements.iter().map(Self::from_json_value).collect::<Result<_, _>>()?))
            }
            "object" => {
                let attributes = argument.as_object().ok_or_else(unknown)?;
                let attributes = attributes
                    .iter()
                    .map(|(name, ty)| Ok((name.clone(), Self::from_json_value(ty)?)))
                    .collect::<Result<_, TypeError>>()?;
                let optional = match parts.get(2) {
                    None => BTreeSet::new(),
                    Some(names) => {
                        let names = names.as_array().ok_or_else(unknown)?;
                        names.iter().map(|name| name.as_str().map(str::to_owned).ok_or_else(unknown)).collect::<Result<_, _>>()?
                    }
                };
                Ok(Self::Object(ObjectType { attributes, optional }))
            }
            _ => Err(unknown()),
        }
    }

    /// Brings `value` into the exact shape of this type.
    ///
    /// Adds null for missing object attributes, turns lists into sets or tuples and maps into objects (and back)
    /// where this type asks for it, and brings its type to a plain value where this type is dynamic.
    ///
    /// # Errors
    /// Fails with the path of the first value of another kind, or of an attribute that the type does not have.
    pub fn conform(&self, value: Value) -> Result<Value, Mismatch> {
        let value = match (self, value) {
            (_, Value::Null) => Value::Null,
            (_, Value::Unknown(refinements)) => Value::Unknown(refinements),
            (Self::Bool, Value::Bool(b)) => Value::Bool(b),
            (Self::Number, Value::Number(n)) => Value::Number(n),
            (Self::String, Value::String(s)) => Value::String(s),
            (Self::Dynamic, Value::Dynamic(mut typed)) => {
                typed.value = typed.ty.conform(typed.value)?;
                Value::Dynamic(typed)
            }
            (Self::Dynamic, Value::Bool(b)) => Value::dynamic(Self::Bool, Value::Bool(b)),
            (Self::Dynamic, Value::Number(n)) => Value::dynamic(Self::Number, Value::Number(n)),
            (Self::Dynamic, Value::String(s)) => Value::dynamic(Self::String, Value::String(s)),
            (Self::List(ty), Value::List(items) | Value::Set(items) | Value::Tuple(items)) => {
                Value::List(conform_items(items, |_| ty)?)
            }
            (Self::Set(ty), Value::List(items) | Value::Set(items) | Value::Tuple(items)) => {
                Value::set(conform_items(items, |_| ty)?)
            }
            (Self::Tuple(types), Value::List(items) | Value::Tuple(items)) if types.len() == items.len() => {
                Value::Tuple(conform_items(items, |index| &types[index])?)
            }
            (Self::Map(ty), Value::Map(entries)) => conform_map(ty, entries)?,
            (Self::Map(ty), Value::Object(object)) => conform_map(ty, object)?,
            (Self::Object(ty), Value::Object(object)) => ty.conform(object)?,
            (Self::Object(ty), Value::Map(entries)) => ty.conform(entries)?,
            (expected, other) => {
                return Err(Mismatch {
                    path: AttributePath::root(),
                    expected: expected.name().to_owned(),
                    found: other.kind_name().to_owned(),
                });
            }
        };
        Ok(value)
    }

    /// The type's name in messages, with its article.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Dynamic => "a dynamic value",
            Self::List(_) => "a list",
            Self::Set(_) => "a set",
            Self::Map(_) => "a map",
            Self::Tuple(_) => "a tuple of fixed length",
            Self::Object(_) => "an object",
        }
    }
}

fn conform_items<'t>(items: Vec<Value>, ty: impl Fn(usize) -> &'t Type) -> Result<Vec<Value>, Mismatch> {
    items.into_iter().enumerate().map(|(index, item)| ty(index).conform(item).map_err(|e| e.under(Step::Index(index)))).collect()
}

fn conform_map(ty: &Type, entries: impl IntoIterator<Item = (String, Value)>) -> Result<Value, Mismatch> {
    let entries = entries.into_iter().map(|(key, item)| match ty.conform(item) {
        Ok(item) => Ok((key, item)),
        Err(e) => Err(e.under(Step::Key(key))),
    });
    Ok(Value::Map(entries.collect::<Result<_, _>>()?))
}

impl ObjectType {
    fn conform(&self, entries: impl IntoIterator<Item = (String, Value)>) -> Result<Value, Mismatch> {
        let mut given: BTreeMap<String, Value> = entries.into_iter().collect();
        let mut object = Object::new();
        for (name, ty) in &self.attributes {
            let value = given.remove(name).unwrap_or_default();
            let value = ty.conform(value).map_err(|e| e.under(Step::Attribute(name.clone())))?;
            object.set(name.clone(), value);
        }
        if let Some((name, value)) = given.pop_first() {
            return Err(Mismatch {
                path: AttributePath::root().attribute(name),
                expected: "no such attribute".to_owned(),
                found: value.kind_name().to_owned(),
            });
        }
        Ok(Value::Object(object))
    }
}

impl Mismatch {
    fn under(mut self, step: Step) -> Self {
        self.path.prepend(step);
        self
    }
}
