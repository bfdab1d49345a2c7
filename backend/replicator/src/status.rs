//! What a link tells of itself.

use std::fmt;
use std::net::SocketAddrV4;
use std::time::Duration;

use valkyard_model::{ReplicationPoint, Timestamp};

/// One of the two ends of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Where the writes come from.
    Source,
    /// Where they go.
    Target,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Target => "target",
        })
    }
}

/// Why a target cannot go on from where it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SeedReason {
    /// Neither the target nor the request says what the target holds.
    #[error("the target holds no data of the source yet")]
    NoPoint,
    /// The source would send a snapshot: it no longer has what follows the point, or never had the point.
    #[error(
        "the source cannot continue after byte {} of history {}; its own history is {}",
        .wanted.offset, .wanted.replication_id, .offered.replication_id
    )]
    HistoryGone {
        /// Where the target is.
        wanted: ReplicationPoint,
        /// Where the source is. The same history: its backlog was too small. Another one: the source lost writes that the
        /// target has, or started anew.
        offered: ReplicationPoint,
    },
    /// The target carried out a batch of which it refused one command: it is no copy of the source any more.
    #[error("the target failed to carry out a command that its source had carried out: {message}")]
    Diverged {
        /// The target's words.
        message: String,
    },
}

/// Why a link does not stream at the moment. It tries again by itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkFault {
    /// No connection is made.
    #[error("the {side} at {address} cannot be reached: {message}")]
    Unreachable {
        /// Which end.
        side: Side,
        /// Its address.
        address: SocketAddrV4,
        /// The system's words.
        message: String,
    },
    /// The connection ended.
    #[error("the connection to the {side} at {address} was lost: {message}")]
    Lost {
        /// Which end.
        side: Side,
        /// Its address.
        address: SocketAddrV4,
        /// The system's words.
        message: String,
    },
    /// Nothing came for too long.
    #[error("the {side} at {address} is silent")]
    Silent {
        /// Which end.
        side: Side,
        /// Its address.
        address: SocketAddrV4,
    },
    /// It said no: a replica instead of a primary, out of memory, an unknown command, a wrong password. Nothing of the batch
    /// was applied.
    #[error("the {side} at {address} refused: {message}")]
    Refused {
        /// Which end.
        side: Side,
        /// Its address.
        address: SocketAddrV4,
        /// Its words.
        message: String,
    },
    /// What came is not what an engine sends.
    #[error("the {side} at {address} does not speak like an engine: {message}")]
    Malformed {
        /// Which end.
        side: Side,
        /// Its address.
        address: SocketAddrV4,
        /// What was wrong.
        message: String,
    },
    /// The emulated distance lets nothing pass.
    #[error("the link is cut")]
    Cut,
}

/// Where a link stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It finds out where to begin.
    Connecting,
    /// Writes flow.
    Streaming,
    /// Slots come to the source's shard or left it. Nothing that came of that was applied. The link stands still; a new one is
    /// to be started when both sides have the same slots and the target the data.
    SourceResharding,
    /// It cannot begin. The link stands still until a new one is started after the target got data.
    NeedsSeed {
        /// Why.
        reason: SeedReason,
    },
    /// It is interrupted and tries again, at first soon, later every few seconds.
    Broken {
        /// Why.
        fault: LinkFault,
    },
}

/// What a link knows at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkStatus {
    /// Where it stands.
    pub state: LinkState,
    /// What of the source's history the target certainly has; `None` until its point was read.
    pub applied: Option<ReplicationPoint>,
    /// Where the source is, as of its last sign of life.
    pub source_offset: Option<u64>,
    /// How much the target lacks of that.
    pub lag_bytes: Option<u64>,
    /// For how long the target has lacked it: since the source had the oldest byte that is not applied.
    pub lag: Option<Duration>,
    /// When the target last had everything that the source had.
    pub synced_at: Option<Timestamp>,
}
