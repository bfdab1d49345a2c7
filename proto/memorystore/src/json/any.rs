//! How `Any` looks in JSON on the real service, where that differs from the writer's: enums inside are names
//! in either style, and Empty has no `value` key. Private to the JSON mapping.

use serde_json::Value;

/// The key that tells the type of an `Any`.
pub(super) const TYPE_KEY: &str = "@type";

const EMPTY: &str = "google.protobuf.Empty";

/// May also be true for a string that happens to hold the key; that costs time, not correctness.
pub(super) fn is_mentioned(text: &[u8]) -> bool {
    text.windows(TYPE_KEY.len()).any(|window| window == TYPE_KEY.as_bytes())
}

pub(super) fn is_inside(value: &Value) -> bool {
    match value {
        Value::Object(entries) => entries.contains_key(TYPE_KEY) || entries.values().any(is_inside),
        Value::Array(items) => items.iter().any(is_inside),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// `names` is the same message written with enum names; the trees differ in enum values only.
pub(super) fn write_as_the_service_does(value: &mut Value, names: Value) {
    match (value, names) {
        (Value::Object(entries), Value::Object(mut names)) => {
            let Some(url) = names.get(TYPE_KEY) else {
                for (key, name) in names {
                    if let Some(entry) = entries.get_mut(&key) {
                        write_as_the_service_does(entry, name);
                    }
                }
                return;
            };
            if names_empty(url) {
                names.remove("value");
            }
            *entries = names;
        }
        (Value::Array(items), Value::Array(names)) => {
            for (item, name) in items.iter_mut().zip(names) {
                write_as_the_service_does(item, name);
            }
        }
        (_, _) => {}
    }
}

/// Gives every Empty the `value` key that the reader insists on.
pub(super) fn restore_empty_values(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            if entries.get(TYPE_KEY).is_some_and(names_empty) {
                entries.entry("value").or_insert_with(|| Value::Object(serde_json::Map::new()));
            }
            entries.values_mut().for_each(restore_empty_values);
        }
        Value::Array(items) => items.iter_mut().for_each(restore_empty_values),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn names_empty(url: &Value) -> bool {
    url.as_str().is_some_and(|url| url.rsplit('/').next() == Some(EMPTY))
}
