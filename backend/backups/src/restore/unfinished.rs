//! Temporary files of a restore that was killed.

use std::io;
use std::path::Path;

/// What their names begin with.
pub(crate) const UNFINISHED_PREFIX: &str = ".import-";

/// Removes what a killed [`place_files`](super::place_files) left in the folder of a target. No other may be at work there.
///
/// # Errors
/// When the folder cannot be read, or a file of it not removed.
pub fn remove_unfinished_imports(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let is_ours = entry.file_name().as_encoded_bytes().starts_with(UNFINISHED_PREFIX.as_bytes());
        if is_ours && entry.file_type()?.is_file() {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
