//! From a source's stream to a target's transactions.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncWriteExt as _;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use valkyard_engine::handshake;
use valkyard_model::{ReplicationPoint, Slot};

use crate::batch::{Batch, Outgoing};
use crate::checkpoint::Checkpoint;
use crate::ends::{End, Warden};
use crate::intake::Intake;
use crate::kind::Kind;
use crate::link::LinkRequest;
use crate::progress::Progress;
use crate::status::{LinkFault, Side};
use crate::stream::{Command, Cutter, Piece};

/// Least time between the ends of two batches: what a batch costs a target beyond its writes is then some percent of it.
const BATCH_TIME_MIN: Duration = Duration::from_millis(1);
/// A batch of this size ends at the next boundary. Some thousand writes, which keep a target's readers waiting for two
/// milliseconds.
const BATCH_BYTES: u64 = 128 << 10;
/// Bytes of batches that are sent and not answered. Enough to keep a target busy, and little to repeat.
const UNANSWERED_BYTES_MAX: u32 = 4 << 20;
/// Batches that are sent and not answered.
pub(crate) const UNANSWERED_MAX: usize = 256;
/// What is put together before it is sent, when a batch goes on.
const SEND_BYTES: usize = 64 << 10;

/// A batch that was sent.
#[derive(Debug)]
pub(crate) struct Sent {
    /// Replies that it gets.
    pub(crate) replies: u64,
    /// What the target holds when it has carried it out.
    pub(crate) point: ReplicationPoint,
    /// Room that it takes until it is answered.
    pub(crate) _room: OwnedSemaphorePermit,
}

/// Reads, cuts, puts together and sends.
#[derive(Debug)]
pub(crate) struct Pump<'l> {
    request: &'l LinkRequest,
    progress: &'l Progress,
    target: OwnedWriteHalf,
    warden: Warden,
    sent: mpsc::Sender<Sent>,
    asked: &'l Notify,
    cutter: Cutter,
    received: BytesMut,
    outgoing: Outgoing,
    /// As of the last boundary.
    checkpoint: Checkpoint,
    /// As of the last byte that was cut off.
    offset: u64,
    in_transaction: bool,
    room: Arc<Semaphore>,
    due: Instant,
}

/// What a pump needs beside what it makes itself.
#[derive(Debug)]
pub(crate) struct PumpParts<'l> {
    pub(crate) request: &'l LinkRequest,
    pub(crate) progress: &'l Progress,
    pub(crate) target: OwnedWriteHalf,
    pub(crate) warden: Warden,
    pub(crate) sent: mpsc::Sender<Sent>,
    pub(crate) asked: &'l Notify,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) slot: Slot,
}

impl<'l> Pump<'l> {
    pub(crate) fn new(parts: PumpParts<'l>) -> Self {
        let PumpParts { request, progress, target, warden, sent, asked, checkpoint, slot } = parts;
        Self {
            request,
            progress,
            target,
            warden,
            sent,
            asked,
            cutter: Cutter::default(),
            received: BytesMut::new(),
            outgoing: Outgoing::new(slot),
            offset: checkpoint.at.offset,
            checkpoint,
            in_transaction: false,
            room: Arc::new(Semaphore::new(UNANSWERED_BYTES_MAX as usize)),
            due: Instant::now(),
        }
    }

    /// Runs until something ends it; stops at a boundary of batches, with everything that was sent answered. Dropping it in the
    /// middle of a batch leaves that batch undone. `is_news` says that the target does not carry the checkpoint yet.
    pub(crate) async fn run(mut self, mut intake: Intake, is_news: bool, stop: &CancellationToken) -> End {
        if is_news {
            // Before anything else: a history that got a new name is known under the old one only to the node that took over.
            self.outgoing.batch();
        }
        if self.checkpoint.database != 0 {
            self.outgoing.add_direct(&handshake::command(&["SELECT", &self.checkpoint.database.to_string()]));
        }
        loop {
            if let Err(end) = self.digest().await {
                return end;
            }
            let is_boundary = self.is_boundary();
            let silent_at = intake.silent_at();
            let is_open = is_boundary && self.outgoing.open_batch().is_some();
            tokio::select! {
                biased;
                () = sleep_until(self.due), if is_open => {
                    if let Err(end) = self.close().await {
                        return end;
                    }
                }
                () = sleep_until(silent_at) => {
                    if silent_at >= intake.silent_at() {
                        return End::Fault(LinkFault::Silent { side: Side::Source, address: self.request.source.address });
                    }
                }
                () = stop.cancelled(), if is_boundary => return self.finish(is_open).await,
                came = intake.next(&mut self.received, self.progress) => {
                    if let Err(error) = came {
                        return self.lost(Side::Source, &error);
                    }
                }
            }
        }
    }

    /// Whether the next byte begins what may begin a batch.
    fn is_boundary(&self) -> bool {
        !self.in_transaction && self.cutter.is_between_commands()
    }

