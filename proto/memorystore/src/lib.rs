//! The public API of Memorystore for Valkey as Rust code, generated from `protos/`.
//!
//! Owns the wire types of `google.cloud.memorystore.v1`, long-running operations, locations and the error
//! details, their gRPC servers and clients, and (feature `json`) the JSON form of all of them. The daemon
//! serves it, the REST transcoder maps it, the Terraform provider calls it. Invariant: a message is defined
//! here once, and no other crate writes a second type for it. It has no routes, no defaults and no rules
//! about values; those belong to the API server.

mod any;
mod generated;
#[cfg(feature = "json")]
pub mod json;

pub use any::{UnpackError, pack, unpack};
pub use generated::google::{
    cloud::{location, memorystore::v1},
    longrunning, rpc, r#type as google_type,
};
