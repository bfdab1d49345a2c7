//! Tapping a node: its data as an RDB file over a connection, straight from the engine's memory.
//!
//! The tap speaks as a replica that wants a snapshot and nothing else, so the node sends no commands afterwards and counts it
//! for no `WAIT`. Nothing is written to disk here, and with diskless replication (the engine's default) not by the node either.
//! Invariant: memory is one chunk, and every wait ends. Dropping a tap at any moment ends the connection, upon which the
//! engine ends its snapshot. It does not look into the bytes and does not try again.

mod error;
mod payload;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::Stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use valkyard_engine::handshake;
use valkyard_model::ReplicationPoint;

pub use error::TapError;
use payload::Payload;

/// Largest chunk. A pipe over loopback rarely holds more.
const CHUNK_BYTES: usize = 256 << 10;
/// Room that is worth reading into; with less, a new buffer is begun.
const ROOM_BYTES_MIN: usize = 32 << 10;

/// Whom to log in as.
#[derive(Clone)]
pub struct Credentials {
    /// A user that may do `PSYNC`, `REPLCONF` and `PING`.
    pub user: String,
    /// Its password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Which form of file to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TapFormat {
    /// The newest that the engine writes; nothing is lost.
    Newest,
    /// Version 11, which every engine since Redis 7.2 reads. The engine refuses when a hash has fields that expire.
    Version11,
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub struct TapLimits {
    /// For the connection, and for each answer before the snapshot.
    pub answer: Duration,
    /// For the first byte of the snapshot. The engine forks first, and another snapshot may have to end before that.
    pub begin: Duration,
    /// Between two bytes of the snapshot.
    pub idle: Duration,
}

impl Default for TapLimits {
    /// Ten seconds for answers, ten minutes to begin, a minute between bytes: the engine's own patience with a replica.
    fn default() -> Self {
        const ANSWER: Duration = Duration::from_secs(10);
        const BEGIN: Duration = Duration::from_secs(600);
        const IDLE: Duration = Duration::from_secs(60);
        Self { answer: ANSWER, begin: BEGIN, idle: IDLE }
    }
}

/// What to tap.
#[derive(Clone, Debug)]
pub struct TapRequest {
    /// Where the node listens.
    pub address: SocketAddr,
    /// Whom to log in as; `None` where the default user may do it.
    pub credentials: Option<Credentials>,
    /// The form of the file.
    pub format: TapFormat,
    /// How long to wait.
    pub limits: TapLimits,
}

/// A snapshot on its way.
#[derive(Debug)]
pub struct Tap {
    address: SocketAddr,
    stream: TcpStream,
    received: BytesMut,
    payload: Payload,
    point: ReplicationPoint,
    limits: TapLimits,
    received_bytes: u64,
}

impl Tap {
    /// Connects, logs in, asks for a snapshot, and waits until it begins.
    ///
    /// # Errors
    /// See [`TapError`].
    pub async fn open(request: &TapRequest) -> Result<Self, TapError> {
        let address = request.address;
        let connecting = timeout(request.limits.answer, TcpStream::connect(address));
        let connected = connecting.await.map_err(|_elapsed| TapError::Silent { address, awaited: "a connection" })?;
        let stream = connected.map_err(|source| TapError::Connect { address, source })?;
        let mut tap = Self {
            address,
            stream,
            received: BytesMut::new(),
            payload: Payload::ended(),
            point: ReplicationPoint { replication_id: String::new(), offset: 0 },
            limits: request.limits,
            received_bytes: 0,
        };
        if let Some(Credentials { user, password }) = &request.credentials {
            tap.expect_ok("AUTH", &["AUTH", user, password]).await?;
        }
        tap.expect_ok("REPLCONF capa", &["REPLCONF", "capa", "eof", "capa", "psync2"]).await?;
        tap.expect_ok("REPLCONF rdb-only", &["REPLCONF", "rdb-only", "1"]).await?;
        tap.ask_for(request.format).await?;
        tap.send(&["PSYNC", "?", "-1"]).await?;
        let answer = tap.line(request.limits.answer, "an answer to PSYNC").await?;
        tap.point = handshake::replication_point(&answer).ok_or_else(|| tap.refusal("PSYNC", answer))?;
        let announcement = tap.line(request.limits.begin, "the snapshot to begin").await?;
        tap.payload = Payload::announced(&announcement).ok_or_else(|| tap.refusal("PSYNC", announcement))?;
        Ok(tap)
    }

