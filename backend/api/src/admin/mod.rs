//! The administration API, one file per request: what runs where, failover by hand, zones taken away, progress.
//!
//! Called by gRPC ([`crate::grpc`]) and REST ([`crate::rest`]) alike. Invariant: whatever is told of a running instance
//! comes from the last look of its loop, with the time of that look; nothing here asks a node. A request only notes what is
//! wanted and wakes loops; the one exception is a zone that is taken away, whose processes are signalled at once, because
//! an outage does not wait for a loop.

mod error;
mod fail_over;
mod findings;
mod give_zone;
mod list_zone_outages;
mod node_message;
mod nodes;
mod shard_message;
mod take_zone;
mod topology;
mod watch_operation;
mod zone;

#[cfg(test)]
mod tests;

pub use error::AdminError;
pub(crate) use fail_over::fail_over;
pub(crate) use give_zone::give_zone;
pub(crate) use list_zone_outages::list_zone_outages;
pub(crate) use nodes::list_nodes;
pub(crate) use take_zone::take_zone;
pub(crate) use topology::topology;
pub(crate) use watch_operation::watch_operation;
