//! Commands and lines of the replication handshake, for who speaks to a node as a replica does. Pure.

use bytes::{Buf as _, BytesMut};
use valkyard_model::ReplicationPoint;

/// Longest line of a handshake; the longest real one has some seventy bytes, and errors a few hundred.
const LINE_BYTES_MAX: usize = 16 << 10;

/// A line that no engine sends.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;

/// A command in wire format.
#[must_use]
pub fn command(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
    bytes
}

/// Takes the next line, without its end; `None` when it is not complete.
///
/// # Errors
/// [`TooLong`] for what cannot be a line of a handshake.
pub fn take_line(received: &mut BytesMut) -> Result<Option<String>, TooLong> {
    let Some(end) = received.iter().position(|byte| *byte == b'\n') else {
        return if received.len() > LINE_BYTES_MAX { Err(TooLong) } else { Ok(None) };
    };
    if end > LINE_BYTES_MAX {
        return Err(TooLong);
    }
    let line = received.split_to(end);
    received.advance(1);
    Ok(Some(String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned()))
}

/// Reads `+FULLRESYNC <replication id> <offset>`.
#[must_use]
pub fn replication_point(answer: &str) -> Option<ReplicationPoint> {
    let mut words = answer.strip_prefix("+FULLRESYNC ")?.split(' ');
    let replication_id = words.next()?.to_owned();
    let offset = words.next()?.parse().ok()?;
    Some(ReplicationPoint { replication_id, offset })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_one_by_one_and_are_not_endless() {
        let mut received = BytesMut::from("\n+OK\r\nre".as_bytes());
        assert_eq!(take_line(&mut received), Ok(Some(String::new())));
        assert_eq!(take_line(&mut received), Ok(Some("+OK".to_owned())));
        assert_eq!(take_line(&mut received), Ok(None));
        assert_eq!(&received[..], b"re");
        assert_eq!(take_line(&mut BytesMut::from(vec![b'x'; LINE_BYTES_MAX + 1].as_slice())), Err(TooLong));
    }

    #[test]
    fn a_full_resynchronisation_says_where_it_is() {
        let expected = ReplicationPoint { replication_id: "ab".to_owned(), offset: 7 };
        assert_eq!(replication_point("+FULLRESYNC ab 7"), Some(expected));
        assert_eq!(replication_point("+CONTINUE"), None);
        assert_eq!(replication_point("-NOMASTERLINK Can't SYNC while not connected with my master"), None);
    }
}
