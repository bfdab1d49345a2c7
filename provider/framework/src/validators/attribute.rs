//! Ready-made validators.
//!
//! Owns one small type per rule and a function that makes it. Schemas call the functions. Invariant: values of
//! another kind than the rule is for pass, since the type is checked elsewhere; unknown elements pass.

use std::fmt;
use std::ops::RangeInclusive;

use super::{Problem, Validator};
use crate::path::Step;
use crate::value::{Number, Value};

/// See [`integer`].
#[derive(Debug)]
pub struct Integer;

/// The number is whole.
#[must_use]
pub fn integer() -> Integer {
    Integer
}

impl Validator for Integer {
    fn check(&self, value: &Value) -> Vec<Problem> {
        let fine = value.as_number().is_none_or(Number::is_integer);
        problem_unless(fine, "must be a whole number", value)
    }

    fn description(&self) -> String {
        "a whole number".to_owned()
    }
}

/// See [`integer_between`].
#[derive(Debug)]
pub struct Between(RangeInclusive<i64>);

/// The number is whole and within the range.
#[must_use]
pub fn integer_between(range: RangeInclusive<i64>) -> Between {
    Between(range)
}

impl Validator for Between {
    fn check(&self, value: &Value) -> Vec<Problem> {
        let fine = value.as_number().is_none_or(|n| n.as_i64().is_some_and(|n| self.0.contains(&n)));
        problem_unless(fine, &format!("must be {}", self.description()), value)
    }

    fn description(&self) -> String {
        format!("a whole number from {} to {}", self.0.start(), self.0.end())
    }
}

/// See [`length`].
#[derive(Debug)]
pub struct Length(RangeInclusive<usize>);

/// The string has this many characters.
#[must_use]
pub fn length(range: RangeInclusive<usize>) -> Length {
    Length(range)
}

impl Validator for Length {
    fn check(&self, value: &Value) -> Vec<Problem> {
        let fine = value.as_str().is_none_or(|text| self.0.contains(&text.chars().count()));
        problem_unless(fine, &format!("must have {}", self.description()), value)
    }

    fn description(&self) -> String {
        format!("{} to {} characters", self.0.start(), self.0.end())
    }
}

/// See [`size`].
#[derive(Debug)]
pub struct Size(RangeInclusive<usize>);

/// The list, set or map has this many elements.
#[must_use]
pub fn size(range: RangeInclusive<usize>) -> Size {
    Size(range)
}

impl Validator for Size {
    fn check(&self, value: &Value) -> Vec<Problem> {
        let count = value.as_elements().map(<[Value]>::len).or_else(|| value.as_map().map(|m| m.len()));
        let fine = count.is_none_or(|count| self.0.contains(&count));
        problem_unless(fine, &format!("must have {}", self.description()), value)
    }

    fn description(&self) -> String {
        format!("{} to {} elements", self.0.start(), self.0.end())
    }
}

/// See [`one_of`].
#[derive(Debug)]
pub struct OneOf(Vec<String>);

/// The string is one of these.
#[must_use]
pub fn one_of<S: Into<String>>(choices: impl IntoIterator<Item = S>) -> OneOf {
    OneOf(choices.into_iter().map(Into::into).collect())
}

impl Validator for OneOf {
    fn check(&self, value: &Value) -> Vec<Problem> {
        let fine = value.as_str().is_none_or(|text| self.0.iter().any(|choice| choice == text));
        problem_unless(fine, &format!("must be {}", self.description()), value)
    }

    fn description(&self) -> String {
        let quoted: Vec<String> = self.0.iter().map(|choice| format!("{choice:?}")).collect();
        format!("one of {}", quoted.join(", "))
    }
}

/// See [`pattern`].
pub struct Pattern<F> {
    words: &'static str,
    matches: F,
}

impl<F> fmt::Debug for Pattern<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.words).finish()
    }
}

/// The string satisfies `matches`; `words` completes "must be …": "lower-case letters, digits and hyphens".
#[must_use]
pub fn pattern<F: Fn(&str) -> bool + Send + Sync>(words: &'static str, matches: F) -> Pattern<F> {
    Pattern { words, matches }
}

impl<F: Fn(&str) -> bool + Send + Sync> Validator for Pattern<F> {
    fn check(&self, value: &Value) -> Vec<Problem> {
        let fine = value.as_str().is_none_or(&self.matches);
        problem_unless(fine, &format!("must be {}", self.words), value)
    }

    fn description(&self) -> String {
        self.words.to_owned()
    }
}

/// See [`each`].
#[derive(Debug)]
pub struct Each<V>(V);

/// Every element of the list, set or map satisfies `validator`.
#[must_use]
pub fn each<V: Validator>(validator: V) -> Each<V> {
    Each(validator)
}

impl<V: Validator> Validator for Each<V> {
    fn check(&self, value: &Value) -> Vec<Problem> {
        let judged: Vec<(Option<Step>, &Value)> = match value {
            Value::Map(entries) => entries.iter().map(|(k, v)| (Some(Step::Key(k.clone())), v)).collect(),
            Value::List(items) | Value::Tuple(items) => {
                items.iter().enumerate().map(|(i, v)| (Some(Step::Index(i)), v)).collect()
            }
            Value::Set(items) => items.iter().map(|v| (None, v)).collect(),
            Value::Null
            | Value::Unknown(_)
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_)
            | Value::Dynamic(_) => Vec::new(),
        };
        let mut problems = Vec::new();
        for (step, element) in judged {
            if element.is_null() || element.is_unknown() {
                continue;
            }
            for mut problem in self.0.check(element) {
                if let Some(step) = step.clone() {
                    problem.below.prepend(step);
                }
                problems.push(problem);
            }
        }
        problems
    }

    fn description(&self) -> String {
        format!("each element: {}", self.0.description())
    }
}

/// See [`keys`].
#[derive(Debug)]
pub struct Keys<V>(V);

/// Every key of the map, taken as a string, satisfies `validator`.
#[must_use]
pub fn keys<V: Validator>(validator: V) -> Keys<V> {
    Keys(validator)
}

impl<V: Validator> Validator for Keys<V> {
    fn check(&self, value: &Value) -> Vec<Problem> {
        let keys = value.as_map().into_iter().flat_map(|entries| entries.keys());
        keys.flat_map(|key| self.0.check(&Value::string(key.as_str())))
            .map(|problem| Problem { rule: format!("has a key that {}", problem.rule), ..problem })
            .collect()
    }

    fn description(&self) -> String {
        format!("each key: {}", self.0.description())
    }
}

fn problem_unless(fine: bool, rule: &str, value: &Value) -> Vec<Problem> {
    if fine { Vec::new() } else { vec![Problem::new(rule, value)] }
}
