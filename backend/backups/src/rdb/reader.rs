//! The reader as others see it: bytes in, a summary out.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::error::RdbError;
use super::file::{Contents, File};
use super::input::{Input, Mailbox};
use super::summary::RdbSummary;
use super::tape::Tape;

type Reading = Pin<Box<dyn Future<Output = Result<Contents, RdbError>> + Send>>;

/// Reads one RDB file, chunk by chunk.
pub struct RdbReader {
    mailbox: Mailbox,
    state: State,
}

enum State {
    Reading(Reading),
    Failed(RdbError),
}

impl RdbReader {
    /// A reader that awaits the first byte of a file.
    #[must_use]
    pub fn new() -> Self {
        Self::on(Mailbox::default(), None, 1)
    }

    /// One that records for this many owners.
    pub(super) fn on(mailbox: Mailbox, tape: Option<Tape>, owners: usize) -> Self {
        let state = State::Reading(Box::pin(File::new(Input::new(mailbox.clone(), tape), owners).read()));
        Self { mailbox, state }
    }

    /// Reads the next bytes, however many; all of them are used before it returns.
    ///
    /// # Errors
    /// As soon as the bytes cannot be an RDB file that is known; again at every later call.
    pub fn feed(&mut self, chunk: Bytes) -> Result<(), RdbError> {
        self.mailbox.put(chunk);
        match self.resume() {
            Some(Err(error)) => {
                self.state = State::Failed(error.clone());
                Err(error)
            }
            Some(Ok(_)) | None => Ok(()),
        }
    }

    /// Says that the file is over.
    ///
    /// # Errors
    /// When the file was not complete, or was refused before.
    ///
    /// # Panics
    /// Never: with its end known, a file has nothing to wait for.
    pub fn finish(self) -> Result<RdbSummary, RdbError> {
        self.contents().map(|contents| contents.summary)
    }

    pub(super) fn contents(mut self) -> Result<Contents, RdbError> {
        self.mailbox.end();
        self.resume().expect("with its end known, a file has nothing to wait for")
    }

    fn resume(&mut self) -> Option<Result<Contents, RdbError>> {
        match &mut self.state {
            State::Failed(error) => Some(Err(error.clone())),
            State::Reading(reading) => match reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(outcome) => Some(outcome),
                Poll::Pending => None,
            },
        }
    }
}

impl Default for RdbReader {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RdbReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RdbReader").finish_non_exhaustive()
    }
}
