//! The public API of Memorystore for Valkey and the administration API, served over gRPC and REST on one port.
//!
//! The daemon mounts [`router`]; it answers from the store, records accepted requests there and wakes the loop of the
//! instance concerned, or the keeper of backups. Invariants: gRPC and REST call the same functions; nothing a client sends is silently dropped, it is
//! stored, ignored by the API's own rules (output-only and unmasked fields), or refused; an accepted write is durable before
//! it is answered. Nothing here starts a process or decides what to do next, and whether an operation is done is never
//! decided here either.

mod admin;
mod backups;
mod bytes;
mod convert;
mod errors;
mod filter;
mod grpc;
mod instances;
mod local_only;
mod locations;
mod operations;
mod paging;
mod platform;
mod progress;
mod rest;
mod router;
mod to_its_end;
mod waiting;

pub use admin::AdminError;
pub use backups::BackupRefusal;
pub use errors::{ApiError, ErrorCode};
pub use platform::{ApiState, ClockIsFixed, NodeSignal, Platform};
pub use router::router;
