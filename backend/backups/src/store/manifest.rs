//! The manifest of a backup: what it is of, and what is in it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use valkyard_model::{BackupContent, EngineVersion, KeySize, NodeType, SlotSet, Uid};

use super::error::StoreError;
use super::names::{BackupRef, ShardName};
use super::sha256::Sha256;
use crate::rdb::ContentDigest;

/// The version of manifests that is written and read here.
pub const MANIFEST_VERSION: u64 = 1;

/// What a backup is of and what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`].
    pub version: u64,
    /// Its name.
    #[serde(flatten)]
    pub backup: BackupRef,
    /// When it was begun.
    pub begun_at: DateTime<Utc>,
    /// When its last file was complete.
    pub finished_at: DateTime<Utc>,
    /// Version of the engine that the data is from.
    pub engine_version: EngineVersion,
    /// Node type of the instance.
    pub node_type: NodeType,
    /// Shards of the instance; each has a record.
    pub shard_count: u16,
    /// Replicas of each shard.
    pub replica_count: u16,
    /// Its files.
    pub shards: Vec<ShardRecord>,
    /// What the caller wants to find again, such as the instance's name.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

/// The file of one shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardRecord {
    /// The shard.
    pub shard: ShardName,
    /// Its file.
    pub file: String,
    /// Length of the file.
    pub bytes: u64,
    /// Hash of the file.
    pub sha256: Sha256,
    /// Version of the RDB form.
    pub rdb_version: u16,
    /// Keys in it.
    pub keys: u64,
    /// Keys that expire at some time.
    pub keys_expiring: u64,
    /// Keys that never expire, neither as a whole nor in one of their fields. Zero in manifests older than this number.
    #[serde(default)]
    pub keys_lasting: u64,
    /// When the first key or field expires, in milliseconds since 1970.
    pub first_expiry_ms: Option<i64>,
    /// Digest of its content. Those of all shards add up to that of the instance.
    pub digest: ContentDigest,
    /// Digest of the lasting keys only; the same however late it is compared. Zero in manifests older than it.
    #[serde(default)]
    pub digest_lasting: ContentDigest,
    /// Memory that its data took in the node. Zero in manifests older than this number.
    #[serde(default)]
    pub data_bytes: u64,
    /// Function libraries in it.
    pub libraries: u64,
    /// Bytes of its largest key.
    pub largest_key_bytes: u64,
    /// Its largest key; none where there are no keys, and in manifests older than this.
    #[serde(default)]
    pub largest_key: Option<KeySize>,
    /// Slots that the shard owned.
    pub slots: SlotSet,
    /// Whose history the data is a point of, 40 hex digits.
    pub replication_id: String,
    /// The point: bytes of that history.
    pub replication_offset: u64,
    /// When its snapshot was asked for.
    pub begun_at: DateTime<Utc>,
    /// When its file was complete.
    pub finished_at: DateTime<Utc>,
}

/// The attribute that holds the identity of the backup.
pub const IDENTITY_ATTRIBUTE: &str = "backup_uid";

impl Manifest {
    /// Whether it is of the backup with this identity.
    #[must_use]
    pub fn is_of(&self, uid: Uid) -> bool {
        self.attributes.get(IDENTITY_ATTRIBUTE).is_some_and(|identity| *identity == uid.to_string())
    }

    /// Whether it is of this very backup, with the files that are recorded of it.
    #[must_use]
    pub fn matches(&self, uid: Uid, content: &BackupContent) -> bool {
        let is_recorded = |shard: &ShardRecord| {
            let found = content.files.iter().find(|file| file.file == shard.file);
            found.is_some_and(|file| {
                (file.bytes, file.keys) == (shard.bytes, shard.keys)
                    && (&file.sha256, &file.digest) == (&shard.sha256.to_string(), &shard.digest.to_string())
            })
        };
        self.is_of(uid) && self.shards.len() == content.files.len() && self.shards.iter().all(is_recorded)
    }

    /// Bytes of all files.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.shards.iter().map(|shard| shard.bytes).sum()
    }

    /// Keys in all files.
    #[must_use]
    pub fn total_keys(&self) -> u64 {
        self.shards.iter().map(|shard| shard.keys).sum()
    }

    /// Digest of the content of all files.
    #[must_use]
    pub fn digest(&self) -> ContentDigest {
        self.shards.iter().map(|shard| shard.digest).sum()
    }

    pub(super) fn to_json(&self) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec_pretty(self).map_err(|source| StoreError::Manifest { backup: self.backup.clone(), source })
    }

    /// Looks at the version first: another one may have other fields.
    pub(super) fn from_json(backup: &BackupRef, json: &[u8]) -> Result<Self, StoreError> {
        #[derive(Deserialize)]
        struct Version {
            version: u64,
        }
        let unreadable = |source| StoreError::Manifest { backup: backup.clone(), source };
        let Version { version: found } = serde_json::from_slice(json).map_err(unreadable)?;
        if found != MANIFEST_VERSION {
            return Err(StoreError::ManifestVersion { backup: backup.clone(), found, known: MANIFEST_VERSION });
        }
        serde_json::from_slice(json).map_err(unreadable)
    }
}
