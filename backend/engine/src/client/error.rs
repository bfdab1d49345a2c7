//! How a call to a node can fail.

use std::io;
use std::net::SocketAddrV4;

use super::resp::MalformedReply;
use crate::report::ReportError;

/// Why a node did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Nobody listens at the address.
    #[error("nobody listens at {address}")]
    Refused {
        /// The address.
        address: SocketAddrV4,
    },
    /// Nothing came back in time; what was asked may still happen.
    #[error("{address} did not answer in time")]
    Silent {
        /// The address.
        address: SocketAddrV4,
    },
    /// Whoever listens does not accept the secret: not a node of this instance.
    #[error("{address} denies the daemon's user: {message}")]
    Denied {
        /// The address.
        address: SocketAddrV4,
        /// Its words.
        message: String,
    },
    /// What came back is not what the engine answers.
    #[error("{address} does not answer like an engine")]
    Protocol {
        /// The address.
        address: SocketAddrV4,
        /// What was wrong.
        #[source]
        source: ProtocolError,
    },
    /// The engine refused the command.
    #[error("the node at {address} refused: {message}")]
    Engine {
        /// The address.
        address: SocketAddrV4,
        /// Its words.
        message: String,
    },
    /// The connection failed or ended; what was asked may still happen.
    #[error("the connection to {address} failed")]
    Broken {
        /// The address.
        address: SocketAddrV4,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The link was used after a call on it failed or was dropped.
    #[error("the link to {address} is spent; connect anew")]
    Spent {
        /// The address.
        address: SocketAddrV4,
    },
}

/// How an answer differs from the engine's.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolError {
    /// The bytes are no reply.
    #[error("malformed reply")]
    Reply {
        /// The cause.
        #[source]
        source: MalformedReply,
    },
    /// The reply goes on beyond any report.
    #[error("a reply exceeds {bytes_max} bytes")]
    TooLong {
        /// The bound.
        bytes_max: usize,
    },
    /// A well-formed reply of another kind.
    #[error("the reply is {what}")]
    Unexpected {
        /// What it is.
        what: &'static str,
    },
    /// A report that cannot be read.
    #[error("unreadable report")]
    Report {
        /// The cause.
        #[source]
        source: ReportError,
    },
}
