//! The note in a node's folder about its first data: how many keys the file beside it has, and whether they were counted.
//!
//! Written once the file is in place, so a folder with a note has the whole file. The reconciler's world writes and removes it.

use std::fs;
use std::io::{self, ErrorKind};

use valkyard_model::{ImportSeen, ReplicationPoint};

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

/// `<keys> <state>`, and the replication id and offset where the data is of a primary instance.
fn parse(text: &str) -> Option<ImportSeen> {
    let words: Vec<&str> = text.trim_end().split(' ').collect();
    let (keys, state, point) = match words.as_slice() {
        [keys, state] => (keys, state, None),
        [keys, state, id, offset] => {
            let point = ReplicationPoint { replication_id: (*id).to_owned(), offset: offset.parse().ok()? };
            (keys, state, Some(point))
        }
        _ => return None,
    };
    let is_counted = match *state {
        COUNTED => true,
        PLACED => false,
        _ => return None,
    };
    Some(ImportSeen { keys: keys.parse().ok()?, is_counted, point })
}

/// Writes the note.
///
/// # Errors
/// See [`FilesError`]; then the former note is still there.
pub fn note_import(home: &NodeHome, seen: &ImportSeen) -> Result<(), FilesError> {
    let state = if seen.is_counted { COUNTED } else { PLACED };
    let point = seen.point.as_ref().map(|point| format!(" {} {}", point.replication_id, point.offset)).unwrap_or_default();
    rewrite(home, &NodeFile::private(NodeHome::IMPORT_FILE, format!("{} {state}{point}\n", seen.keys)))
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
        let point = Some(ReplicationPoint { replication_id: "ab".to_owned(), offset: 9 });
        let notes = [("0 placed\n", 0, false, None), ("7 counted\n", 7, true, None), ("7 placed ab 9\n", 7, false, point)];
        for (text, keys, is_counted, point) in notes {
            assert_eq!(parse(text), Some(ImportSeen { keys, is_counted, point }));
        }
        for other in ["", "7", "placed", "-1 placed", "7 counted twice", "7 counted ab x"] {
            assert_eq!(parse(other), None, "{other:?}");
        }
    }
}
