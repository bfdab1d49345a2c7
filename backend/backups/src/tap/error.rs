//! How tapping a node can fail.

use std::io;
use std::net::SocketAddr;

/// Why there is no complete snapshot of a node.
#[derive(Debug, thiserror::Error)]
pub enum TapError {
    /// Nobody listens there, or the address cannot be reached.
    #[error("failed to connect to {address}")]
    Connect {
        /// The address.
        address: SocketAddr,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The node refuses: a wrong password, a user that may not, a node that loads or has no link to its primary.
    #[error("the node at {address} refused {asked}: {answer}")]
    Refused {
        /// The address.
        address: SocketAddr,
        /// What was asked.
        asked: &'static str,
        /// Its words.
        answer: String,
    },
    /// Whoever listens there is no engine.
    #[error("{address} does not answer like an engine")]
    NotAnEngine {
        /// The address.
        address: SocketAddr,
    },
    /// The connection ended before the snapshot did. The node may have died, run out of memory for the snapshot, or be unable
    /// to write what it has in the form that was asked for; its log says.
    #[error("lost the link to {address} after {received_bytes} bytes of the snapshot")]
    Lost {
        /// The address.
        address: SocketAddr,
        /// Bytes of the file that had come.
        received_bytes: u64,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Nothing came in time.
    #[error("{address} was silent for too long; awaited {awaited}")]
    Silent {
        /// The address.
        address: SocketAddr,
        /// What should have come.
        awaited: &'static str,
    },
}
