//! The end of a node's log, for messages about why it ended.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use crate::node_home::NodeHome;

/// The most that is read: some eighty lines, of which the last ones are kept.
const BYTES_MAX: u64 = 16 << 10;
/// Lines kept: an engine that cannot start says why in its last few.
const LINES_MAX: usize = 20;

/// The last lines of a node's log; empty if there is none or it cannot be read.
#[must_use]
pub fn log_tail(home: &NodeHome) -> String {
    let bytes = read_end(home).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES_MAX)..].join("\n")
}

fn read_end(home: &NodeHome) -> io::Result<Vec<u8>> {
    let mut file = File::open(home.log_path())?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(BYTES_MAX)))?;
    let mut bytes = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}
