//! Why a request of the administration API is refused, beyond what every API refuses.

use valkyard_model::{InstanceName, NodeSerial, ShardIndex, Zone};

use crate::{ClockIsFixed, ErrorCode};

/// A refusal, with what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The daemon has just started, or the instance was just accepted.
    #[error("'{name}' has not been looked at yet; try again in a moment")]
    NotSeenYet {
        /// The instance.
        name: InstanceName,
    },
    /// It is going away.
    #[error("'{name}' is being deleted; its shards keep their primaries")]
    BeingDeleted {
        /// The instance.
        name: InstanceName,
    },
    /// Nobody serves the shard.
    #[error("shard {shard} of '{name}' has no serving primary to hand over from; see `valkyard instances topology`")]
    NoPrimary {
        /// The instance.
        name: InstanceName,
        /// The shard.
        shard: ShardIndex,
    },
    /// Nobody could take over.
    #[error("shard {shard} of '{name}' has no replica that could take over; set replica_count to 1 or more")]
    NoReplica {
        /// The instance.
        name: InstanceName,
        /// The shard.
        shard: ShardIndex,
    },
    /// The primary is still the same.
    #[error(
        "'{name}' did not fail over within {limit_secs} s: {}{}; it may still happen, see `valkyard instances topology`",
        Stayed(stayed),
        Done(done)
    )]
    FailOverTooSlow {
        /// The instance.
        name: InstanceName,
        /// Shards whose primary is the one it was, and what is waited for there.
        stayed: Vec<(ShardIndex, NodeSerial, Vec<String>)>,
        /// Shards that have another one.
        done: Vec<ShardIndex>,
        /// How long was waited.
        limit_secs: u64,
    },
    /// The clock of schedules cannot be moved.
    #[error(transparent)]
    ClockIsFixed(#[from] ClockIsFixed),
    /// It was not taken.
    #[error("zone {zone} is not away; `valkyard zones list` shows those that are")]
    ZoneNotAway {
        /// The zone.
        zone: Zone,
    },
    /// The kernel refused some of it.
    #[error("zone {zone} is {state}, but not every process could be signalled: {}", failed.join("; "))]
    NotSignalled {
        /// The zone.
        zone: Zone,
        /// What it is now.
        state: &'static str,
        /// Nodes with their reasons.
        failed: Vec<String>,
    },
}

impl AdminError {
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::NotSeenYet { .. } => ErrorCode::Unavailable,
            Self::BeingDeleted { .. }
            | Self::NoPrimary { .. }
            | Self::NoReplica { .. }
            | Self::ZoneNotAway { .. }
            | Self::ClockIsFixed(_) => ErrorCode::FailedPrecondition,
            Self::FailOverTooSlow { .. } => ErrorCode::DeadlineExceeded,
            Self::NotSignalled { .. } => ErrorCode::Internal,
        }
    }
}

struct Stayed<'a>(&'a [(ShardIndex, NodeSerial, Vec<String>)]);

impl std::fmt::Display for Stayed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (shard, primary, reasons)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}shard {shard} keeps primary {primary}")?;
            if !reasons.is_empty() {
                write!(f, " ({})", reasons.join("; "))?;
            }
        }
        Ok(())
    }
}

struct Done<'a>(&'a [ShardIndex]);

impl std::fmt::Display for Done<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for shard in self.0 {
            write!(f, ", shard {shard} has another")?;
        }
        Ok(())
    }
}
