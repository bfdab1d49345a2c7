//! Commands that go out together.

use super::resp;

/// Commands in wire format, and how many replies they get.
#[derive(Debug, Default)]
pub(super) struct Request {
    bytes: Vec<u8>,
    count: usize,
}

impl Request {
    /// One command.
    pub(super) fn of<W: AsRef<[u8]>>(words: &[W]) -> Self {
        let mut request = Self::default();
        request.add(words);
        request
    }

    /// One more command.
    pub(super) fn add<W: AsRef<[u8]>>(&mut self, words: &[W]) {
        resp::encode(words, &mut self.bytes);
        self.count += 1;
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }
}
