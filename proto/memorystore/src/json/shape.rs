//! Compares a JSON tree with a message's descriptor before the message is built, because the reader stops at
//! its first problem and does not say where it was. Invariant: a tree without problems here can be read.
//! Well-known types are compared with the text form they have in JSON.

use std::str::FromStr;

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value};

use super::{
    TYPE_KEY,
    error::{FieldProblem, FieldProblemKind},
    suggestion::closest,
};

/// Enough to mend a request in one go; a text of nothing but nonsense does not get an answer of its size.
const PROBLEMS_MAX: usize = 20;

/// Longer strings are cut when a problem quotes them.
const QUOTED_CHARS_MAX: usize = 60;

/// All places, up to a limit, where the tree does not fit the message.
pub(super) fn problems(descriptor: &MessageDescriptor, value: &Value) -> Vec<FieldProblem> {
    let mut walk = Walk { path: String::new(), problems: Vec::new() };
    walk.message(descriptor, value);
    walk.problems
}

struct Walk {
    /// Of the value at hand; see [`FieldProblem::path`].
    path: String,
    problems: Vec<FieldProblem>,
}

impl Walk {
    fn report(&mut self, kind: FieldProblemKind) {
        if self.problems.len() < PROBLEMS_MAX {
            let path = self.path.clone();
            self.problems.push(FieldProblem { path, kind });
        }
    }

    fn expected(&mut self, expected: impl Into<String>, value: &Value) {
        self.report(FieldProblemKind::WrongValue { expected: expected.into(), found: found(value) });
    }

    fn in_key(&mut self, key: &str, visit: impl FnOnce(&mut Walk)) {
        let dot = if self.path.is_empty() { "" } else { "." };
        self.within(&format!("{dot}{key}"), visit);
    }

    fn in_map_key(&mut self, key: &str, visit: impl FnOnce(&mut Walk)) {
        self.within(&format!("[{key:?}]"), visit);
    }

    fn in_item(&mut self, index: usize, visit: impl FnOnce(&mut Walk)) {
        self.within(&format!("[{index}]"), visit);
    }

    fn within(&mut self, step: &str, visit: impl FnOnce(&mut Walk)) {
        let length = self.path.len();
        self.path.push_str(step);
        visit(self);
        self.path.truncate(length);
    }

    fn message(&mut self, descriptor: &MessageDescriptor, value: &Value) {
        if let Some(expected) = text_form(descriptor, value) {
            if let Err(expected) = expected {
                self.expected(expected, value);
            }
            return;
        }
        let Value::Object(object) = value else {
            self.expected("an object", value);
            return;
        };
        if descriptor.full_name() == "google.protobuf.Any" {
            self.any(descriptor, object);
            return;
        }
        self.fields(descriptor, object.iter());
    }

