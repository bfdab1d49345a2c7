//! Values on the wire: Terraform's use of MessagePack.
//!
//! Owns [`decode`] and [`encode`]. `rpc` calls them with the type of a schema. Invariants: what decodes encodes
//! to an equal value; refinements survive; numbers lose no digit; objects hold exactly their attributes. Input
//! is not trusted: lengths are held against the bytes that are there, depth against [`DEPTH_MAX`].

mod decode;
mod encode;
mod unknown;

#[cfg(test)]
mod tests;

pub use decode::{DecodeError, decode};
pub use encode::{EncodeError, encode};

/// Deepest nesting accepted; configurations of people stay below 20.
const DEPTH_MAX: usize = 128;

/// Extension type of an unknown value without refinements.
const EXT_UNKNOWN: i8 = 0;

/// Extension type of an unknown value with refinements.
const EXT_REFINED: i8 = 12;

/// Longest body of a refined unknown, in bytes; Terraform refuses longer ones.
const REFINED_LEN_MAX: usize = 1024;

/// Longest string prefix sent in a refinement, in bytes; the same limit that Terraform keeps.
const PREFIX_LEN_MAX: usize = 256;
