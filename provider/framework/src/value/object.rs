//! Objects: named attributes with typed access.
//!
//! Owns [`Object`], the form in which resources see configuration, plans and states. Invariant: a missing
//! attribute reads as null, so partly filled objects are fine until they are encoded, where the schema adds
//! the missing nulls. Reading reports the attribute's name with the failure.

use std::collections::BTreeMap;
use std::collections::btree_map;

use super::{FromValue, ReadError, Value};
use crate::path::Step;

static NULL: Value = Value::Null;

/// Attribute names to values, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object(BTreeMap<String, Value>);

impl Object {
    /// An object without attributes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The raw value of an attribute; null when it is not there.
    #[must_use]
    pub fn value(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&NULL)
    }

    pub(crate) fn value_if_present(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The raw value of an attribute for change in place, added as null when it is not there.
    pub fn value_mut(&mut self, name: &str) -> &mut Value {
        self.0.entry(name.to_owned()).or_default()
    }

    /// An attribute as a Rust type; `Option<T>` takes null, [`MaybeKnown<T>`](super::MaybeKnown) takes unknown.
    ///
    /// # Errors
    /// Fails with the attribute's path when the value is null, unknown or of another type.
    pub fn read<T: FromValue>(&self, name: &str) -> Result<T, ReadError> {
        T::from_value(self.value(name)).map_err(|e| e.under(Step::Attribute(name.to_owned())))
    }

    /// Sets an attribute.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) -> &mut Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// The same object with an attribute set; for building one in an expression.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets an attribute only where its value is unknown now; at apply this fills what the plan left open.
    pub fn set_if_unknown(&mut self, name: &str, value: impl Into<Value>) -> &mut Self {
        if self.value(name).is_unknown() {
            self.set(name, value);
        }
        self
    }

    /// Removes an attribute and gives its value.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Names and values in order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Values in order of names.
    pub fn values(&self) -> btree_map::Values<'_, String, Value> {
        self.0.values()
    }

    /// How many attributes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no attributes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Object {
    type Item = (String, Value);
    type IntoIter = btree_map::IntoIter<String, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}

impl<K: Into<String>, V: Into<Value>, const N: usize> From<[(K, V); N]> for Object {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}