    fn fields<'a>(&mut self, descriptor: &MessageDescriptor, entries: impl Iterator<Item = (&'a String, &'a Value)>) {
        let mut seen: Vec<(FieldDescriptor, &str)> = Vec::new();
        for (key, value) in entries {
            let Some(field) = field_of(descriptor, key) else {
                let names: Vec<String> = descriptor.fields().map(|field| field.json_name().to_owned()).collect();
                let suggestion = closest(key, names.iter().map(String::as_str)).map(str::to_owned);
                self.in_key(key, |walk| {
                    walk.report(FieldProblemKind::UnknownName { suggestion });
                });
                continue;
            };
            if value.is_null() {
                continue;
            }
            if let Some(kind) = conflict(&seen, &field) {
                self.in_key(key, |walk| walk.report(kind));
            }
            self.in_key(key, |walk| walk.field(&field, value));
            seen.push((field, key));
        }
    }

    /// The type named by an `Any` decides what else it may hold.
    fn any(&mut self, any: &MessageDescriptor, object: &Map<String, Value>) {
        let Some(url) = object.get(TYPE_KEY) else {
            self.expected("an object with a type URL in \"@type\"", &Value::Object(object.clone()));
            return;
        };
        let inner =
            url.as_str().and_then(|url| url.rsplit('/').next()).and_then(|name| any.parent_pool().get_message_by_name(name));
        let Some(inner) = inner else {
            self.in_key(TYPE_KEY, |walk| {
                walk.expected("the URL of a type of this API", url);
            });
            return;
        };
        if !inner.full_name().starts_with("google.protobuf.") {
            let rest = object.iter().filter(|(key, _)| *key != TYPE_KEY);
            self.fields(&inner, rest);
        }
    }

    fn field(&mut self, field: &FieldDescriptor, value: &Value) {
        if field.is_map() {
            self.map(field, value);
        } else if field.is_list() {
            let Value::Array(items) = value else {
                self.expected("a list", value);
                return;
            };
            for (index, item) in items.iter().enumerate() {
                self.in_item(index, |walk| walk.single(&field.kind(), item));
            }
        } else {
            self.single(&field.kind(), value);
        }
    }

    /// All map keys of this API are strings, which any JSON key is.
    fn map(&mut self, field: &FieldDescriptor, value: &Value) {
        let Value::Object(entries) = value else {
            self.expected("an object", value);
            return;
        };
        let kind = field.kind();
        let Some(entry) = kind.as_message() else {
            return;
        };
        let value_kind = entry.map_entry_value_field().kind();
        for (key, value) in entries {
            self.in_map_key(key, |walk| walk.single(&value_kind, value));
        }
    }

    fn single(&mut self, kind: &Kind, value: &Value) {
        match kind {
            Kind::Message(message) => self.message(message, value),
            Kind::Enum(names) => self.enumeration(names, value),
            Kind::String if !value.is_string() => self.expected("a string", value),
            Kind::Bytes if !value.is_string() => self.expected("a string in base64", value),
            Kind::Bool if !value.is_boolean() => self.expected("true or false", value),
            Kind::String | Kind::Bytes | Kind::Bool => {}
            Kind::Double | Kind::Float => {
                if real(value).is_none() {
                    self.expected("a number", value);
                }
            }
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                self.whole(value, i32::MIN.into(), i32::MAX.into());
            }
            Kind::Uint32 | Kind::Fixed32 => self.whole(value, 0, u32::MAX.into()),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                self.whole(value, i64::MIN.into(), i64::MAX.into());
            }
            Kind::Uint64 | Kind::Fixed64 => self.whole(value, 0, u64::MAX.into()),
        }
    }

    fn whole(&mut self, value: &Value, least: i128, most: i128) {
        let fits = integer(value).is_some_and(|number| (least..=most).contains(&number));
        if !fits {
            self.expected(format!("a whole number from {least} to {most}"), value);
        }
    }

    fn enumeration(&mut self, names: &EnumDescriptor, value: &Value) {
        let known = match value {
            Value::String(name) => names.get_value_by_name(name).is_some(),
            Value::Number(_) => integer(value)
                .and_then(|number| i32::try_from(number).ok())
                .is_some_and(|number| names.get_value(number).is_some()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
        };
        if !known {
            let listed: Vec<String> = names.values().map(|value| value.name().to_owned()).collect();
            self.expected(format!("one of {}", listed.join(", ")), value);
        }
    }
}

fn field_of(descriptor: &MessageDescriptor, key: &str) -> Option<FieldDescriptor> {
    descriptor.get_field_by_json_name(key).or_else(|| descriptor.get_field_by_name(key))
}

fn conflict(seen: &[(FieldDescriptor, &str)], field: &FieldDescriptor) -> Option<FieldProblemKind> {
    seen.iter().find_map(|(earlier, key)| {
        if earlier == field {
            return Some(FieldProblemKind::SentTwice);
        }
        let shared = field.containing_oneof()?;
        (earlier.containing_oneof()? == shared).then(|| FieldProblemKind::Excludes { other: (*key).to_owned() })
    })
}

/// For messages that are a string in JSON: whether this value is one, or what was expected instead.
fn text_form(descriptor: &MessageDescriptor, value: &Value) -> Option<Result<(), &'static str>> {
    let text = value.as_str();
    let (fits, expected) = match descriptor.full_name() {
        "google.protobuf.Timestamp" => {
            (text.is_some_and(|text| prost_types::Timestamp::from_str(text).is_ok()), "a time like \"2026-01-31T15:00:00Z\"")
        }
        "google.protobuf.Duration" => {
            (text.is_some_and(|text| prost_types::Duration::from_str(text).is_ok()), "a duration in seconds like \"86400s\"")
        }
        "google.protobuf.FieldMask" => (text.is_some(), "a string of field paths"),
        _ => return None,
    };
    Some(fits.then_some(()).ok_or(expected))
}

fn integer(value: &Value) -> Option<i128> {
    match value {
        Value::String(digits) => digits.parse().ok(),
        Value::Number(number) => number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from))
            .or_else(|| number.as_f64().and_then(whole_f64)),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// `3.0` and `3e0` are whole numbers in JSON; beyond 2^53 a double no longer tells neighbours apart.
#[expect(clippy::cast_possible_truncation, reason = "the bounds are checked in the same expression")]
fn whole_f64(number: f64) -> Option<i128> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() <= EXACT_MAX).then_some(number as i128)
}

fn real(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) if ["NaN", "Infinity", "-Infinity"].contains(&text.as_str()) => text.parse().ok(),
        Value::String(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
        Value::Number(number) => number.as_f64(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn found(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.chars().count() > QUOTED_CHARS_MAX => {
            let start: String = text.chars().take(QUOTED_CHARS_MAX).collect();
            format!("the string \"{}…\"", start.escape_debug())
        }
        Value::String(text) => format!("the string {text:?}"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
