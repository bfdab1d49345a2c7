//! The reader that also gives the bytes of each key to whoever shall have it.

use std::sync::Arc;

use bytes::Bytes;

use super::error::RdbError;
use super::file::Contents;
use super::input::Mailbox;
use super::owners::Owners;
use super::reader::RdbReader;
use super::tape::{Recorded, Tape};

/// Reads one RDB file, chunk by chunk, and divides it.
pub(crate) struct RdbSplitter {
    reader: RdbReader,
    mailbox: Mailbox,
}

impl RdbSplitter {
    /// A splitter that awaits the first byte of a file.
    pub(crate) fn new(owners: Arc<Owners>) -> Self {
        let (mailbox, count) = (Mailbox::default(), owners.count());
        Self { reader: RdbReader::on(mailbox.clone(), Some(Tape::new(owners)), count), mailbox }
    }

    /// Reads the next bytes and adds to what was recorded of them.
    pub(crate) fn feed(&mut self, chunk: Bytes, recorded: &mut Recorded) -> Result<(), RdbError> {
        self.mailbox.exchange(recorded);
        let fed = self.reader.feed(chunk);
        self.mailbox.exchange(recorded);
        fed
    }

    /// Says that the file is over. Everything was recorded before.
    pub(crate) fn finish(self) -> Result<Contents, RdbError> {
        self.reader.contents()
    }
}

#[cfg(test)]
mod tests;
