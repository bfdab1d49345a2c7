//! Packs messages into `google.protobuf.Any` and takes them out again. Used for the metadata and results of
//! operations. Invariant: the type URL always has the host `type.googleapis.com`, which clients compare.
//! Looks up no types by name; the caller says what it expects.

use prost::{DecodeError, Message, Name};
use prost_types::Any;
use thiserror::Error;

const TYPE_HOST: &str = "type.googleapis.com/";

/// Why an `Any` did not yield the expected message.
#[derive(Debug, Error)]
pub enum UnpackError {
    /// It holds a message of another type.
    #[error("expected a message of type {expected}, found {found:?}")]
    OtherType {
        /// Full protobuf name the caller asked for.
        expected: String,
        /// The type URL in the `Any`.
        found: String,
    },
    /// The type is right but the bytes are not such a message.
    #[error("failed to decode a message of type {expected}")]
    Bytes {
        /// Full protobuf name the caller asked for.
        expected: String,
        /// What the decoder met.
        #[source]
        source: DecodeError,
    },
}

/// Wraps a message together with its type URL. `()` stands for `google.protobuf.Empty`.
pub fn pack<M: Message + Name>(message: &M) -> Any {
    Any { type_url: format!("{TYPE_HOST}{}", M::full_name()), value: message.encode_to_vec() }
}

/// Takes out the message of the type the caller expects.
///
/// # Errors
/// When the `Any` holds another type, or bytes that are no such message. The host of the type URL is not
/// compared.
pub fn unpack<M: Message + Name + Default>(any: &Any) -> Result<M, UnpackError> {
    let expected = M::full_name();
    let found = any.type_url.rsplit('/').next().unwrap_or_default();
    if found != expected {
        return Err(UnpackError::OtherType { expected, found: any.type_url.clone() });
    }
    M::decode(any.value.as_slice()).map_err(|source| UnpackError::Bytes { expected, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{longrunning::Operation, v1::Instance};

    #[test]
    fn a_packed_instance_comes_out_as_it_went_in() {
        let instance =
            Instance { name: "projects/p/locations/us-central1/instances/cache".into(), shard_count: 3, ..Instance::default() };
        let any = pack(&instance);
        assert_eq!(any.type_url, "type.googleapis.com/google.cloud.memorystore.v1.Instance");
        assert_eq!(unpack::<Instance>(&any).expect("same type"), instance);
    }

    #[test]
    fn the_unit_type_packs_as_empty() {
        assert_eq!(pack(&()).type_url, "type.googleapis.com/google.protobuf.Empty");
    }

    #[test]
    fn another_type_is_refused_by_name() {
        let error = unpack::<Operation>(&pack(&())).expect_err("Empty is no Operation");
        assert_eq!(
            error.to_string(),
            "expected a message of type google.longrunning.Operation, \
             found \"type.googleapis.com/google.protobuf.Empty\""
        );
    }

    #[test]
    fn broken_bytes_are_told_from_a_wrong_type() {
        let mut any = pack(&Instance::default());
        any.value = vec![0xff];
        assert!(matches!(unpack::<Instance>(&any), Err(UnpackError::Bytes { .. })));
    }
}
