//! The JSON form of the messages, for the REST side of the server.
//!
//! Output: lowerCamelCase keys, every field without presence written even at its default (scripts read it), 64-bit integers
//! as strings, enums as names or numbers. Input: both spellings of keys; unknown ones are refused. Checks the shape only.

use std::sync::LazyLock;

use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};

static DESCRIPTORS: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let encoded = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
    DescriptorPool::decode(encoded.as_slice()).expect("the build script wrote the descriptor set it compiled")
});

/// How enum values are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EnumStyle {
    /// `"role": "PRIMARY"`, the default.
    #[default]
    Names,
    /// `"role": 1`.
    Numbers,
}

/// Why a text is no such message.
#[derive(Debug, thiserror::Error)]
#[error("failed to read the JSON as a {message}")]
pub struct JsonError {
    /// Full protobuf name of the message.
    pub message: String,
    /// What the reader met.
    #[source]
    pub source: serde_json::Error,
}

/// Writes a message as JSON text.
///
/// # Panics
/// Never for messages of this crate: they hold neither `Any` nor times outside their range.
pub fn to_json<M: Message + Name>(message: &M, style: EnumStyle) -> Vec<u8> {
    let mut dynamic = DynamicMessage::new(descriptor::<M>());
    dynamic.transcode_from(message).expect("a message encodes as its own descriptor says");
    let options = SerializeOptions::new()
        .stringify_64_bit_integers(true)
        .use_enum_numbers(style == EnumStyle::Numbers)
        .skip_default_fields(false);
    let mut out = serde_json::Serializer::new(Vec::new());
    dynamic.serialize_with_options(&mut out, &options).expect("a Vec takes all bytes");
    out.into_inner()
}

/// Reads a message from JSON text.
///
/// # Errors
/// When the text is not JSON, or has a field that the message has not, or a value of another type.
pub fn from_json<M: Message + Name + Default>(text: &[u8]) -> Result<M, JsonError> {
    let failed = |source| JsonError { message: M::full_name(), source };
    let mut reader = serde_json::Deserializer::from_slice(text);
    let dynamic = DynamicMessage::deserialize(descriptor::<M>(), &mut reader).map_err(failed)?;
    reader.end().map_err(failed)?;
    Ok(dynamic.transcode_to().expect("a message read by its own descriptor decodes as its own type"))
}

fn descriptor<M: Name>() -> MessageDescriptor {
    DESCRIPTORS
        .get_message_by_name(&M::full_name())
        .expect("every generated message is in the descriptor set it was generated from")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::{FailOverRequest, Node, Role, TakeZoneRequest, ZoneOutage};

    #[test]
    fn zeros_are_written_and_64_bits_are_text() {
        let node = Node { serial: "n0".to_owned(), keys: 5, role: Role::Replica.into(), ..Node::default() };
        let value: serde_json::Value = serde_json::from_slice(&to_json(&node, EnumStyle::Names)).expect("JSON");
        assert_eq!((&value["shard"], &value["keys"], &value["role"]), (&0.into(), &"5".into(), &"REPLICA".into()));
        assert!(value.get("pid").is_none() && value.get("lagBytes").is_none(), "absent is not zero: {value}");
        let value: serde_json::Value = serde_json::from_slice(&to_json(&node, EnumStyle::Numbers)).expect("JSON");
        assert_eq!(value["role"], 2);
    }

    #[test]
    fn what_was_written_is_read_again() {
        let outage = ZoneOutage { zone: "us-central1-a".to_owned(), ..ZoneOutage::default() };
        let read: ZoneOutage = from_json(&to_json(&outage, EnumStyle::Names)).expect("readable");
        assert_eq!(read, outage);
        let request: FailOverRequest = from_json(br#"{"shard": 0}"#).expect("readable");
        assert_eq!(request.shard, Some(0), "shard 0 is not all shards");
    }

    #[test]
    fn unknown_fields_wrong_values_and_leftovers_are_refused() {
        for text in [r#"{"shards": 1}"#, r#"{"shard": "x"}"#, r#"{"shard": 1} {}"#, "", "[]"] {
            assert!(from_json::<FailOverRequest>(text.as_bytes()).is_err(), "{text} is accepted");
        }
        assert!(from_json::<TakeZoneRequest>(br#"{"manner": "BURN"}"#).is_err());
    }
}
