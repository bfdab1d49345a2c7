//! Room on the disk set aside beside the database file, for the writes that lead out of a full disk.
//!
//! Used by the session of the writing connection alone. Invariant: what was claimed as held was allocated and synced first,
//! and only a write that lets work end takes from it; whatever accepts new work never does. It does not decide which
//! writes those are.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use tracing::{debug, info, warn};

/// What one attempt is given; the rest stays out of reach of whoever fills the disk. A changed page costs 4 120 bytes in the
/// log (4 096 and a frame header). The record of the largest instance, 250 nodes, 64 labels (twice: the spec and what it was
/// settled with) and 100 losses, is below 120 KiB: 30 pages. Retiring its nodes, giving it up or deleting it changes these and
/// some 20 pages of trees and indexes: 50 × 4 120 bytes, 202 KiB. Then 54 KiB are left for what a checkpoint adds to the
/// database file.
const PORTION_BYTES: u64 = 256 << 10;
/// Four portions: the largest write of all, recording that the largest instance is complete, takes three (record and
/// snapshot of 30 pages each, 20 others, as much again where a checkpoint makes the file longer: 160 × 4 120 bytes). Deleting
/// takes one, and a log that was checkpointed is written again from its start without any (measured: completing, retiring all
/// nodes, deleting and removing the largest instance in a row take three).
const RESERVE_BYTES: u64 = 4 * PORTION_BYTES;
/// As private as the database.
const FILE_MODE: u32 = 0o600;
/// What `st_blocks` counts in.
const BLOCK_BYTES: u64 = 512;

/// The file, and how much room it holds.
#[derive(Debug)]
pub(crate) struct Reserve {
    path: PathBuf,
    held_bytes: u64,
}

impl Reserve {
    /// The reserve of a database file, as large as the disk permits: a full disk is no reason not to start.
    pub(crate) fn beside(database: &Path) -> Self {
        let mut name = database.as_os_str().to_owned();
        name.push(".reserve");
        let mut reserve = Self { path: PathBuf::from(name), held_bytes: 0 };
        if let Err(error) = reserve.adopt().and_then(|()| reserve.fill()) {
            warn!(path = %reserve.path.display(), %error, "cannot set room aside for the day the disk is full");
        }
        reserve
    }

    /// Gives a portion back to the file system. False when there is nothing left to give.
    pub(crate) fn release_portion(&mut self) -> bool {
        if self.held_bytes == 0 {
            return false;
        }
        let left = self.held_bytes.saturating_sub(PORTION_BYTES);
        match self.shrink(left) {
            Ok(()) => {
                self.held_bytes = left;
                warn!(path = %self.path.display(), left_bytes = left, "the disk is full: the reserve is used to end work under way");
                true
            }
            Err(error) => {
                self.held_bytes = 0;
                warn!(path = %self.path.display(), %error, "the disk is full and the reserve cannot be used");
                false
            }
        }
    }

    /// Makes the reserve whole if the disk has room again. Costs nothing while it is whole.
    pub(crate) fn refill_if_short(&mut self) {
        if self.held_bytes >= RESERVE_BYTES {
            return;
        }
        match self.fill() {
            Ok(()) => info!(path = %self.path.display(), "the reserve for a full disk is whole again"),
            Err(error) => debug!(path = %self.path.display(), %error, "no room yet to refill the reserve"),
        }
    }

    /// Counts what an earlier daemon left: only what the file system has really allocated.
    fn adopt(&mut self) -> io::Result<()> {
        let found = match fs::metadata(&self.path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let held = found.len().min(found.blocks() * BLOCK_BYTES).min(RESERVE_BYTES);
        self.open()?.set_len(held)?;
        self.held_bytes = held;
        Ok(())
    }

    /// Appends what is missing, or leaves the file as it was.
    fn fill(&mut self) -> io::Result<()> {
        if self.held_bytes >= RESERVE_BYTES {
            return Ok(());
        }
        let mut file = self.open()?;
        // Somebody may have removed or cut the file meanwhile: a hole in it would hold no room.
        self.held_bytes = self.held_bytes.min(file.metadata()?.len());
        if let Err(error) = append_zeros(&mut file, self.held_bytes, RESERVE_BYTES) {
            self.shrink(self.held_bytes)?;
            return Err(error);
        }
        self.held_bytes = RESERVE_BYTES;
        Ok(())
    }

    /// The room is free when this returns: some file systems give blocks out again only after a sync.
    fn shrink(&self, bytes: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(&self.path)?;
        file.set_len(bytes)?;
        file.sync_all()?;
        if bytes == 0 { fs::remove_file(&self.path) } else { Ok(()) }
    }

    fn open(&self) -> io::Result<File> {
        OpenOptions::new().create(true).truncate(false).write(true).mode(FILE_MODE).open(&self.path)
    }
}

/// Written and synced, because a length alone allocates nothing.
fn append_zeros(file: &mut File, from: u64, to: u64) -> io::Result<()> {
    file.seek(SeekFrom::Start(from))?;
    io::copy(&mut io::repeat(0).take(to - from), file)?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
