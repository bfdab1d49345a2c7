//! The bytes of a file as they come, with their position and checksum.
//!
//! The reader is one `async` function that waits for bytes and for nothing else: [`RdbReader`](super::RdbReader) puts a chunk
//! into the mailbox and resumes it by hand until it has used the chunk up. There is no runtime and no waker.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use bytes::Bytes;
use crc_fast::CrcAlgorithm;

use super::error::RdbError;
use super::tape::{Recorded, Tape};

/// Where the next chunk is handed over. Locked for a moment by either side, one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Mailbox(Arc<Mutex<Post>>);

#[derive(Debug, Default)]
struct Post {
    chunk: Bytes,
    ended: bool,
    recorded: Recorded,
}

impl Mailbox {
    pub(super) fn put(&self, chunk: Bytes) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).chunk = chunk;
    }

    pub(super) fn end(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
    }

    /// Hands over what was recorded, either way.
    pub(super) fn exchange(&self, recorded: &mut Recorded) {
        std::mem::swap(recorded, &mut self.0.lock().unwrap_or_else(PoisonError::into_inner).recorded);
    }

    /// The next chunk, which is not empty; `None` at the end.
    fn poll_take(&self) -> Poll<Option<Bytes>> {
        let mut post = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !post.chunk.is_empty() {
            return Poll::Ready(Some(std::mem::take(&mut post.chunk)));
        }
        if post.ended { Poll::Ready(None) } else { Poll::Pending }
    }
}

/// What has come and was not read yet.
pub(super) struct Input {
    mailbox: Mailbox,
    chunk: Bytes,
    /// Bytes of the chunk that were read.
    position: usize,
    /// Bytes of the chunk that the checksum has seen.
    summed: usize,
    /// Offset of the chunk in the file.
    chunk_offset: u64,
    checksum: crc_fast::Digest,
    tape: Option<Box<Tape>>,
    /// Bytes of the chunk that the tape has seen.
    taped: usize,
}

impl Input {
    pub(super) fn new(mailbox: Mailbox, tape: Option<Tape>) -> Self {
        let checksum = crc_fast::Digest::new(CrcAlgorithm::Crc64Redis);
        let tape = tape.map(Box::new);
        Self { mailbox, chunk: Bytes::new(), position: 0, summed: 0, chunk_offset: 0, checksum, tape, taped: 0 }
    }

    /// Bytes read so far.
    pub(super) fn offset(&self) -> u64 {
        self.chunk_offset + self.position as u64
    }

    /// The checksum of all bytes read so far.
    pub(super) fn checksum(&mut self) -> u64 {
        self.checksum.update(&self.chunk[self.summed..self.position]);
        self.summed = self.position;
        self.checksum.finalize()
    }

    pub(super) fn corrupt(&self, expected: &'static str) -> RdbError {
        RdbError::Corrupt { offset: self.offset(), expected }
    }

    /// Waits until there is a byte to read; `false` at the end of the file.
    async fn has_more(&mut self) -> bool {
        if self.position < self.chunk.len() {
            return true;
        }
        let mailbox = &self.mailbox;
        // Before the first chunk there is nothing to hand over, and what is in the mailbox came with that chunk.
        if let Some(tape) = self.tape.as_mut().filter(|_tape| !self.chunk.is_empty()) {
            tape.put(&self.chunk[self.taped..]);
            self.taped = self.chunk.len();
            mailbox.exchange(&mut tape.recorded);
        }
        let Some(chunk) = poll_fn(|_context| mailbox.poll_take()).await else { return false };
        if let Some(tape) = &mut self.tape {
            mailbox.exchange(&mut tape.recorded);
            self.taped = 0;
        }
        self.checksum.update(&self.chunk[self.summed..]);
        self.chunk_offset += self.chunk.len() as u64;
        (self.chunk, self.position, self.summed) = (chunk, 0, 0);
        true
    }

    /// Whether the file ends here.
    pub(super) async fn is_at_end(&mut self) -> bool {
        !self.has_more().await
    }

    /// Bytes that can be read without waiting.
    pub(super) fn at_hand(&self) -> u64 {
        (self.chunk.len() - self.position) as u64
    }

    /// Some bytes, one at least and `most` at most.
    pub(super) async fn some(&mut self, most: u64, expected: &'static str) -> Result<&[u8], RdbError> {
        if !self.has_more().await {
            return Err(RdbError::Truncated { offset: self.offset(), expected });
        }
        let there = self.chunk.len() - self.position;
        let taken = usize::try_from(most).map_or(there, |most| most.min(there));
        let from = self.position;
        self.position += taken;
        Ok(&self.chunk[from..self.position])
    }

    /// The next byte, if it is at hand.
    #[inline]
    pub(super) fn byte_at_hand(&mut self) -> Option<u8> {
        let byte = *self.chunk.get(self.position)?;
        self.position += 1;
        Some(byte)
    }

    pub(super) async fn byte(&mut self, expected: &'static str) -> Result<u8, RdbError> {
        match self.byte_at_hand() {
            Some(byte) => Ok(byte),
            None => Ok(self.some(1, expected).await?[0]),
        }
    }

    pub(super) async fn array<const N: usize>(&mut self, expected: &'static str) -> Result<[u8; N], RdbError> {
        let mut array = [0; N];
        if let Some(there) = self.chunk[self.position..].first_chunk::<N>() {
            array = *there;
            self.position += N;
            return Ok(array);
        }
        for byte in &mut array {
            *byte = self.byte(expected).await?;
        }
        Ok(array)
    }

    pub(super) fn is_taped(&self) -> bool {
        self.tape.is_some()
    }

    /// The tape, which has seen everything but the byte just read.
    pub(super) fn tape_from_last(&mut self) -> Option<&mut Tape> {
        let tape = self.tape.as_deref_mut()?;
        self.taped = self.position - 1;
        Some(tape)
    }

    /// The tape, which has seen everything.
    pub(super) fn tape_up_to_here(&mut self) -> Option<&mut Tape> {
        let tape = self.tape.as_deref_mut()?;
        tape.put(&self.chunk[self.taped..self.position]);
        self.taped = self.position;
        Some(tape)
    }
}
