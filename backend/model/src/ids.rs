//! Identifiers. All are derived or passed in; none is drawn here.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

macro_rules! transparent_uuid {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

transparent_uuid! {
    /// The system-assigned identity of one incarnation of an instance; never reused, unlike its name.
    Uid
}
transparent_uuid! {
    /// A client's idempotency key (`requestId`); non-zero.
    RequestId
}

/// The last segment of an operation's name, `operation-<millis>-<uuid>` as the product forms it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(String);

impl OperationId {
    /// Forms an id from the time of acceptance and a random uuid.
    #[must_use]
    pub fn new(accepted: crate::Timestamp, random: Uuid) -> Self {
        Self(format!("operation-{}-{random}", accepted.timestamp_millis()))
    }

    /// Takes any text a client sent as an id; whether it names an operation is the store's answer.
    #[must_use]
    pub fn from_client(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Counts accepted writes to one instance; the first is 1. Orders of an older generation are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub u64);

impl Generation {
    /// The generation of a newly accepted instance.
    pub const FIRST: Self = Self(1);

    /// The generation after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a node within its instance; counts up for the instance's life and is never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeSerial(pub u32);

impl fmt::Display for NodeSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

/// The position of a shard within its instance, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShardIndex(pub u16);

impl fmt::Display for ShardIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}

/// Hex digits in the identifiers of the engine's cluster bus (a SHA-1 in text, `CLUSTER_NAMELEN`).
const BUS_ID_LENGTH: usize = 40;

/// Derives a bus identifier from an instance's uid: stable over restarts, distinct over instances, no randomness.
fn derive_bus_id(uid: Uid, kind: &str, number: u32) -> [u8; BUS_ID_LENGTH] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digest = Sha256::digest(format!("{uid}/{kind}/{number}"));
    let nibbles = digest.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    let mut text = [0; BUS_ID_LENGTH];
    for (digit, nibble) in text.iter_mut().zip(nibbles) {
        *digit = HEX[usize::from(nibble)];
    }
    text
}

macro_rules! bus_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// The digits are kept in place: a look at a large instance compares tens of thousands of them.
        #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name([u8; BUS_ID_LENGTH]);

        impl Ord for $name {
            /// As text; the first eight digits nearly always decide.
            fn cmp(&self, other: &Self) -> Ordering {
                let head = |id: &Self| u64::from_be_bytes(*id.0.first_chunk().expect("an identity has 40 digits"));
                head(self).cmp(&head(other)).then_with(|| self.0.cmp(&other.0))
            }
        }

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl $name {
            /// The 40 hex digits.
            #[must_use]
            pub fn as_str(&self) -> &str {
                std::str::from_utf8(&self.0).expect("hex digits are ASCII")
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.as_str()).finish()
            }
        }

        impl FromStr for $name {
            type Err = BusIdError;

            fn from_str(text: &str) -> Result<Self, BusIdError> {
                match text.as_bytes().try_into() {
                    Ok(digits) if text.bytes().all(|b| b.is_ascii_hexdigit()) => Ok(Self(digits)),
                    Ok(_) | Err(_) => Err(BusIdError { text: text.to_owned() }),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = BusIdError;

            fn try_from(text: String) -> Result<Self, BusIdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.as_str().to_owned()
            }
        }
    };
}

/// Text that is not an identifier of the cluster bus.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a bus identifier of 40 hex digits: {text:?}")]
pub struct BusIdError {
    text: String,
}

bus_id! {
    /// The identity of a node on the cluster bus.
    NodeId
}
bus_id! {
    /// The identity of a shard on the cluster bus.
    ShardId
}

impl NodeId {
    /// The bus identity of the node with this serial in the instance with this uid.
    #[must_use]
    pub fn derive(uid: Uid, serial: NodeSerial) -> Self {
        Self(derive_bus_id(uid, "node", serial.0))
    }
}

impl ShardId {
    /// The bus identity of a shard of the instance with this uid.
    #[must_use]
    pub fn derive(uid: Uid, shard: ShardIndex) -> Self {
        Self(derive_bus_id(uid, "shard", u32::from(shard.0)))
    }
}

/// The engine's configuration epoch: the higher claim to a slot wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConfigEpoch(pub u64);

/// A process id of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pid(pub i32);

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_bus_ids_are_stable_distinct_and_well_formed() {
        let uid = Uid(Uuid::from_u128(7));
        let one = NodeId::derive(uid, NodeSerial(1));
        assert_eq!(one, NodeId::derive(uid, NodeSerial(1)));
        assert_ne!(one, NodeId::derive(uid, NodeSerial(2)));
        assert_ne!(one.as_str(), ShardId::derive(uid, ShardIndex(1)).as_str());
        assert_eq!(one.as_str().parse::<NodeId>(), Ok(one));
        assert!("xyz".parse::<NodeId>().is_err());
    }
}
