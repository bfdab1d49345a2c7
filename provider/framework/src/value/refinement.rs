//! What is already certain about an unknown value.
//!
//! Owns [`Refinements`]. Planning code narrows with it, the msgpack codec carries it, the consistency check
//! holds the final value against it. Invariant: "nothing is certain" is always the empty value, so an
//! unrefined unknown equals any other. It is never used on values of type dynamic.

use super::{Number, Value};

/// One end of the range of a number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NumberBound {
    /// The limit.
    pub value: Number,
    /// Whether the limit itself is allowed.
    pub inclusive: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Facts {
    not_null: bool,
    string_prefix: Option<String>,
    number_min: Option<NumberBound>,
    number_max: Option<NumberBound>,
    length_min: Option<u64>,
    length_max: Option<u64>,
}

/// Facts about an unknown value, such as "not null" or "starts with `projects/`".
///
/// A plan that states a fact must keep it at apply.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refinements(Option<Box<Facts>>);

impl Refinements {
    /// No facts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn with(mut self, edit: impl FnOnce(&mut Facts)) -> Self {
        edit(self.0.get_or_insert_default());
        self
    }

    /// The value will not be null.
    #[must_use]
    pub fn not_null(self) -> Self {
        self.with(|f| f.not_null = true)
    }

    /// The string will start with `prefix`; this also means that it is not null.
    #[must_use]
    pub fn string_prefix(self, prefix: impl Into<String>) -> Self {
        let prefix = super::nfc(prefix.into());
        self.with(|f| {
            f.not_null = true;
            f.string_prefix = (!prefix.is_empty()).then_some(prefix);
        })
    }

    /// The number will not be below `bound`.
    #[must_use]
    pub fn number_min(self, bound: NumberBound) -> Self {
        self.with(|f| f.number_min = Some(bound))
    }

    /// The number will not be above `bound`.
    #[must_use]
    pub fn number_max(self, bound: NumberBound) -> Self {
        self.with(|f| f.number_max = Some(bound))
    }

    /// The collection will have at least `length` elements.
    #[must_use]
    pub fn length_min(self, length: u64) -> Self {
        self.with(|f| f.length_min = Some(length))
    }

    /// The collection will have at most `length` elements.
    #[must_use]
    pub fn length_max(self, length: u64) -> Self {
        self.with(|f| f.length_max = Some(length))
    }

    /// Whether nothing is certain.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether the value is certain not to be null.
    #[must_use]
    pub fn is_not_null(&self) -> bool {
        self.0.as_ref().is_some_and(|f| f.not_null)
    }

    /// The certain start of a string.
    #[must_use]
    pub fn prefix(&self) -> Option<&str> {
        self.0.as_ref().and_then(|f| f.string_prefix.as_deref())
    }

    /// The lower and upper limit of a number.
    #[must_use]
    pub fn number_bounds(&self) -> (Option<&NumberBound>, Option<&NumberBound>) {
        self.0.as_ref().map_or((None, None), |f| (f.number_min.as_ref(), f.number_max.as_ref()))
    }

    /// The lower and upper limit of a collection's length.
    #[must_use]
    pub fn length_bounds(&self) -> (Option<u64>, Option<u64>) {
        self.0.as_ref().map_or((None, None), |f| (f.length_min, f.length_max))
    }

    /// Whether `value` keeps every stated fact. An unknown value keeps none that it does not state itself.
    #[must_use]
    pub fn allow(&self, value: &Value) -> bool {
        let Some(facts) = &self.0 else { return true };
        match value {
            Value::Null => !facts.not_null,
            Value::Unknown(other) => other == self,
            Value::String(text) => facts.string_prefix.as_ref().is_none_or(|p| text.starts_with(p)),
            Value::Number(number) => facts.allow_number(number),
            Value::List(items) | Value::Set(items) | Value::Tuple(items) => facts.allow_length(items.len()),
            Value::Map(entries) => facts.allow_length(entries.len()),
            Value::Bool(_) | Value::Object(_) | Value::Dynamic(_) => true,
        }
    }
}

impl Facts {
    fn allow_number(&self, number: &Number) -> bool {
        let above = self.number_min.as_ref().is_none_or(|b| *number > b.value || (b.inclusive && *number == b.value));
        let below = self.number_max.as_ref().is_none_or(|b| *number < b.value || (b.inclusive && *number == b.value));
        above && below
    }

    fn allow_length(&self, length: usize) -> bool {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        self.length_min.is_none_or(|min| length >= min) && self.length_max.is_none_or(|max| length <= max)
    }
}
