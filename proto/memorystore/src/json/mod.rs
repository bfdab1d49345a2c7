//! The JSON form of the API's messages, for the REST side of the server.
//!
//! Output: lowerCamelCase keys, defaults left out, 64-bit integers as strings, enums as names or, if the
//! client asked for it, as numbers; inside `Any` enums are names in either style, as on the real service.
//! Input: camelCase and snake_case keys, enums by name or number, integers as numbers or strings. Invariant:
//! what is refused is refused with the path of every offending field. Checks the shape only; which values
//! make sense is decided by the server.

mod any;
mod error;
mod mask;
mod shape;
mod suggestion;

#[cfg(test)]
mod field_table_tests;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::{Serializer, Value};

pub use error::{FieldProblem, FieldProblemKind, JsonError, RenderError};
pub use mask::field_mask;

static DESCRIPTORS: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let encoded = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
    DescriptorPool::decode(encoded.as_slice()).expect("the build script wrote the descriptor set it compiled")
});

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
    let dynamic = dynamic(message);
    let refused = |source| RenderError { message: M::full_name(), source };
    let mut serializer = Serializer::new(Vec::new());
    dynamic.serialize_with_options(&mut serializer, &options(style)).map_err(refused)?;
    let text = serializer.into_inner();
    if any::is_mentioned(&text) {
        return serde_json::to_vec(&to_value(message, style)?).map_err(refused);
    }
    Ok(text)
}

/// The same as [`to_json`], as a tree.
///
/// # Errors
/// As for [`to_json`].
pub fn to_value<M: Message + Name>(message: &M, style: EnumStyle) -> Result<Value, RenderError> {
    let dynamic = dynamic(message);
    let tree = |style| {
        dynamic
            .serialize_with_options(serde_json::value::Serializer, &options(style))
            .map_err(|source| RenderError { message: M::full_name(), source })
    };
    let mut value = tree(style)?;
    if any::is_inside(&value) {
        any::write_as_the_service_does(&mut value, tree(EnumStyle::Names)?);
    }
    Ok(value)
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
    any::restore_empty_values(&mut value);
    let dynamic = DynamicMessage::deserialize(descriptor, value).map_err(|source| JsonError::Unreadable { source })?;
    Ok(dynamic.transcode_to().expect("a message read by its own descriptor decodes as its own type"))
}

fn descriptor<M: Name>() -> MessageDescriptor {
    DESCRIPTORS
        .get_message_by_name(&M::full_name())
        .expect("every generated message is in the descriptor set it was generated from")
}

fn dynamic<M: Message + Name>(message: &M) -> DynamicMessage {
    DynamicMessage::decode(descriptor::<M>(), message.encode_to_vec().as_slice())
        .expect("a message encoded by its own type decodes by its own descriptor")
}

fn options(style: EnumStyle) -> SerializeOptions {
    SerializeOptions::new().use_enum_numbers(style == EnumStyle::Numbers)
}
