//! A connection of the daemon to one node.
//!
//! The reconciler's world holds one per running node. Invariant: every call ends within a fixed time and reads a bounded
//! answer; a link whose answers may be out of step refuses further use. It does not reconnect, retry or judge.

mod commands;
mod error;
mod functions;
mod lanes;
mod namesakes;
mod observe;
mod part;
mod persistence;
mod replication;
mod request;
mod resp;
mod slots;

use std::io;
use std::net::SocketAddrV4;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use valkyard_model::{AdminSecret, BinaryVersion};

pub use error::{LinkError, ProtocolError};
pub use resp::MalformedReply;

pub use functions::PackedFunctions;
pub use replication::{Following, HistorySeen};
pub(crate) use slots::{Key, Mark, MarkedSlot, MigrateTo, slots_of};

use request::Request;
use resp::Reply;

use crate::render::ADMIN_USER;
use crate::report::ReportError;

/// Longest wait for a connection. On one machine it is made or refused at once; only a full accept queue takes longer,
/// and the first retransmission of a dropped SYN comes after a second.
const CONNECT_TIME_MAX: Duration = Duration::from_millis(1_500);
/// First size of the receive buffer: the reports of a cluster of a dozen nodes fit.
const BUFFER_BYTES: usize = 16 << 10;

/// How long to wait for all answers of a round trip, and how long they may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    time_max: Duration,
    bytes_max: usize,
}

/// Longest answers but for functions: `CLUSTER NODES` of 250 nodes at about 250 bytes plus 16384 lone slots of 6 bytes is
/// 160 kB, and as many migrations as the configuration keeps, of lone slots each, half a megabyte.
const REPLY_BYTES_MAX: usize = 1 << 20;

/// What the engine does at once. One that is blocked for longer counts as silent.
pub(crate) const PROMPT: Patience = Patience { time_max: Duration::from_secs(1), bytes_max: REPLY_BYTES_MAX };
/// A look at an instance lasts as long as its slowest node, and a takeover may wait for the look: a node that is blocked for
/// longer counts as silent this time and is asked again next time.
pub(crate) const LOOK: Patience = Patience { time_max: Duration::from_millis(300), bytes_max: REPLY_BYTES_MAX };
/// What may take the engine a while, because of its size: a key of a million elements moves within some seconds, and waiting
/// for a replica's consent to a slot's new owner takes up to two.
pub(crate) const LONG: Patience = Patience { time_max: Duration::from_secs(10), bytes_max: REPLY_BYTES_MAX };

/// An authenticated connection to a node.
///
/// Dropping a call midway, and every error but [`LinkError::Engine`] and [`LinkError::Denied`], spends the link.
#[derive(Debug)]
pub struct NodeLink {
    address: SocketAddrV4,
    stream: TcpStream,
    received: Vec<u8>,
    secret: AdminSecret,
    /// More connections to the same node, for commands of which the engine carries out one per connection at a time.
    lanes: Vec<NodeLink>,
    /// Whether such commands have taken long on one connection.
    wants_lanes: bool,
    /// The engine's version, once it told.
    version: Option<BinaryVersion>,
    /// Whether a request may have been sent whose answer was not read.
    spent: bool,
}

impl NodeLink {
    /// Connects to the node at `address` and logs in as the daemon's user.
    ///
    /// # Errors
    /// `Refused` when nobody listens, `Denied` when whoever listens does not know the secret, else see [`LinkError`].
    pub async fn connect(address: SocketAddrV4, secret: &AdminSecret) -> Result<Self, LinkError> {
        let connecting = timeout(CONNECT_TIME_MAX, TcpStream::connect(address));
        let connected = connecting.await.map_err(|_elapsed| LinkError::Silent { address })?;
        let stream = connected.map_err(|source| {
            if source.kind() == io::ErrorKind::ConnectionRefused {
                LinkError::Refused { address }
            } else {
                LinkError::Broken { address, source }
            }
        })?;
        stream.set_nodelay(true).map_err(|source| LinkError::Broken { address, source })?;
        let mut link = Self {
            address,
            stream,
            received: Vec::with_capacity(BUFFER_BYTES),
            secret: secret.clone(),
            lanes: Vec::new(),
            wants_lanes: false,
            version: None,
            spent: false,
        };
        link.log_in(secret).await?;
        Ok(link)
    }

