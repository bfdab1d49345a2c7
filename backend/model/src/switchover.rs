//! A change of places between a primary instance and one of its secondaries, as far as it is durable.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Failure, Member, NodeSerial, ReplicationPoint, ShardIndex, Timestamp, Uid};

/// A place in the history of each shard.
pub type Points = BTreeMap<ShardIndex, ReplicationPoint>;

/// A change of places that is under way, as one member has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Switchover {
    /// The same on all members: the primary takes no writes, and its secondaries take what it still has. Roles are as before.
    /// Becomes nothing when it is given up; `Opening` on `to` and `AwaitingPoints` or nothing on the others when they change.
    Draining {
        /// The secondary that is to be the primary.
        to: Member,
        /// When it was asked for.
        since: Timestamp,
        /// Secondaries that have everything, and up to which point each shard of the primary went.
        drained: Vec<Drained>,
    },
    /// On the new primary: it takes no writes yet. Becomes `Clearing` when it is known where its own history begins for those
    /// who have the same data.
    Opening {
        /// What the old primary's history was at its end; nothing if it was not there to say.
        ended: Points,
        /// When the roles changed.
        since: Timestamp,
    },
    /// On the new primary: it takes writes, and the points that its nodes carry from its time as a secondary are being removed.
    /// Becomes nothing.
    Clearing,
    /// On another member that has everything: it keeps its data. Becomes `TakingOver`.
    AwaitingPoints {
        /// What the old primary's history was at its end.
        ended: Points,
    },
    /// On another member: its nodes get the points of the new primary's history that mean the data they have. Becomes nothing.
    TakingOver {
        /// What the old primary's history was at its end.
        ended: Points,
        /// The same data in the history of the new primary. A shard that is missing has to be copied anew.
        points: Points,
    },
}

/// A secondary that has everything its primary had when that took no more writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drained {
    /// The secondary.
    pub uid: Uid,
    /// The end of the primary's history.
    pub ended: Points,
}

/// How an instance became the primary last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accession {
    /// When.
    pub at: Timestamp,
    /// Who was the primary before.
    pub from: Member,
    /// What that one may have had beyond; nothing if everything was taken over.
    pub possible_loss: Option<PossibleLoss>,
}

/// What may be lost because the old primary could not be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PossibleLoss {
    /// Bytes of its history that were seen and had not come, of all shards; it may have had more.
    pub bytes: u64,
    /// For how long the oldest of them had been missing.
    pub lag: Duration,
    /// The earliest moment at which a shard had everything; nothing if one never had.
    pub synced_at: Option<Timestamp>,
}

impl Switchover {
    /// Whether nobody takes writes: other changes have to wait.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        match self {
            Self::Draining { .. } | Self::Opening { .. } => true,
            Self::Clearing | Self::AwaitingPoints { .. } | Self::TakingOver { .. } => false,
        }
    }
}

/// What a member does in a change of places.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SwitchoverStep {
    /// Durably record that this secondary has everything. Seen in `Switchover::Draining`.
    RecordDrained {
        /// The end of the primary's history.
        ended: Points,
    },
    /// Durably change the roles of all members: this secondary becomes the primary. Seen in its role.
    TurnOver {
        /// The end of the old primary's history; nothing if it could not be asked.
        ended: Points,
        /// What may be lost because of that.
        possible_loss: Option<PossibleLoss>,
    },
    /// Durably give it up: the old primary takes writes again. Seen in `Replication::switchover` of all members.
    GiveUp {
        /// What the operation reports.
        failure: Failure,
    },
    /// Have a node keep its history from now on. Seen in `EngineSeen::history`.
    KeepHistory {
        /// The node.
        node: NodeSerial,
    },
    /// Durably record where the new primary's history begins for those who have the same data. Seen in `Replication::switchover`
    /// of all members.
    RecordPoints {
        /// By shard; one that is missing has to be copied anew by the others.
        points: Points,
    },
    /// Have a node carry the point of the new primary's history that means the data it has. Seen in `ReplicationSeen::points`.
    TakePoint {
        /// The node.
        node: NodeSerial,
        /// The point.
        point: ReplicationPoint,
    },
    /// Durably record that nothing more is to be done. Seen in `Replication::switchover`.
    Finish,
}

impl SwitchoverStep {
    /// The node that it concerns, if it is one.
    #[must_use]
    pub fn node(&self) -> Option<NodeSerial> {
        match self {
            Self::KeepHistory { node } | Self::TakePoint { node, .. } => Some(*node),
            Self::RecordDrained { .. }
            | Self::TurnOver { .. }
            | Self::GiveUp { .. }
            | Self::RecordPoints { .. }
            | Self::Finish => None,
        }
    }
}
