//! Telling the file from what surrounds it: either its length is announced, or a mark of forty random bytes ends it. Pure.

use bytes::{Bytes, BytesMut};

/// Length of the mark.
const MARK_BYTES: usize = 40;

/// What is left of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Payload {
    end: End,
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    /// After so many bytes.
    After(u64),
    /// Where the mark stands.
    Mark(Box<[u8; MARK_BYTES]>),
}

impl Payload {
    pub(super) fn ended() -> Self {
        Self { end: End::After(0) }
    }

    /// Reads `$<length>` or `$EOF:<mark>`.
    pub(super) fn announced(line: &str) -> Option<Self> {
        let text = line.strip_prefix('$')?;
        let end = match text.strip_prefix("EOF:") {
            Some(mark) => End::Mark(Box::new(mark.as_bytes().try_into().ok()?)),
            None => End::After(text.parse().ok()?),
        };
        Some(Self { end })
    }

    pub(super) fn is_complete(&self) -> bool {
        self.end == End::After(0)
    }

    /// Takes what certainly belongs to the file. The last bytes stay while they could be the mark's beginning.
    pub(super) fn take(&mut self, received: &mut BytesMut) -> Bytes {
        match &mut self.end {
            End::After(left) => {
                let count = usize::try_from(*left).map_or(received.len(), |left| left.min(received.len()));
                *left -= count as u64;
                received.split_to(count).freeze()
            }
            End::Mark(mark) => {
                let Some(before) = received.len().checked_sub(MARK_BYTES) else { return Bytes::new() };
                // Nothing follows the mark on such a connection, so only the last bytes can be it.
                let is_over = received[before..] == mark[..];
                let file = received.split_to(before).freeze();
                if is_over {
                    received.clear();
                    self.end = End::After(0);
                }
                file
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(payload: &mut Payload, wire: &[u8], part: usize) -> Vec<u8> {
        let (mut received, mut file) = (BytesMut::new(), Vec::new());
        for bytes in wire.chunks(part) {
            received.extend_from_slice(bytes);
            file.extend_from_slice(&payload.take(&mut received));
        }
        file
    }

    #[test]
    fn a_mark_ends_the_file_wherever_the_chunks_end() {
        let mark = "0123456789abcdef0123456789abcdef01234567";
        for part in [1, 3, 40, 41, 1_000] {
            let mut payload = Payload::announced(&format!("$EOF:{mark}")).unwrap();
            let wire = format!("REDIS0011 with 0123456789 in it{mark}");
            assert_eq!(collect(&mut payload, wire.as_bytes(), part), b"REDIS0011 with 0123456789 in it");
            assert!(payload.is_complete());
        }
    }

    #[test]
    fn a_file_without_its_mark_is_not_complete() {
        let mut payload = Payload::announced("$EOF:0123456789abcdef0123456789abcdef01234567").unwrap();
        collect(&mut payload, b"REDIS0011 0123456789abcdef0123456789abcdef0123456", 7);
        assert!(!payload.is_complete());
    }

    #[test]
    fn an_announced_length_is_kept_to() {
        let mut payload = Payload::announced("$5").unwrap();
        assert_eq!(collect(&mut payload, b"12345rest", 2), b"12345");
        assert!(payload.is_complete());
        assert_eq!(Payload::announced("$EOF:short"), None);
        assert_eq!(Payload::announced("-ERR"), None);
    }
}
