//! Whole ways in one pass: from a node through the reader into a store, and from a store through the reader into a folder.
//!
//! The daemon's backup and restore work calls it. Invariant: at most 64 MiB are held whatever the size (parts of an upload on
//! their way, one chunk, and what the reader holds), and what fails or is stopped leaves no file behind. It does not try again
//! and starts no tasks. Each way ends soon after its `stop` is cancelled; that is better than dropping it, because only a way
//! that ends can tell a remote store to forget the parts it has.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use valkyard_model::{ReplicationPoint, Slot, SlotSet};

use crate::placement::Placement;
use crate::rdb::{LargestKey, RdbError, RdbReader, RdbSummary};
use crate::store::{BackupWriter, FileReader, FileReceipt, ShardName, ShardRecord, ShardWriter, StoreError};
use crate::tap::{Tap, TapError, TapRequest};

/// Why a way ended early.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The node did not give a whole snapshot.
    #[error("failed to get the node's data")]
    Tap(#[source] TapError),
    /// What came is not a file that can be kept.
    #[error("failed to understand the data")]
    Rdb(#[source] RdbError),
    /// The store failed.
    #[error("failed to keep or fetch the file")]
    Store(#[source] StoreError),
    /// The folder of the file to be written failed.
    #[error("failed to write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A file to restore from cannot be used.
    #[error("failed to use {file}")]
    Unusable {
        /// The file.
        file: String,
        /// The cause.
        #[source]
        source: RdbError,
    },
    /// Two files to restore from have keys of one slot, so they are not of one cluster, or one of them is there twice.
    #[error(
        "{} and {} both have keys of slot {}, and a slot can come from one file only: leave one of them out",
        files[0], files[1], slot.number()
    )]
    SourcesShare {
        /// The slot.
        slot: Slot,
        /// The files.
        files: [String; 2],
    },
    /// Two files to restore from have different function libraries of one name.
    #[error(
        "function library {name} is not the same in {} and {}, and a cluster has it once: make them the same, or leave one file out",
        files[0], files[1]
    )]
    LibrariesDiffer {
        /// The library.
        name: String,
        /// The files.
        files: [String; 2],
    },
    /// Two shards to restore to have one slot.
    #[error("slot {} was given to two shards, and can be in one only", slot.number())]
    TargetsShare {
        /// The slot.
        slot: Slot,
    },
    /// It was told to stop.
    #[error("stopped")]
    Stopped,
}

/// A shard's data that was taken and kept.
#[derive(Clone, Debug)]
pub struct TakenShard {
    /// The shard.
    pub shard: ShardName,
    /// The file.
    pub receipt: FileReceipt,
    /// What is in it.
    pub summary: RdbSummary,
    /// The point in the primary's history that it shows.
    pub point: ReplicationPoint,
}

impl TakenShard {
    /// Its record in the manifest. `slots` are those that the shard owned, `data_bytes` the memory that its data took in the
    /// node.
    #[must_use]
    pub fn record(&self, slots: SlotSet, data_bytes: u64, begun_at: DateTime<Utc>, finished_at: DateTime<Utc>) -> ShardRecord {
        let Self { shard, receipt, summary, point } = self;
        ShardRecord {
            shard: shard.clone(),
            file: receipt.file.clone(),
            bytes: receipt.bytes,
            sha256: receipt.sha256,
            rdb_version: summary.format.version,
            keys: summary.keys,
            keys_expiring: summary.keys_expiring,
            keys_lasting: summary.keys_lasting,
            first_expiry_ms: summary.first_expiry_ms,
            digest: summary.digest,
            digest_lasting: summary.digest_lasting,
            data_bytes,
            libraries: summary.libraries.len() as u64,
            largest_key_bytes: summary.largest.as_ref().map_or(0, |largest| largest.payload_bytes),
            largest_key: summary.largest.as_ref().map(LargestKey::size),
            slots,
            replication_id: point.replication_id.clone(),
            replication_offset: point.offset,
            begun_at,
            finished_at,
        }
    }
}

