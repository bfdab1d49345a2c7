//! Terraform's value system: what configuration, plans and states are made of.
//!
//! Owns [`Value`], [`Number`], [`Object`], [`Type`] and [`Refinements`]; the codecs live in [`msgpack`] and
//! [`state_json`]. Every other module calls it. Invariants: strings made by [`Value::string`] and by the
//! decoders are NFC; sets made by [`Value::set`] and by the decoders are sorted and free of equal known
//! elements. It knows nothing of schemas: flags such as "computed" are not a matter of a value.

mod convert;
mod display;
mod number;
mod object;
mod refinement;
mod ty;

pub mod msgpack;
pub mod state_json;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use convert::{FromValue, MaybeKnown, ReadError};
pub use number::{Number, NumberError};
pub use object::Object;
pub use refinement::{NumberBound, Refinements};
pub use ty::{Mismatch, ObjectType, Type, TypeError};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::path::{AttributePath, Step};

/// One value of any type, known or not.
///
/// A value does not carry its type except inside [`Value::Dynamic`]; the codecs take the type from the schema.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Absent.
    #[default]
    Null,
    /// Known only after apply; the refinements say what is certain about it.
    Unknown(Refinements),
    /// A boolean.
    Bool(bool),
    /// A number of any size.
    Number(Number),
    /// A string in Unicode normalisation form C.
    String(String),
    /// An ordered sequence of one element type.
    List(Vec<Value>),
    /// A sorted collection of one element type; build it with [`Value::set`].
    Set(Vec<Value>),
    /// A sequence with a type for each place.
    Tuple(Vec<Value>),
    /// String keys to one element type.
    Map(BTreeMap<String, Value>),
    /// Named attributes, each of its own type.
    Object(Object),
    /// A value whose type is carried beside it, for attributes of type dynamic.
    Dynamic(Box<Typed>),
}

/// A value together with its type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Typed {
    /// The concrete type of `value`.
    pub ty: Type,
    /// The value.
    pub value: Value,
}

impl Value {
    /// A value that is known only after apply, with nothing certain about it.
    #[must_use]
    pub fn unknown() -> Self {
        Self::Unknown(Refinements::default())
    }

    /// A string, brought into normalisation form C.
    #[must_use]
    pub fn string(text: impl Into<String>) -> Self {
        Self::String(nfc(text.into()))
    }

    /// A set: sorted, with wholly known duplicates dropped.
    ///
    /// Elements that hold unknowns are all kept, since two of them may become different values.
    #[must_use]
    pub fn set(elements: impl IntoIterator<Item = Value>) -> Self {
        let mut elements: Vec<Value> = elements.into_iter().collect();
        elements.sort();
        elements.dedup_by(|a, b| a == b && a.is_wholly_known());
        Self::Set(elements)
    }

    /// A dynamic value of type `ty`.
    #[must_use]
    pub fn dynamic(ty: Type, value: Value) -> Self {
        Self::Dynamic(Box::new(Typed { ty, value }))
    }

    /// Whether this is null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether this is itself unknown; parts of a known value may still be.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// Whether neither this nor anything in it is unknown.
    #[must_use]
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Self::Unknown(_) => false,
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => true,
            Self::List(items) | Self::Set(items) | Self::Tuple(items) => items.iter().all(Self::is_wholly_known),
            Self::Map(entries) => entries.values().all(Self::is_wholly_known),
            Self::Object(object) => object.values().all(Self::is_wholly_known),
            Self::Dynamic(typed) => typed.value.is_wholly_known(),
        }
    }

    /// The text of a known string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The value of a known boolean.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The value of a known number.
    #[must_use]
    pub fn as_number(&self) -> Option<&Number> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    /// The attributes of a known object.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// The attributes of a known object, taken out.
    #[must_use]
    pub fn into_object(self) -> Option<Object> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }

    /// The elements of a known list, set or tuple.
    #[must_use]
    pub fn as_elements(&self) -> Option<&[Value]> {
        if let Self::List(items) | Self::Set(items) | Self::Tuple(items) = self { Some(items) } else { None }
    }

    /// The entries of a known map.
    #[must_use]
    pub fn as_map(&self) -> Option<&BTreeMap<String, Value>> {
        if let Self::Map(entries) = self { Some(entries) } else { None }
    }

    /// The value at `path`; `None` when the path does not exist in this value.
    ///
    /// A path below a null or an unknown value does not exist.
    #[must_use]
    pub fn at(&self, path: &AttributePath) -> Option<&Value> {
        path.steps().iter().try_fold(self, |value, step| value.child(step))
    }

    fn child(&self, step: &Step) -> Option<&Value> {
        match (self, step) {
            (Self::Object(object), Step::Attribute(name) | Step::Key(name)) => object.value_if_present(name),
            (Self::Map(entries), Step::Key(key) | Step::Attribute(key)) => entries.get(key),
            (Self::List(items) | Self::Tuple(items), Step::Index(index)) => items.get(*index),
            (Self::Dynamic(typed), step) => typed.value.child(step),
            _ => None,
        }
    }

    /// A copy with every unknown in it replaced by null.
    #[must_use]
    pub fn with_unknown_as_null(&self) -> Self {
        match self {
            Self::Unknown(_) => Self::Null,
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => self.clone(),
            Self::List(items) => Self::List(items.iter().map(Self::with_unknown_as_null).collect()),
            Self::Set(items) => Self::set(items.iter().map(Self::with_unknown_as_null)),
            Self::Tuple(items) => Self::Tuple(items.iter().map(Self::with_unknown_as_null).collect()),
            Self::Map(entries) => Self::Map(entries.iter().map(|(k, v)| (k.clone(), v.with_unknown_as_null())).collect()),
            Self::Object(object) => Self::Object(object.iter().map(|(k, v)| (k, v.with_unknown_as_null())).collect()),
            Self::Dynamic(typed) => Self::dynamic(typed.ty.clone(), typed.value.with_unknown_as_null()),
        }
    }
}

/// Brings `text` into normalisation form C, at no cost when it is in that form already.
pub(crate) fn nfc(text: String) -> String {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => text,
        IsNormalized::No | IsNormalized::Maybe => text.nfc().collect(),
    }
}
