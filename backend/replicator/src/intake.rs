//! Reading a source's stream through the emulated distance.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt as _;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::distance::Distance;
use crate::progress::Progress;

/// Room that a read has at least.
const READ_BYTES_MIN: usize = 64 << 10;
/// Room that is made when there is less.
const READ_BYTES: usize = 256 << 10;
/// Longest silence of a source; it gives a sign of life every ten seconds, and is as patient with its replicas.
const SILENCE: Duration = Duration::from_secs(60);
/// Most bytes that are on their way over an emulated distance, as on a line whose ends have buffers of this size.
const ON_THE_WAY_BYTES_MAX: usize = 8 << 20;
/// A narrow line passes on what it lets through in five milliseconds at once.
const PORTIONS_PER_S: u64 = 200;
/// Least such portion.
const PORTION_BYTES_MIN: usize = 512;

/// The reading end of a source's connection.
#[derive(Debug)]
pub(crate) struct Intake {
    stream: OwnedReadHalf,
    distance: watch::Receiver<Distance>,
    /// What is under way, with the time of its arrival.
    on_the_way: VecDeque<(Instant, Bytes)>,
    on_the_way_bytes: usize,
    /// When a narrow line takes more.
    free_at: Instant,
    /// Where the stream is at the source's end of the distance.
    offset: u64,
    heard_at: Instant,
}

impl Intake {
    /// For a stream that is at this offset, of which some came already.
    pub(crate) fn new(stream: OwnedReadHalf, came: &[u8], offset: u64, distance: watch::Receiver<Distance>) -> Self {
        let now = Instant::now();
        let on_the_way = VecDeque::from([(now, Bytes::copy_from_slice(came))]);
        let offset = offset + came.len() as u64;
        Self { stream, distance, on_the_way, on_the_way_bytes: came.len(), free_at: now, offset, heard_at: now }
    }

    /// When the source counts as silent, if nothing comes until then. A cut is no silence.
    pub(crate) fn silent_at(&mut self) -> Instant {
        if self.distance.borrow().is_cut {
            self.heard_at = Instant::now();
        }
        self.heard_at + SILENCE
    }

    /// Waits for bytes and appends them. May be dropped at any time: bytes are either appended or still to come.
    ///
    /// # Errors
    /// When the connection failed, or the source closed it.
    pub(crate) async fn next(&mut self, received: &mut BytesMut, progress: &Progress) -> io::Result<()> {
        loop {
            let distance = *self.distance.borrow_and_update();
            if distance.is_cut {
                progress.is_cut();
                // Without anybody who could heal it, the cut is for ever; the link still ends with its task.
                if self.distance.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
                continue;
            }
            // Here and not where the wait ends: whoever waits may be dropped just before.
            progress.is_not_cut();
            if distance == Distance::default() && self.on_the_way.is_empty() {
                return self.read_at_once(received, progress).await;
            }
            if self.pass_on(distance, received, progress).await? {
                return Ok(());
            }
        }
    }

    async fn read_at_once(&mut self, received: &mut BytesMut, progress: &Progress) -> io::Result<()> {
        if received.capacity() - received.len() < READ_BYTES_MIN {
            received.reserve(READ_BYTES);
        }
        tokio::select! {
            read = self.stream.read_buf(received) => self.came(read?, progress),
            // Look again; without a sender there is nothing more to change, and the stream alone is waited for.
            Ok(()) = self.distance.changed() => Ok(()),
        }
    }

    fn came(&mut self, count: usize, progress: &Progress) -> io::Result<()> {
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.offset += count as u64;
        self.heard_at = Instant::now();
        progress.source_seen(self.offset);
        Ok(())
    }

    /// Waits for the next thing to happen on a distance; whether bytes arrived.
    async fn pass_on(&mut self, distance: Distance, received: &mut BytesMut, progress: &Progress) -> io::Result<bool> {
        let now = Instant::now();
        let arrival = self.on_the_way.front().map(|(at, _)| *at);
        if arrival.is_some_and(|at| at <= now)
            && let Some((_, bytes)) = self.on_the_way.pop_front()
        {
            self.on_the_way_bytes -= bytes.len();
            received.extend_from_slice(&bytes);
            return Ok(!bytes.is_empty());
        }
        let portion = distance.bandwidth_bytes_per_s.map(|bandwidth| {
            usize::try_from(bandwidth.get() / PORTIONS_PER_S).unwrap_or(READ_BYTES).clamp(PORTION_BYTES_MIN, READ_BYTES)
        });
        let has_room = self.on_the_way_bytes < ON_THE_WAY_BYTES_MAX;
        let mut bytes = BytesMut::with_capacity(if has_room && self.free_at <= now { portion.unwrap_or(READ_BYTES) } else { 0 });
        tokio::select! {
            read = self.stream.read_buf(&mut bytes), if bytes.capacity() > 0 => {
                let count = read?;
                self.came(count, progress)?;
                let sent_at = Instant::now();
                if let Some(bandwidth) = distance.bandwidth_bytes_per_s {
                    let nanos = (count as u64).saturating_mul(1_000_000_000) / bandwidth;
                    self.free_at = sent_at.max(self.free_at) + Duration::from_nanos(nanos);
                }
                // What was sent before never arrives later, also when the distance became shorter.
                let earliest = self.on_the_way.back().map_or(sent_at, |(at, _)| *at);
                self.on_the_way.push_back(((sent_at.max(self.free_at) + distance.rtt / 2).max(earliest), bytes.freeze()));
                self.on_the_way_bytes += count;
            }
            () = sleep_until(arrival.unwrap_or(now)), if arrival.is_some() => {}
            () = sleep_until(self.free_at), if self.free_at > now => {}
            Ok(()) = self.distance.changed() => {}
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::status::{LinkFault, LinkState};

    #[tokio::test]
    async fn a_cut_that_is_healed_while_nobody_waits_is_over_all_the_same() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (connected, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (stream, (mut source, _)) = (connected.expect("connects"), accepted.expect("accepts"));
        let (progress, status) = Progress::new();
        let distance = watch::Sender::new(Distance { is_cut: true, ..Distance::default() });
        let (reads, _writes) = stream.into_split();
        let (mut intake, mut received) = (Intake::new(reads, &[], 0, distance.subscribe()), BytesMut::new());
        let cut = LinkState::Broken { fault: LinkFault::Cut };
        let mut watching = status.clone();
        tokio::select! {
            came = intake.next(&mut received, &progress) => panic!("something came over a cut: {came:?}"),
            seen = watching.wait_for(|status| status.state == cut) => drop(seen.expect("it tells")),
        }
        distance.send_replace(Distance::default());
        source.write_all(b"*").await.expect("sends");
        while received.is_empty() {
            intake.next(&mut received, &progress).await.expect("it comes");
        }
        assert_eq!(status.borrow().state, LinkState::Streaming);
    }
}
