//! Conversions between [`Value`] and Rust types.
//!
//! Owns [`FromValue`] and the `From` impls. Resources call it through [`Object::read`] and [`Object::set`].
//! Invariant: an error names the path below the value that was read. Nothing converts silently: a fraction
//! does not become an integer, null does not become an empty string.

use std::collections::BTreeMap;

use super::{Number, Object, Value};
use crate::diagnostic::Diagnostic;
use crate::path::{AttributePath, Step};

/// Why a value cannot be read as the wanted Rust type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}`: expected {expected}, found {found}")]
pub struct ReadError {
    /// Where, below the object that was read.
    pub path: AttributePath,
    /// What was wanted, e.g. "a string".
    pub expected: &'static str,
    /// What was there, e.g. "null".
    pub found: &'static str,
}

impl ReadError {
    /// An error at the value itself.
    #[must_use]
    pub fn new(expected: &'static str, value: &Value) -> Self {
        Self { path: AttributePath::root(), expected, found: value.kind_name() }
    }

    /// The same error seen from one level above.
    #[must_use]
    pub fn under(mut self, step: Step) -> Self {
        self.path.prepend(step);
        self
    }
}

impl From<ReadError> for Diagnostic {
    fn from(error: ReadError) -> Self {
        Diagnostic::error("Unexpected value").detail(error.to_string()).at(error.path)
    }
}

/// A value that the plan may not know yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MaybeKnown<T> {
    /// Known now.
    Known(T),
    /// Known only after apply.
    Unknown,
}

impl<T> MaybeKnown<T> {
    /// The value if it is known.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown => None,
        }
    }
}

/// Types that can be read from a [`Value`].
pub trait FromValue: Sized {
    /// Reads `value`.
    ///
    /// # Errors
    /// Fails when the value is null, unknown or of another type, unless the type has room for that.
    fn from_value(value: &Value) -> Result<Self, ReadError>;
}

impl Value {
    /// What kind of value this is, in words.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Unknown(_) => "a value known only after apply",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Set(_) => "a set",
            Self::Tuple(_) => "a tuple",
            Self::Map(_) => "a map",
            Self::Object(_) => "an object",
            Self::Dynamic(_) => "a dynamic value",
        }
    }
}

impl FromValue for Value {
    fn from_value(value: &Value) -> Result<Self, ReadError> {
        Ok(value.clone())
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Result<Self, ReadError> {
        value.as_str().map(str::to_owned).ok_or_else(|| ReadError::new("a string", value))
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Result<Self, ReadError> {
        value.as_bool().ok_or_else(|| ReadError::new("a boolean", value))
    }
}

impl FromValue for Number {
    fn from_value(value: &Value) -> Result<Self, ReadError> {
        value.as_number().cloned().ok_or_else(|| ReadError::new("a number", value))
    }
}

impl FromValue for f64 {
    fn from_value(value: &Value) -> Result<Self, ReadError> {
        value.as_number().map(Number::to_f64).ok_or_else(|| ReadError::new("a number", value))
    }
}

macro_rules! integers {
    ($($int:ty => $expected:literal),+) => {$(
        impl FromValue for $int {
            fn from_value(value: &Value) -> Result<Self, ReadError> {
                value
                    .as_number()
                    .and_then(Number::as_i64)
                    .and_then(|n| <$int>::try_from(n).ok())
                    .ok_or_else(|| ReadError::new($expected, value))
            }
        }

        impl From<$int> for Value {
            fn from(int: $int) -> Self {
                Self::Number(Number::from(i64::from(int)))
            }
        }
    )+};
}

integers!(i64 => "a whole number", i32 => "a 32-bit whole number", u32 => "a whole number that is not negative",
    u16 => "a whole number from 0 to 65535");

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Result<Self, ReadError> {
        if value.is_null() { Ok(None) } else { T::from_value(value).map(Some) }
    }
}

impl<T: FromValue> FromValue for MaybeKnown<T> {
    fn from_value(value: &Value) -> Result<Self, ReadError> {
        if value.is_unknown() { Ok(Self::Unknown) } else { T::from_value(value).map(Self::Known) }
    }
}

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: &Value) -> Result<Self, ReadError> {
        let items = value.as_elements().ok_or_else(|| ReadError::new("a list or set", value))?;
        items.iter().enumerate().map(|(index, item)| T::from_value(item).map_err(|e| e.under(Step::Index(index)))).collect()
    }
}

impl<T: FromValue> FromValue for BTreeMap<String, T> {
    fn from_value(value: &Value) -> Result<Self, ReadError> {
        let entries = value.as_map().ok_or_else(|| ReadError::new("a map", value))?;
        entries
            .iter()
            .map(|(key, item)| match T::from_value(item) {
                Ok(item) => Ok((key.clone(), item)),
                Err(e) => Err(e.under(Step::Key(key.clone()))),
            })
            .collect()
    }
}

impl FromValue for Object {
    fn from_value(value: &Value) -> Result<Self, ReadError> {
        value.as_object().cloned().ok_or_else(|| ReadError::new("an object", value))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Number(Number::from(value))
    }
}

impl From<Number> for Value {
    fn from(value: Number) -> Self {
        Self::Number(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::string(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::string(value)
    }
}

impl From<Object> for Value {
    fn from(value: Object) -> Self {
        Self::Object(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A sequence becomes a list; where the schema says set or tuple it is turned into that when encoded.
impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<BTreeMap<String, T>> for Value {
    fn from(entries: BTreeMap<String, T>) -> Self {
        Self::Map(entries.into_iter().map(|(k, v)| (super::nfc(k), v.into())).collect())
    }
}
