//! The administration API, one file per request: what runs where, failover by hand, zones taken away, progress, what is in
//! backups and whether they were proved, the clock of schedules.
//!
//! Called by gRPC ([`crate::grpc`]) and REST ([`crate::rest`]) alike. Invariant: whatever is told of a running instance
//! comes from the last look of its loop, with the time of that look; nothing here asks a node. A request only notes what is
//! wanted and wakes loops; the one exception is a zone that is taken away, whose processes are signalled at once, because
//! an outage does not wait for a loop.

mod advance_clock;
mod backup_details;
mod backup_policy;
mod clock;
mod distance_message;
mod distances;
mod error;
mod fail_over;
mod findings;
mod get_backup_details;
mod get_replication;
mod give_zone;
mod list_backup_details;
mod list_zone_outages;
mod node_message;
mod nodes;
mod operation_progress;
mod set_backup_policy;
mod shard_message;
mod take_zone;
mod topology;
mod verify_backup;
mod watch_operation;
mod zone;

#[cfg(test)]
mod tests;

pub(crate) use advance_clock::advance_clock;
pub(crate) use backup_policy::get_backup_policy;
pub(crate) use clock::get_clock;
pub(crate) use distances::{list_distances, set_distance};
pub use error::AdminError;
pub(crate) use fail_over::fail_over;
pub(crate) use get_backup_details::get_backup_details;
pub(crate) use get_replication::get_replication;
pub(crate) use give_zone::give_zone;
pub(crate) use list_backup_details::list_backup_details;
pub(crate) use list_zone_outages::list_zone_outages;
pub(crate) use nodes::list_nodes;
pub(crate) use operation_progress::get_operation_progress;
pub(crate) use set_backup_policy::set_backup_policy;
pub(crate) use take_zone::take_zone;
pub(crate) use topology::topology;
pub(crate) use verify_backup::verify_backup;
pub(crate) use watch_operation::watch_operation;
