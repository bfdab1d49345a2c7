//! The note in a node's folder about its first data: how many keys the file beside it has, and whether they were counted.
//!
//! Written once the file is in place, so a folder with a note has the whole file. The reconciler's world writes and removes it.

use std::fs;
use std::io::{self, ErrorKind};

use valkyard_model::ImportSeen;

use crate::files::{FilesError, NodeFile, delete_file, rewrite};
use crate::node_home::NodeHome;

const COUNTED: &str = "counted";
const PLACED: &str = "placed";

/// Reads the note; nothing where there is none, or none that can be read.
pub(crate) fn import_seen(home: &NodeHome) -> io::Result<Option<ImportSeen>> {
    match fs::read_to_string(home.path().join(NodeHome::IMPORT_FILE)) {
        Ok(text) => Ok(parse(&text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse(text: &str) -> Option<ImportSeen> {
    let (keys, state) = text.trim_end().split_once(' ')?;
    let is_counted = match state {
        COUNTED => true,
        PLACED => false,
        _ => return None,
    };
    Some(ImportSeen { keys: keys.parse().ok()?, is_counted })
}

/// Writes the note.
///
/// # Errors
/// See [`FilesError`]; then the former note is still there.
pub fn note_import(home: &NodeHome, seen: ImportSeen) -> Result<(), FilesError> {
    let state = if seen.is_counted { COUNTED } else { PLACED };
    rewrite(home, &NodeFile::private(NodeHome::IMPORT_FILE, format!("{} {state}\n", seen.keys)))
}

/// Removes the note, if there is one.
///
/// # Errors
/// See [`FilesError`].
pub fn forget_import(home: &NodeHome) -> Result<(), FilesError> {
    delete_file(&home.path().join(NodeHome::IMPORT_FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written_and_nothing_else_is_one() {
        for seen in [ImportSeen { keys: 0, is_counted: false }, ImportSeen { keys: 7, is_counted: true }] {
            let state = if seen.is_counted { COUNTED } else { PLACED };
            assert_eq!(parse(&format!("{} {state}\n", seen.keys)), Some(seen));
        }
        for other in ["", "7", "placed", "-1 placed", "7 counted twice"] {
            assert_eq!(parse(other), None, "{other:?}");
        }
    }
}
