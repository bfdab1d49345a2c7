//! Restoring into the same division: where each shard's file serves a shard as it is, nothing is read key by key.
//!
//! Each file is hashed and must be as its record says; then the node's folder gets another name for it. The engine never writes
//! into a file of that name, it replaces it; so what the store keeps stays as it is. Works where store and folders are on one
//! file system of this machine.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use futures::future::try_join_all;
use tokio_util::sync::CancellationToken;

use super::source::PlaceSource;
use super::unfinished::UNFINISHED_PREFIX;
use super::{PlaceProgress, PlaceTarget};
use crate::blocking::blocking;
use crate::pipeline::PipelineError;
use crate::store::{Damage, ShardRecord, StoreError, Tally};

/// Read at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// A kept file and where it is wanted.
struct Pair {
    kept: PathBuf,
    record: ShardRecord,
    damage: Damage,
    target: PathBuf,
}

/// Gives each target the file of its shard as it is; returns how many keys each has. Nothing is done, and nothing returned, where
/// the files have to be divided or cannot have a second name.
///
/// # Errors
/// See [`PipelineError`]; then no file is there.
pub async fn place_whole(
    sources: &[PlaceSource],
    targets: &[PlaceTarget],
    stop: &CancellationToken,
    mut told: impl FnMut(PlaceProgress) + Send,
) -> Result<Option<Vec<u64>>, PipelineError> {
    let Some(pairs) = pairs_of(sources, targets) else { return Ok(None) };
    let checking = try_join_all(pairs.into_iter().map(|pair| {
        let stop = stop.clone();
        blocking(move || check(pair, &stop))
    }));
    let pairs = checking.await.map_err(of_checking)?;
    if stop.is_cancelled() {
        return Err(PipelineError::Stopped);
    }
    let keys: Vec<u64> = pairs.iter().map(|pair| pair.record.keys).collect();
    told(PlaceProgress { bytes: pairs.iter().map(|pair| pair.record.bytes).sum(), keys: keys.iter().sum() });
    Ok(blocking(move || link_all(&pairs)).await?.then_some(keys))
}

/// Why a file is not linked.
enum Refusal {
    Store(StoreError),
    Stopped,
}

fn of_checking(refusal: Refusal) -> PipelineError {
    match refusal {
        Refusal::Store(error) => PipelineError::Store(error),
        Refusal::Stopped => PipelineError::Stopped,
    }
}

/// Each target with the one file that has exactly its slots.
fn pairs_of(sources: &[PlaceSource], targets: &[PlaceTarget]) -> Option<Vec<Pair>> {
    if sources.len() != targets.len() {
        return None;
    }
    targets.iter().map(|target| sources.iter().find_map(|source| pair_of(source, target))).collect()
}

fn pair_of(source: &PlaceSource, target: &PlaceTarget) -> Option<Pair> {
    let PlaceSource::Kept { store, backup, shard } = source else { return None };
    if shard.slots != target.slots {
        return None;
    }
    let kept = store.local_file(backup, &shard.file)?;
    let (bytes, sha256) = (shard.bytes, shard.sha256);
    let damage = Damage {
        backup: backup.clone(),
        file: shard.file.clone(),
        bytes,
        sha256,
        bytes_expected: bytes,
        sha256_expected: sha256,
    };
    Some(Pair { kept, record: shard.as_ref().clone(), damage, target: target.path.clone() })
}

/// Whether the file is as it was written.
fn check(pair: Pair, stop: &CancellationToken) -> Result<Pair, Refusal> {
    let failed = |source| Refusal::Store(StoreError::Folder { verb: "read", path: pair.kept.clone(), source });
    let mut file = File::open(&pair.kept).map_err(failed)?;
    let (mut tally, mut chunk) = (Tally::default(), vec![0; CHUNK_BYTES]);
    loop {
        if stop.is_cancelled() {
            return Err(Refusal::Stopped);
        }
        match file.read(&mut chunk).map_err(failed)? {
            0 => break,
            count => tally.add(&chunk[..count]),
        }
    }
    let (bytes, sha256) = (tally.bytes, tally.sha256());
    if (bytes, sha256) == (pair.damage.bytes_expected, pair.damage.sha256_expected) {
        return Ok(pair);
    }
    Err(Refusal::Store(StoreError::Damaged(Box::new(Damage { bytes, sha256, ..pair.damage }))))
}

/// Gives every file its second name, or none of them; `false` where that cannot be.
fn link_all(pairs: &[Pair]) -> Result<bool, PipelineError> {
    let mut linked: Vec<&Path> = Vec::new();
    for pair in pairs {
        match link(pair) {
            Ok(()) => linked.push(&pair.target),
            Err(error) => {
                // The first error is the one to tell; what cannot be removed now is replaced by the next attempt.
                linked.iter().for_each(|path| drop(std::fs::remove_file(path)));
                let is_impossible = matches!(
                    error.kind(),
                    io::ErrorKind::CrossesDevices
                        | io::ErrorKind::Unsupported
                        | io::ErrorKind::TooManyLinks
                        | io::ErrorKind::PermissionDenied
                );
                return if is_impossible {
                    Ok(false)
                } else {
                    Err(PipelineError::Write { path: pair.target.clone(), source: error })
                };
            }
        }
    }
    Ok(true)
}

/// A name that is there already is replaced.
fn link(pair: &Pair) -> io::Result<()> {
    let folder = pair.target.parent().unwrap_or(Path::new("."));
    let temporary = folder.join(format!("{UNFINISHED_PREFIX}linked"));
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    std::fs::hard_link(&pair.kept, &temporary)?;
    std::fs::rename(&temporary, &pair.target)?;
    // Two names of one file: the rename has left the first one.
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    File::open(folder)?.sync_all()
}
