//! The files a node's folder holds before its engine starts: configuration, ACL, first `nodes.conf`.
//!
//! The reconciler's `PrepareNode` calls it; writing the texts is the host's. Pure. Invariant: no value can end its own
//! line or argument, so nothing a user typed becomes a directive. The configuration and the ACL carry the daemon's secret
//! or its hash: both files belong in mode 0600.

mod acl;
mod config;
mod nodes_conf;
mod quote;

pub(crate) use acl::client_rules;
pub use acl::{ADMIN_USER, acl};
pub use config::{NodeFileNames, config};
pub(crate) use config::{live_part, live_persistence};
pub use nodes_conf::nodes_conf;

#[cfg(test)]
mod tests;
