//! The administration API of Valkyard as Rust code, generated from `protos/`.
//!
//! Owns the wire types of `valkyard.admin.v1`, its gRPC server and client, and (feature `json`) their JSON form. The daemon
//! serves it beside the Memorystore API. Invariant: a message is defined here once. It has no routes, no defaults and no
//! rules about values; those belong to the API server.

mod generated;
#[cfg(feature = "json")]
pub mod json;

pub use generated::valkyard::admin::v1;