    /// The point in the primary's history that the snapshot shows.
    #[must_use]
    pub fn point(&self) -> &ReplicationPoint {
        &self.point
    }

    /// Bytes of the file that came so far.
    #[must_use]
    pub fn received_bytes(&self) -> u64 {
        self.received_bytes
    }

    /// The next bytes of the file; `None` once it is complete.
    ///
    /// # Errors
    /// `Lost` when the connection ends before the file does, `Silent` when no byte comes in time.
    pub async fn next(&mut self) -> Result<Option<Bytes>, TapError> {
        loop {
            let chunk = self.payload.take(&mut self.received);
            if !chunk.is_empty() {
                self.received_bytes += chunk.len() as u64;
                return Ok(Some(chunk));
            }
            if self.payload.is_complete() {
                return Ok(None);
            }
            self.receive(self.limits.idle, "the next bytes of the snapshot").await?;
        }
    }

    /// The chunks as a stream, which ends after the first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, TapError>> + Send {
        futures::stream::try_unfold(self, async |mut tap| Ok(tap.next().await?.map(|chunk| (chunk, tap))))
    }

    /// Engines since 9.0 write the newest form only for who says that it is as new; older ones take no notice.
    async fn ask_for(&mut self, format: TapFormat) -> Result<(), TapError> {
        let version = match format {
            TapFormat::Newest => "255.255.255",
            TapFormat::Version11 => "8.0.1",
        };
        self.expect_ok("REPLCONF version", &["REPLCONF", "version", version]).await
    }

    async fn expect_ok(&mut self, asked: &'static str, words: &[&str]) -> Result<(), TapError> {
        self.send(words).await?;
        let answer = self.line(self.limits.answer, "an answer").await?;
        if answer == "+OK" { Ok(()) } else { Err(self.refusal(asked, answer)) }
    }

    fn refusal(&self, asked: &'static str, answer: String) -> TapError {
        TapError::Refused { address: self.address, asked, answer }
    }

    async fn send(&mut self, words: &[&str]) -> Result<(), TapError> {
        self.stream.write_all(&handshake::command(words)).await.map_err(|source| self.lost(source))
    }

    /// The next line that says something; empty ones are signs of life.
    async fn line(&mut self, time_max: Duration, awaited: &'static str) -> Result<String, TapError> {
        let address = self.address;
        let reading = timeout(time_max, async {
            loop {
                match handshake::take_line(&mut self.received) {
                    Ok(Some(text)) if !text.is_empty() => return Ok(text),
                    Ok(Some(_)) => {}
                    Ok(None) => self.receive(time_max, awaited).await?,
                    Err(handshake::TooLong) => return Err(TapError::NotAnEngine { address }),
                }
            }
        });
        reading.await.map_err(|_elapsed| TapError::Silent { address, awaited })?
    }

    /// Waits for bytes, one at least.
    async fn receive(&mut self, time_max: Duration, awaited: &'static str) -> Result<(), TapError> {
        if self.received.capacity() - self.received.len() < ROOM_BYTES_MIN {
            self.received.reserve(CHUNK_BYTES);
        }
        let reading = timeout(time_max, self.stream.read_buf(&mut self.received));
        let read = reading.await.map_err(|_elapsed| TapError::Silent { address: self.address, awaited })?;
        match read {
            Ok(0) => Err(self.lost(std::io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => Ok(()),
            Err(source) => Err(self.lost(source)),
        }
    }

    fn lost(&self, source: std::io::Error) -> TapError {
        TapError::Lost { address: self.address, received_bytes: self.received_bytes, source }
    }
}
