//! The way of recorded bytes from one source to the outputs.

use tokio::sync::mpsc;

use super::output::Message;
use crate::pipeline::PipelineError;
use crate::rdb::Recorded;

/// Records are gathered up to about this size before they go, so that writes are few.
pub(super) const GATHERED_BYTES: usize = 256 << 10;
/// A record of which so much has come and which is not over goes bit by bit.
const HELD_BYTES_MAX: usize = 1 << 20;
/// Bits of a long record on their way.
const BITS_MAX: usize = 2;

/// What one source has on its way.
///
/// While a long record of it goes to an output, which then takes nothing from others, it waits for no other output; so no two
/// sources can wait for each other.
pub(super) struct Delivery<'o> {
    outboxes: &'o [mpsc::Sender<Message>],
    /// The long record on its way, with its output.
    long: Option<(usize, mpsc::Sender<Vec<u8>>)>,
}

/// The output is gone. It told why itself.
fn gone<T>(_unsent: mpsc::error::SendError<T>) -> PipelineError {
    PipelineError::Stopped
}

impl<'o> Delivery<'o> {
    pub(super) fn new(outboxes: &'o [mpsc::Sender<Message>]) -> Self {
        Self { outboxes, long: None }
    }

    /// Sends what goes before all else: the rest of a long record. `false` when that is still not over.
    pub(super) async fn continue_long(&mut self, recorded: &mut Recorded) -> Result<bool, PipelineError> {
        let Some((output, record)) = &self.long else { return Ok(true) };
        let part = &mut recorded.parts[*output];
        let is_over = part.whole() > 0 || !part.is_open();
        let rest = if is_over { part.take_whole() } else { part.take_all() };
        record.send(rest).await.map_err(gone)?;
        if is_over {
            self.long = None;
        }
        Ok(is_over)
    }

    /// Sends a record to every output.
    pub(super) async fn send_to_all(&self, record: &[u8]) -> Result<(), PipelineError> {
        for outbox in self.outboxes {
            outbox.send(Message::Records(record.to_vec())).await.map_err(gone)?;
        }
        Ok(())
    }

    /// Sends the records of each output that amount to so many bytes, and begins a long record if there is one.
    pub(super) async fn send(&mut self, recorded: &mut Recorded, least: usize) -> Result<(), PipelineError> {
        for (outbox, part) in self.outboxes.iter().zip(&mut recorded.parts) {
            if part.whole() >= least {
                outbox.send(Message::Records(part.take_whole())).await.map_err(gone)?;
            }
        }
        let long = recorded.parts.iter_mut().enumerate().find(|(_, part)| part.len() - part.whole() > HELD_BYTES_MAX);
        let Some((output, part)) = long else { return Ok(()) };
        if part.whole() > 0 {
            self.outboxes[output].send(Message::Records(part.take_whole())).await.map_err(gone)?;
        }
        let (record, bits) = mpsc::channel(BITS_MAX);
        self.outboxes[output].send(Message::Record(bits)).await.map_err(gone)?;
        record.send(part.take_all()).await.map_err(gone)?;
        self.long = Some((output, record));
        Ok(())
    }
}