    /// Cuts up and takes in what was received.
    async fn digest(&mut self) -> Result<(), End> {
        loop {
            let address = self.request.source.address;
            let malformed = |error| LinkFault::Malformed {
                side: Side::Source,
                address,
                message: format!("at byte {}: {error}", self.offset),
            };
            let Some(piece) = self.cutter.next(&mut self.received).map_err(|error| End::Fault(malformed(error)))? else {
                return Ok(());
            };
            self.take(piece).await?;
            if self.is_boundary() {
                self.checkpoint.at.offset = self.offset;
                if self.outgoing.open_batch().is_some_and(|batch| batch.names_keys || batch.bytes >= BATCH_BYTES) {
                    self.close().await?;
                }
            }
            if self.outgoing.ready().len() >= SEND_BYTES {
                self.send().await?;
            }
        }
    }

    async fn take(&mut self, piece: Piece) -> Result<(), End> {
        let bytes = match &piece {
            Piece::Whole(command) | Piece::Beginning(command) => &command.bytes,
            Piece::Middle(bytes) | Piece::End(bytes) => bytes,
        };
        let count = bytes.len() as u64;
        match &piece {
            Piece::Whole(command) => self.take_whole(command).await?,
            Piece::Beginning(command) => self.take_beginning(command).await?,
            Piece::Middle(bytes) | Piece::End(bytes) => self.outgoing.go_on(bytes),
        }
        self.offset += count;
        self.outgoing.batch().bytes += count;
        Ok(())
    }

    /// Takes in what a long command begins with; the rest follows as it comes.
    async fn take_beginning(&mut self, command: &Command) -> Result<(), End> {
        match command.kind {
            Kind::Resharding => return self.reshard().await,
            // Only a library is so long among what is not carried out: loaded, it is replaced at the end of the batch.
            Kind::FunctionRestore | Kind::Nothing => {
                self.outgoing.make_room_for_functions(&self.checkpoint);
                self.outgoing.add_direct(&command.bytes);
            }
            Kind::Removal => {
                self.outgoing.begin_keyed(&command.bytes);
                self.outgoing.batch().has_removal = true;
            }
            Kind::Write => self.outgoing.begin_keyed(&command.bytes),
            // None of the others is ever so long.
            Kind::Direct | Kind::Select(_) | Kind::Multi | Kind::Exec | Kind::GetAck => self.outgoing.add_direct(&command.bytes),
        }
        Ok(())
    }

    async fn take_whole(&mut self, command: &Command) -> Result<(), End> {
        match command.kind {
            Kind::Write => self.outgoing.add_write(command),
            Kind::Removal => {
                self.outgoing.add_write(command);
                self.outgoing.batch().has_removal |= !self.in_transaction;
            }
            Kind::Direct => self.outgoing.add_direct(&command.bytes),
            Kind::Select(database) => {
                self.checkpoint.database = database;
                self.outgoing.add_direct(&command.bytes);
            }
            Kind::FunctionRestore => {
                self.outgoing.make_room_for_functions(&self.checkpoint);
                self.outgoing.add_direct(&command.bytes);
            }
            Kind::Multi => self.in_transaction = true,
            Kind::Exec => self.in_transaction = false,
            Kind::GetAck => self.asked.notify_one(),
            Kind::Nothing => {}
            Kind::Resharding => return self.reshard().await,
        }
        Ok(())
    }

    /// Ends at the last boundary, before a command that tells of slots on their way.
    async fn reshard(&mut self) -> Result<(), End> {
        // Within a transaction the batch has writes after the boundary; dropping it undoes them and the ones before, which come
        // again.
        if !self.in_transaction && self.outgoing.open_batch().is_some() {
            self.close().await?;
            self.await_answers().await;
        }
        Err(End::Resharding)
    }

    /// Sends the end of the batch, as soon as there is room for it.
    async fn close(&mut self) -> Result<(), End> {
        let Batch { replies, bytes, has_removal, names_keys: _ } = self.outgoing.close(&self.checkpoint);
        if has_removal && !self.warden.keeps_all_slots().await? {
            return Err(End::Resharding);
        }
        let wanted = u32::try_from(bytes).unwrap_or(u32::MAX).clamp(1, UNANSWERED_BYTES_MAX);
        // Neither is ever closed while the pump runs: the readers of both live as long as it does.
        let Ok(room) = Arc::clone(&self.room).acquire_many_owned(wanted).await else { return Err(End::Stopped) };
        let sent = Sent { replies, point: self.checkpoint.at.clone(), _room: room };
        if self.sent.send(sent).await.is_err() {
            return Err(End::Stopped);
        }
        self.send().await?;
        self.due = Instant::now() + BATCH_TIME_MIN;
        Ok(())
    }

    async fn send(&mut self) -> Result<(), End> {
        let sending = self.target.write_all(self.outgoing.ready()).await;
        self.outgoing.sent();
        sending.map_err(|error| self.lost(Side::Target, &error))
    }

    async fn finish(&mut self, is_open: bool) -> End {
        if is_open && let Err(end) = self.close().await {
            return end;
        }
        self.await_answers().await;
        End::Stopped
    }

    /// Waits until every batch is answered; the one who started the pump sees to it that this ends.
    async fn await_answers(&self) {
        // An error would mean that the semaphore is closed, which nobody does.
        drop(self.room.acquire_many(UNANSWERED_BYTES_MAX).await);
    }

    fn lost(&self, side: Side, error: &std::io::Error) -> End {
        let address = match side {
            Side::Source => self.request.source.address,
            Side::Target => self.request.target.address,
        };
        End::Fault(LinkFault::Lost { side, address, message: error.to_string() })
    }
}
