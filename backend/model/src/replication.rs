//! An instance's part in the replication between instances: what is durable of it, and what is seen of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddrV4;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Accession, InstanceName, NodeSerial, ReplicationPoint, Seen, ShardIndex, SlotSet, Switchover, Timestamp, Uid};

/// Most secondaries of a primary (the product's limit).
pub const SECONDARIES_MAX: usize = 2;

/// An instance as another member of its replication knows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Member {
    /// Its name.
    pub name: InstanceName,
    /// Its incarnation.
    pub uid: Uid,
}

/// What is durable of an instance's part. It lies beside the spec and not in it: a change that is given up goes back to the
/// spec that was, and must not bring back a role that was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replication {
    /// The role.
    #[serde(flatten)]
    pub role: Role,
    /// When the role or the members changed last; nothing if they never did.
    #[serde(default)]
    pub changed: Option<Timestamp>,
    /// Shards whose data is thrown away and taken from the primary anew.
    #[serde(default)]
    pub reseeding: Reseeding,
    /// Of an instance that was detached while these shards were down: they may come back with a point.
    #[serde(default)]
    pub uncleared: BTreeSet<ShardIndex>,
    /// When a shard got its data anew last.
    #[serde(default)]
    pub reseeded: BTreeMap<ShardIndex, Timestamp>,
    /// The change of places that is under way.
    #[serde(default)]
    pub switchover: Option<Switchover>,
    /// How it became the primary, if it did so by a switchover.
    #[serde(default)]
    pub accession: Option<Accession>,
}

impl Replication {
    /// How the instance's nodes are to be set up.
    #[must_use]
    pub fn part(&self) -> Part {
        match (&self.role, &self.switchover) {
            (Role::None, _) => Part::None,
            // It writes nothing by itself either, so that its history ends.
            (Role::Primary { .. }, Some(switchover)) if switchover.is_closed() => Part::Copy,
            (Role::Primary { .. }, _) => Part::Source,
            (Role::Secondary { .. } | Role::Leaving, _) => Part::Copy,
        }
    }
}

/// Shards that get their data anew, durable from before the first of their nodes is stopped until the new data was counted. With
/// each the point of first data that is thrown away, where its note is still there: that note does not count.
pub type Reseeding = BTreeMap<ShardIndex, Option<ReplicationPoint>>;

/// The role of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Role {
    /// Independent. Becomes `Primary` when a secondary is accepted.
    #[default]
    None,
    /// Others follow it. Becomes `None` when the last of them is gone.
    Primary {
        /// Those.
        secondaries: Vec<Member>,
    },
    /// It follows a primary and takes no writes from clients. Becomes `Leaving` when it is detached.
    Secondary {
        /// Whom it follows.
        primary: Member,
        /// All who follow that one, itself included.
        secondaries: Vec<Member>,
    },
    /// Detached: it is nobody's secondary any more and takes no writes yet, because links may still write to it. Becomes
    /// `None` when none does and its nodes carry no point.
    Leaving,
}

impl Role {
    /// The members that follow, if there is a replication.
    #[must_use]
    pub fn secondaries(&self) -> &[Member] {
        match self {
            Self::None | Self::Leaving => &[],
            Self::Primary { secondaries } | Self::Secondary { secondaries, .. } => secondaries,
        }
    }

    /// Whom it follows.
    #[must_use]
    pub fn primary(&self) -> Option<&Member> {
        match self {
            Self::None | Self::Primary { .. } | Self::Leaving => None,
            Self::Secondary { primary, .. } => Some(primary),
        }
    }

    /// Whether it is in a replication at present.
    #[must_use]
    pub fn is_member(&self) -> bool {
        match self {
            Self::None | Self::Leaving => false,
            Self::Primary { .. } | Self::Secondary { .. } => true,
        }
    }
}

/// What clients may do with a node's data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Everything that the product offers.
    #[default]
    ReadWrite,
    /// The same without commands that write.
    ReadOnly,
}

/// How a node is to be set up for its instance's part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// None.
    #[default]
    None,
    /// Others follow it: it keeps more of its stream for them.
    Source,
    /// It follows: clients only read, and it may be a source at the next moment.
    Copy,
}

impl Part {
    /// What clients may do.
    #[must_use]
    pub fn access(self) -> Access {
        match self {
            Self::None | Self::Source => Access::ReadWrite,
            Self::Copy => Access::ReadOnly,
        }
    }
}

/// How a running node is set up for its instance's part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartSeen {
    /// What clients may do.
    pub access: Access,
    /// Whether it leaves expiry to whoever writes to it; nothing where the engine has no such mode.
    pub imports: Option<bool>,
    /// Bytes of the replication stream that it keeps; nothing if it does not tell.
    pub backlog_bytes: Option<u64>,
}

/// What was seen of the replication at one look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplicationSeen {
    /// The primary instance; nothing where there is none, or where nothing is known of it.
    pub source: Option<SourceSeen>,
    /// The links that run, by shard.
    pub links: BTreeMap<ShardIndex, LinkSeen>,
    /// For an instance that leaves or changes places: the point that each serving primary carries.
    pub points: BTreeMap<NodeSerial, Seen<ReplicationPoint>>,
}

/// A primary instance as its own loop saw it last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSeen {
    /// Which.
    pub uid: Uid,
    /// Its shards that serve.
    pub shards: BTreeMap<ShardIndex, SourceShard>,
    /// Whether every slot is owned by one of these and none is on its way.
    pub is_settled: bool,
    /// Whether no node of it takes writes, as far as one may live.
    pub is_closed: bool,
}

/// A shard of a primary instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceShard {
    /// What it owns.
    pub slots: SlotSet,
    /// Where its primary listens.
    pub primary: SocketAddrV4,
    /// Where its replicas in sync listen, in order of serial.
    pub copies: Vec<SocketAddrV4>,
    /// How far its history is; seen after whether it takes writes.
    pub offset: u64,
}

/// A link as it was seen: from a node of the primary instance to the primary of the same shard here.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkSeen {
    /// Where it reads.
    pub source: SocketAddrV4,
    /// Where it writes.
    pub target: NodeSerial,
    /// Where it stands.
    pub state: StreamState,
    /// What of the source's history the target certainly has.
    pub applied: Option<ReplicationPoint>,
    /// Where the source is.
    pub source_offset: Option<u64>,
    /// How much the target lacks.
    pub lag_bytes: Option<u64>,
    /// For how long it has lacked the oldest byte of it.
    pub lag: Option<Duration>,
    /// When the target last had everything.
    pub synced_at: Option<Timestamp>,
}

/// Where a link stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamState {
    /// It finds out where to begin.
    Connecting,
    /// Writes flow.
    Streaming,
    /// Slots move in the source; it stands still.
    SourceResharding,
    /// The target's data cannot be continued; it stands still.
    NeedsSeed {
        /// What is missing.
        lack: SeedLack,
        /// Why, in words.
        reason: String,
    },
    /// Interrupted; it tries again by itself.
    Broken {
        /// Why.
        reason: String,
    },
}

/// Why a target's data cannot be continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeedLack {
    /// The target does not say which point its data shows.
    Point,
    /// The source cannot go on from that point, or the data is no copy any more.
    History,
}

impl StreamState {
    /// Whether it waits for somebody to start another one.
    #[must_use]
    pub fn stands_still(&self) -> bool {
        match self {
            Self::SourceResharding | Self::NeedsSeed { .. } => true,
            Self::Connecting | Self::Streaming | Self::Broken { .. } => false,
        }
    }
}
