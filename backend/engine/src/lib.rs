//! The cache engine, valkey-server: which builds the machine has, the files a node starts from, and a node's own word.
//!
//! The reconciler's world and the daemon call it. Invariant: nothing here decides or retries; every call does one thing
//! in bounded time and says how it went. It starts builds only to ask what they are; running nodes is `valkyard-host`'s.

mod catalogue;
mod client;
pub mod handshake;
mod load_report;
pub mod render;
mod report;
mod slots_by_keys;

pub use catalogue::{Allocator, Capabilities, CatalogueConfig, EngineBuild, EngineCatalogue, Origin, RejectReason, Rejected};
pub use client::{Following, HistorySeen, LinkError, MalformedReply, NodeLink, PackedFunctions, ProtocolError};
pub use load_report::{torn_log, unreadable_data};
pub use report::{ReportError, cluster_memory};
pub use slots_by_keys::SlotsByKeys;