/// Taps a node and keeps its data as the file of a shard. `told` hears how many bytes came, after each chunk.
///
/// # Errors
/// See [`PipelineError`]; then nothing of the file is left but what the store refused to remove.
pub async fn take_shard(
    request: &TapRequest,
    writer: &BackupWriter,
    shard: &ShardName,
    stop: &CancellationToken,
    mut told: impl FnMut(u64),
) -> Result<TakenShard, PipelineError> {
    let opening = stop.run_until_cancelled(Tap::open(request)).await;
    let mut tap = opening.ok_or(PipelineError::Stopped)?.map_err(PipelineError::Tap)?;
    let mut file = writer.shard(shard);
    let copying = stop.run_until_cancelled(copy(&mut tap, &mut file, &mut told)).await;
    match copying.unwrap_or(Err(PipelineError::Stopped)) {
        Ok(summary) => {
            let receipt = file.finish().await.map_err(PipelineError::Store)?;
            Ok(TakenShard { shard: shard.clone(), receipt, summary, point: tap.point().clone() })
        }
        Err(error) => {
            // The first error is the one to tell; what could not be removed is found as a leftover.
            drop(file.abort().await);
            Err(error)
        }
    }
}

async fn copy(tap: &mut Tap, file: &mut ShardWriter, told: &mut impl FnMut(u64)) -> Result<RdbSummary, PipelineError> {
    let mut reader = RdbReader::new();
    while let Some(chunk) = tap.next().await.map_err(PipelineError::Tap)? {
        reader.feed(chunk.clone()).map_err(PipelineError::Rdb)?;
        file.write(&chunk).await.map_err(PipelineError::Store)?;
        told(file.bytes());
    }
    reader.finish().map_err(PipelineError::Rdb)
}

/// Reads a kept or imported file to its end and says what is in it. `told` hears how many bytes were read, after each chunk.
///
/// # Errors
/// See [`PipelineError`].
pub async fn check_file(
    file: &mut FileReader,
    stop: &CancellationToken,
    mut told: impl FnMut(u64),
) -> Result<RdbSummary, PipelineError> {
    let reading = async {
        let mut reader = RdbReader::new();
        while let Some(chunk) = next(file, &mut reader).await? {
            drop(chunk);
            told(file.bytes());
        }
        reader.finish().map_err(PipelineError::Rdb)
    };
    stop.run_until_cancelled(reading).await.unwrap_or(Err(PipelineError::Stopped))
}

/// Taps a node and writes its data to `target`, where an engine will load it, which appears there only once it is whole,
/// valid and on disk. Returns what is in it and the point in the primary's history that it shows.
///
/// # Errors
/// See [`PipelineError`]; then `target` is as it was.
pub async fn place_tap(
    request: &TapRequest,
    target: &Path,
    stop: &CancellationToken,
    mut told: impl FnMut(u64),
) -> Result<(RdbSummary, ReplicationPoint), PipelineError> {
    let opening = stop.run_until_cancelled(Tap::open(request)).await;
    let mut tap = opening.ok_or(PipelineError::Stopped)?.map_err(PipelineError::Tap)?;
    let mut placement = Placement::begin(target).await?;
    let writing = async {
        let mut reader = RdbReader::new();
        while let Some(chunk) = tap.next().await.map_err(PipelineError::Tap)? {
            reader.feed(chunk.clone()).map_err(PipelineError::Rdb)?;
            placement.write(&chunk).await?;
            told(tap.received_bytes());
        }
        reader.finish().map_err(PipelineError::Rdb)
    };
    let summary = stop.run_until_cancelled(writing).await.unwrap_or(Err(PipelineError::Stopped))?;
    placement.finish().await?;
    Ok((summary, tap.point().clone()))
}

async fn next(file: &mut FileReader, reader: &mut RdbReader) -> Result<Option<Bytes>, PipelineError> {
    let chunk = file.next().await.map_err(PipelineError::Store)?;
    if let Some(chunk) = &chunk {
        reader.feed(chunk.clone()).map_err(PipelineError::Rdb)?;
    }
    Ok(chunk)
}
