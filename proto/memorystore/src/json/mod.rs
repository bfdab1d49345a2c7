//! The JSON form of the API's messages, for the REST side of the server.
//!
//! Output: lowerCamelCase keys, defaults left out, 64-bit integers as strings, enums as names or, if the
//! client asked for it, as numbers; inside `Any` enums are names in either style, as on the real service.
//! Input: camelCase and snake_case keys, enums by name or number, integers as numbers or strings. Invariant:
//! what is refused is refused with the path of every offending field. Checks the shape only; which values
//! make sense is decided by the server.

mod error;
mod mask;
mod shape;
mod suggestion;
mod write;

#[cfg(test)]
mod field_table_tests;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::Value;

pub use error::{FieldProblem, FieldProblemKind, JsonError, RenderError};
pub use mask::field_mask;

static DESCRIPTORS: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let encoded = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
    DescriptorPool::decode(encoded.as_slice()).expect("the build script wrote the descriptor set it compiled")
});

/// The key that tells the type of an `Any`.
const TYPE_KEY: &str = "@type";

/// The one type without fields that operations respond with.
const EMPTY: &str = "google.protobuf.Empty";

/// How enum values are written outside of `Any`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EnumStyle {
    /// `"nodeType": "HIGHMEM_MEDIUM"`, the default.
    #[default]
    Names,
    /// `"nodeType": 2`, for clients that send `$alt=json;enum-encoding=int`.
    Numbers,
}

/// Writes a message as JSON text.
///
/// # Errors
/// When an `Any` in the message holds a type that this crate does not define, or broken bytes.
pub fn to_json<M: Message + Name>(message: &M, style: EnumStyle) -> Result<Vec<u8>, RenderError> {
    write::message_text(&descriptor::<M>(), &message.encode_to_vec(), style)
}

/// The same as [`to_json`], as a tree.
///
/// # Errors
/// As for [`to_json`].
pub fn to_value<M: Message + Name>(message: &M, style: EnumStyle) -> Result<Value, RenderError> {
    let text = to_json(message, style)?;
    Ok(serde_json::from_slice(&text).expect("the writer's output is JSON"))
}

/// Reads a message from JSON text.
///
/// # Errors
/// When the text is not JSON, or when its shape does not fit the message; see [`JsonError`].
pub fn from_json<M: Message + Name + Default>(text: &[u8]) -> Result<M, JsonError> {
    let value = serde_json::from_slice(text).map_err(JsonError::malformed)?;
    from_value(value)
}

/// Reads a message from a JSON tree.
///
/// # Errors
/// When the tree's shape does not fit the message; see [`JsonError`].
pub fn from_value<M: Message + Name + Default>(mut value: Value) -> Result<M, JsonError> {
    let descriptor = descriptor::<M>();
    let problems = shape::problems(&descriptor, &value);
    if !problems.is_empty() {
        return Err(JsonError::Fields(problems));
    }
    restore_empty_values(&mut value);
    let dynamic = DynamicMessage::deserialize(descriptor, value).map_err(|source| JsonError::Unreadable { source })?;
    Ok(dynamic.transcode_to().expect("a message read by its own descriptor decodes as its own type"))
}

fn descriptor<M: Name>() -> MessageDescriptor {
    DESCRIPTORS
        .get_message_by_name(&M::full_name())
        .expect("every generated message is in the descriptor set it was generated from")
}

/// Gives every `Any` of an Empty the `value` key that the reader insists on and the service leaves out.
fn restore_empty_values(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            let url = entries.get(TYPE_KEY).and_then(Value::as_str);
            if url.and_then(|url| url.rsplit('/').next()) == Some(EMPTY) {
                entries.entry("value").or_insert_with(|| Value::Object(serde_json::Map::new()));
            }
            entries.values_mut().for_each(restore_empty_values);
        }
        Value::Array(items) => items.iter_mut().for_each(restore_empty_values),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
