//! File descriptors of this process: how many it may have, and who may use them up.
//!
//! The daemon's own work (its database, its API, links to nodes, files of steps) must never lack one because clients have
//! opened many connections. So those of all discovery endpoints together get half of the limit at most.

use std::io;
use std::sync::{Arc, LazyLock};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::Semaphore;

/// A forwarded connection has two: one to the client, one to the node.
const DESCRIPTORS_PER_CONNECTION: u64 = 2;
/// Endpoints get one in two descriptors: 256 connections at the usual limit of 1,024, 131,072 at 524,288.
const ENDPOINTS_SHARE: u64 = 2;

/// Lets this process, and the nodes it starts, have as many descriptors as its hard limit allows, and returns how many. To be
/// called before the first endpoint is opened.
///
/// # Errors
/// When the kernel refuses; the limit is as before then.
pub fn raise_descriptor_limit() -> io::Result<u64> {
    let limits = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limits.maximum, maximum: limits.maximum })?;
    Ok(descriptor_limit())
}

/// The limit in force; without one, what a number can say.
fn descriptor_limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// What all endpoints of this process may have open: a permit per connection. Counted out when the first endpoint opens.
pub(crate) fn connections() -> Arc<Semaphore> {
    static CONNECTIONS: LazyLock<Arc<Semaphore>> =
        LazyLock::new(|| Arc::new(Semaphore::new(connections_max(descriptor_limit()))));
    Arc::clone(&CONNECTIONS)
}

fn connections_max(descriptors: u64) -> usize {
    let connections = descriptors / ENDPOINTS_SHARE / DESCRIPTORS_PER_CONNECTION;
    usize::try_from(connections).unwrap_or(Semaphore::MAX_PERMITS).min(Semaphore::MAX_PERMITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_take_half_of_the_descriptors_at_most() {
        assert_eq!(connections_max(1_024), 256);
        assert_eq!(connections_max(524_288), 131_072);
        assert_eq!(connections_max(u64::MAX), Semaphore::MAX_PERMITS);
        assert_eq!(connections_max(3), 0);
    }

    #[test]
    fn the_limit_is_raised_to_the_hard_one() {
        let raised = raise_descriptor_limit().expect("is allowed");
        assert_eq!(raised, getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX));
        assert_eq!(raised, descriptor_limit());
    }
}
