//! Backups: what is recorded of them, and what an instance is told of the one that is being made.
//!
//! The files lie in a backup store; these are the records. Invariant: a backup that is `Active` is complete in the store, and
//! one that is `Deleting` never becomes `Active`.

use std::net::SocketAddrV4;

use serde::{Deserialize, Serialize};

use crate::{BackupName, EngineVersion, InstanceName, NodeSerial, NodeType, OperationId, ShardIndex, SlotSet, Timestamp, Uid};

/// The record of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// Its name.
    pub name: BackupName,
    /// Its identity.
    pub uid: Uid,
    /// The instance it is of.
    pub instance: InstanceName,
    /// The incarnation of that instance.
    pub instance_uid: Uid,
    /// Who asked for it.
    pub origin: BackupOrigin,
    /// The operation that makes it.
    pub operation: OperationId,
    /// When it was accepted, by the clock of schedules.
    pub create_time: Timestamp,
    /// When it is to be deleted, by the clock of schedules.
    pub expire_time: Timestamp,
    /// Version line of the instance.
    pub engine_version: EngineVersion,
    /// Type of the instance's nodes.
    pub node_type: NodeType,
    /// Shards of the instance.
    pub shard_count: u16,
    /// Replicas of each shard.
    pub replica_count: u16,
    /// Where it stands.
    pub state: BackupState,
    /// Whether it was proved.
    pub verification: Verification,
}

/// Who asked for a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "origin", rename_all = "snake_case")]
pub enum BackupOrigin {
    /// A client.
    OnDemand,
    /// The schedule.
    Automated {
        /// When it was due.
        due: Timestamp,
    },
}

/// Where a backup stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum BackupState {
    /// Its instance's loop makes it. Becomes `Active`, or `Deleting` when it cannot be made.
    Creating,
    /// It is complete. Becomes `Deleting` on request, or when it expires.
    Active {
        /// What is in it.
        content: BackupContent,
    },
    /// Its files are being removed; then the record goes.
    Deleting {
        /// What was in it, if it was ever complete.
        content: Option<BackupContent>,
    },
}

impl Backup {
    /// What is in it, once it is complete.
    #[must_use]
    pub fn content(&self) -> Option<&BackupContent> {
        match &self.state {
            BackupState::Creating => None,
            BackupState::Active { content } => Some(content),
            BackupState::Deleting { content } => content.as_ref(),
        }
    }

    /// Whether it can be restored.
    #[must_use]
    pub fn is_active(&self) -> bool {
        match self.state {
            BackupState::Active { .. } => true,
            BackupState::Creating | BackupState::Deleting { .. } => false,
        }
    }
}

/// What is in a complete backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupContent {
    /// When the last file was complete, by the machine's clock.
    pub finished_at: Timestamp,
    /// URL of the folder that the files lie in.
    pub url: String,
    /// Sum of the digests of all shards, 32 hex digits.
    pub digest: String,
    /// Its files, by shard.
    pub files: Vec<BackupFile>,
}

impl BackupContent {
    /// Bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Keys of all shards.
    #[must_use]
    pub fn keys(&self) -> u64 {
        self.files.iter().map(|file| file.keys).sum()
    }

    /// The largest key of all shards, where that is known.
    #[must_use]
    pub fn largest_key(&self) -> Option<&KeySize> {
        let keys = self.files.iter().filter_map(|file| file.largest_key.as_ref());
        keys.max_by_key(|key| key.memory_bytes_min)
    }

    /// Memory that the keys of all shards took.
    #[must_use]
    pub fn data_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.data_bytes).sum()
    }
}

/// The file of one shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupFile {
    /// The shard.
    pub shard: ShardIndex,
    /// Name of the file in the backup's folder.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of it, 64 hex digits.
    pub sha256: String,
    /// Keys in it.
    pub keys: u64,
    /// Keys that expire at some time.
    pub keys_expiring: u64,
    /// Digest of its content, 32 hex digits.
    pub digest: String,
    /// Memory that the keys took in the node.
    pub data_bytes: u64,
    /// Its largest key; none where there are no keys, and in records older than this.
    #[serde(default)]
    pub largest_key: Option<KeySize>,
    /// Slots that the shard owned.
    pub slots: SlotSet,
    /// When its snapshot was asked for, by the machine's clock.
    pub begun_at: Timestamp,
    /// When it was complete, by the machine's clock.
    pub finished_at: Timestamp,
}

/// A key, and the room that it needs wherever it goes: it is never divided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySize {
    /// The first 256 bytes of its name, as text.
    pub name: String,
    /// Memory that an engine needs for it at least, in bytes.
    pub memory_bytes_min: u64,
}

/// Whether a backup was restored into a scratch instance and compared with what was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verification", rename_all = "snake_case")]
pub enum Verification {
    /// Nobody asked for it.
    #[default]
    Never,
    /// It is under way.
    Running {
        /// When it was asked for, by the clock of schedules.
        at: Timestamp,
    },
    /// Everything was equal.
    Passed {
        /// When it ended, by the clock of schedules.
        at: Timestamp,
        /// What was compared.
        detail: String,
    },
    /// Something differed, or it could not be restored.
    Failed {
        /// When it ended, by the clock of schedules.
        at: Timestamp,
        /// What.
        detail: String,
    },
}

/// The backup that an instance is to make, as its loop is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupOrder {
    /// Its name.
    pub name: BackupName,
    /// Its identity.
    pub uid: Uid,
    /// When it was accepted, by the machine's clock.
    pub accepted_at: Timestamp,
    /// Whether its client does not want it any more.
    pub is_cancelled: bool,
}

/// Where the data of a shard is taken from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupSource {
    /// The shard.
    pub shard: ShardIndex,
    /// The node.
    pub node: NodeSerial,
    /// Where it listens.
    pub address: SocketAddrV4,
    /// Slots of the shard.
    pub slots: SlotSet,
    /// Memory that its keys take.
    pub data_bytes: u64,
}
