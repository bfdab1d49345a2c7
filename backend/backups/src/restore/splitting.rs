//! Reading one source and dividing it, while others are read too.

use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::PlaceProgress;
use super::delivery::{Delivery, GATHERED_BYTES};
use super::ledger::Ledger;
use super::output::Message;
use super::source::PlaceSource;
use crate::blocking::blocking;
use crate::pipeline::PipelineError;
use crate::rdb::{Contents, Owners, RdbError, RdbSplitter, Recorded};
use crate::store::FileReader;

/// Read and divided at a time: enough that changing threads for it does not matter.
const BATCH_BYTES: usize = 1 << 20;

/// What dividing a source needs.
pub(super) struct Splitting<'l, T> {
    pub(super) owners: Arc<Owners>,
    pub(super) outboxes: Vec<mpsc::Sender<Message>>,
    pub(super) ledger: &'l Mutex<Ledger<T>>,
}

/// The bytes of a source, batch by batch.
struct Batches {
    file: FileReader,
    is_over: bool,
}

impl Batches {
    /// The next chunks; none when the file is over.
    async fn next(&mut self) -> Result<Vec<Bytes>, PipelineError> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while bytes < BATCH_BYTES && !self.is_over {
            match self.file.next().await.map_err(PipelineError::Store)? {
                Some(chunk) => {
                    bytes += chunk.len();
                    batch.push(chunk);
                }
                None => self.is_over = true,
            }
        }
        Ok(batch)
    }
}

/// A splitter with what it recorded, as they go from thread to thread.
struct Work {
    splitter: RdbSplitter,
    recorded: Recorded,
}

impl Work {
    fn feed(mut self, batch: Vec<Bytes>) -> Result<Self, RdbError> {
        for chunk in batch {
            self.splitter.feed(chunk, &mut self.recorded)?;
        }
        Ok(self)
    }
}

impl<T: FnMut(PlaceProgress)> Splitting<'_, T> {
    /// Reads a source to its end and sends its records to the outputs. `number` is that of the source.
    pub(super) async fn split(&self, number: usize, source: &PlaceSource) -> Result<Contents, PipelineError> {
        let unusable = |error| PipelineError::Unusable { file: self.ledger().name(number), source: error };
        let file = source.open().await.map_err(PipelineError::Store)?;
        let mut batches = Batches { file, is_over: false };
        let recorded = Recorded::of(self.owners.count());
        let mut work = Work { splitter: RdbSplitter::new(Arc::clone(&self.owners)), recorded };
        let mut delivery = Delivery::new(&self.outboxes);
        let mut batch = batches.next().await?;
        let mut bytes = 0;
        while !batch.is_empty() {
            bytes += batch.iter().map(|chunk| chunk.len() as u64).sum::<u64>();
            let (worked, next) = tokio::join!(blocking(move || work.feed(batch)), batches.next());
            work = worked.map_err(unusable)?;
            self.deliver(number, &mut delivery, &mut work.recorded, GATHERED_BYTES).await?;
            self.ledger().tell(number, PlaceProgress { bytes, keys: work.recorded.keys });
            batch = next?;
        }
        let Work { splitter, mut recorded } = work;
        let contents = splitter.finish().map_err(unusable)?;
        self.ledger().claim(&contents.summary.slots, number)?;
        self.deliver(number, &mut delivery, &mut recorded, 1).await?;
        Ok(contents)
    }

    /// Sends what was recorded, where it is `least` bytes for an output.
    async fn deliver(
        &self,
        number: usize,
        delivery: &mut Delivery<'_>,
        recorded: &mut Recorded,
        least: usize,
    ) -> Result<(), PipelineError> {
        if !delivery.continue_long(recorded).await? {
            return Ok(());
        }
        for (library, record) in std::mem::take(&mut recorded.libraries) {
            let is_new = self.ledger().admit(&library, number)?;
            if is_new {
                delivery.send_to_all(&record).await?;
            }
        }
        delivery.send(recorded, least).await
    }

    /// Never held while waiting.
    fn ledger(&self) -> MutexGuard<'_, Ledger<T>> {
        self.ledger.lock().expect("nobody panicked with it")
    }
}