    /// Logs in, and asks to be spared when the engine runs out of memory for clients: that is when it must be watched.
    async fn log_in(&mut self, secret: &AdminSecret) -> Result<(), LinkError> {
        let mut request = Request::of(&["AUTH", ADMIN_USER, secret.expose()]);
        request.add(&["CLIENT", "NO-EVICT", "ON"]);
        for reply in self.exchange(request, PROMPT).await? {
            self.status(reply, "OK")?;
        }
        Ok(())
    }

    /// Where the node listens.
    #[must_use]
    pub fn address(&self) -> SocketAddrV4 {
        self.address
    }

    /// Whether a call on it failed midway, so that it refuses further use.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.spent
    }

    async fn expect_status(&mut self, command: &[&str], wanted: &str) -> Result<(), LinkError> {
        let reply = self.ask(Request::of(command), PROMPT).await?;
        self.status(reply, wanted)
    }

    /// Reads a reply that should be this status.
    fn status(&mut self, reply: Reply, wanted: &str) -> Result<(), LinkError> {
        match reply {
            Reply::Status(status) if status == wanted => Ok(()),
            Reply::Error(message) => Err(self.refusal(message)),
            Reply::Status(_) | Reply::Bulk(_) | Reply::Integer(_) | Reply::Null | Reply::Array(_) => {
                Err(self.unexpected("something else than a status"))
            }
        }
    }

    /// Sends one command and reads its reply.
    async fn ask(&mut self, request: Request, patience: Patience) -> Result<Reply, LinkError> {
        let mut replies = self.exchange(request, patience).await?;
        replies.pop().ok_or_else(|| self.unexpected("missing"))
    }

    /// Sends all commands and reads as many replies.
    async fn exchange(&mut self, request: Request, patience: Patience) -> Result<Vec<Reply>, LinkError> {
        let count = request.count();
        let address = self.address;
        let answer = timeout(patience.time_max, async {
            self.send(&request).await?;
            self.receive(count, patience.bytes_max).await
        });
        answer.await.map_err(|_elapsed| LinkError::Silent { address })?
    }

    /// Sends commands, whose replies must be received before anything else is sent.
    async fn send(&mut self, request: &Request) -> Result<(), LinkError> {
        let address = self.address;
        if self.spent {
            return Err(LinkError::Spent { address });
        }
        self.spent = true;
        self.stream.write_all(request.bytes()).await.map_err(|source| LinkError::Broken { address, source })
    }

    /// Reads as many replies as there were commands.
    async fn receive(&mut self, count: usize, bytes_max: usize) -> Result<Vec<Reply>, LinkError> {
        let address = self.address;
        let broken = |source| LinkError::Broken { address, source };
        let protocol = |source| LinkError::Protocol { address, source };
        self.received.clear();
        let mut replies = Vec::with_capacity(count);
        let mut read = 0;
        loop {
            while replies.len() < count {
                match resp::decode(&self.received[read..]).map_err(|source| protocol(ProtocolError::Reply { source }))? {
                    None => break,
                    Some((reply, length)) => {
                        replies.push(reply);
                        read += length;
                    }
                }
            }
            if replies.len() == count {
                break;
            }
            if self.received.len() > bytes_max {
                return Err(protocol(ProtocolError::TooLong { bytes_max }));
            }
            if self.stream.read_buf(&mut self.received).await.map_err(broken)? == 0 {
                return Err(broken(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        if read < self.received.len() {
            return Err(protocol(ProtocolError::Unexpected { what: "more than was asked for" }));
        }
        self.spent = false;
        Ok(replies)
    }

    fn refusal(&self, message: String) -> LinkError {
        let address = self.address;
        match message.split(' ').next() {
            Some("WRONGPASS" | "NOAUTH" | "NOPERM") => LinkError::Denied { address, message },
            Some(_) | None => LinkError::Engine { address, message },
        }
    }

    fn unreadable(&self, source: ReportError) -> LinkError {
        LinkError::Protocol { address: self.address, source: ProtocolError::Report { source } }
    }

    fn unexpected(&mut self, what: &'static str) -> LinkError {
        self.spent = true;
        LinkError::Protocol { address: self.address, source: ProtocolError::Unexpected { what } }
    }
}

#[cfg(test)]
mod tests;
