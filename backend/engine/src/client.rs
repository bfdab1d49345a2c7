//! A connection of the daemon to one node.
//!
//! The reconciler's world holds one per running node. Invariant: every call ends within a fixed time and reads a bounded
//! answer; a link whose answers may be out of step refuses further use. It does not reconnect, retry or judge.

mod error;
mod resp;

use std::io;
use std::net::SocketAddrV4;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use valkyard_model::{AdminSecret, EngineSeen, NodeAddress, NodeId};

pub use error::{LinkError, ProtocolError};
pub use resp::MalformedReply;

use resp::Reply;

use crate::render::ADMIN_USER;
use crate::report::engine_seen;

/// Longest wait for a connection. On one machine it is made or refused at once; only a full accept queue takes longer,
/// and the first retransmission of a dropped SYN comes after a second.
const CONNECT_TIME_MAX: Duration = Duration::from_millis(1_500);
/// Longest wait for an answer. A look at an instance lasts as long as its slowest node, so a node that is blocked for
/// longer counts as silent this time and is asked again next time.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(1);
/// Longest answer: `CLUSTER NODES` of 250 nodes at about 250 bytes, plus 16384 lone slots of 6 bytes, is 160 kB.
const REPLY_BYTES_MAX: usize = 1 << 20;
/// First size of the receive buffer: the reports of a cluster of a dozen nodes fit.
const BUFFER_BYTES: usize = 16 << 10;

/// The three reports that make an `EngineSeen`.
const REPORTS: [&[&str]; 3] = [&["CLUSTER", "NODES"], &["CLUSTER", "INFO"], &["INFO", "replication", "server", "persistence"]];

/// An authenticated connection to a node.
///
/// Dropping a call midway, and every error but [`LinkError::Engine`] and [`LinkError::Denied`], spends the link.
#[derive(Debug)]
pub struct NodeLink {
    address: SocketAddrV4,
    stream: TcpStream,
    received: Vec<u8>,
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
        let mut link = Self { address, stream, received: Vec::with_capacity(BUFFER_BYTES), spent: false };
        link.expect_status(&["AUTH", ADMIN_USER, secret.expose()], "OK").await?;
        Ok(link)
    }

    /// Asks the node for its view, in one round trip.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn observe(&mut self) -> Result<EngineSeen, LinkError> {
        let replies = self.exchange(&REPORTS).await?;
        let mut texts = Vec::with_capacity(replies.len());
        for reply in replies {
            texts.push(match reply {
                Reply::Bulk(bytes) => String::from_utf8(bytes).map_err(|_not_utf8| self.unexpected("text that is not UTF-8"))?,
                Reply::Error(message) => return Err(self.refusal(message)),
                Reply::Status(_) | Reply::Integer(_) | Reply::Null | Reply::Array(_) => {
                    return Err(self.unexpected("something else than a report"));
                }
            });
        }
        let [nodes, cluster_info, info] =
            <[String; REPORTS.len()]>::try_from(texts).map_err(|_wrong_count| self.unexpected("not one reply per report"))?;
        engine_seen(&nodes, &cluster_info, &info)
            .map_err(|source| LinkError::Protocol { address: self.address, source: ProtocolError::Report { source } })
    }

    /// Makes the replica the primary of its shard without a vote.
    ///
    /// # Errors
    /// `Engine` when it is not a replica, else see [`LinkError`].
    pub async fn take_over(&mut self) -> Result<(), LinkError> {
        self.expect_status(&["CLUSTER", "FAILOVER", "TAKEOVER"], "OK").await
    }

    /// Makes the node, which owns no slots and holds no keys, copy a primary.
    ///
    /// # Errors
    /// `Engine` when it does not know that primary yet or is not empty, else see [`LinkError`].
    pub async fn replicate(&mut self, primary: &NodeId) -> Result<(), LinkError> {
        self.expect_status(&["CLUSTER", "REPLICATE", primary.as_str()], "OK").await
    }

    /// Tells the node where others listen. They know each other some moments later.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn meet(&mut self, peers: &[NodeAddress]) -> Result<(), LinkError> {
        for peer in peers {
            let (ip, port, bus) = (peer.client.ip().to_string(), peer.client.port().to_string(), peer.bus_port.to_string());
            self.expect_status(&["CLUSTER", "MEET", &ip, &port, &bus], "OK").await?;
        }
        Ok(())
    }

    /// Ends the engine without saving. It answers by closing the connection.
    ///
    /// # Errors
    /// `Engine` when it refuses, else see [`LinkError`].
    pub async fn shut_down(&mut self) -> Result<(), LinkError> {
        match self.expect_status(&["SHUTDOWN", "NOSAVE"], "OK").await {
            Err(LinkError::Broken { source, .. }) if is_closed(&source) => Ok(()),
            other => other,
        }
    }

    async fn expect_status(&mut self, command: &[&str], wanted: &str) -> Result<(), LinkError> {
        let mut replies = self.exchange(&[command]).await?;
        match replies.pop() {
            Some(Reply::Status(status)) if status == wanted => Ok(()),
            Some(Reply::Error(message)) => Err(self.refusal(message)),
            Some(Reply::Status(_) | Reply::Bulk(_) | Reply::Integer(_) | Reply::Null | Reply::Array(_)) | None => {
                Err(self.unexpected("something else than a status"))
            }
        }
    }

    /// Sends all commands and reads as many replies.
    async fn exchange(&mut self, commands: &[&[&str]]) -> Result<Vec<Reply>, LinkError> {
        let address = self.address;
        if self.spent {
            return Err(LinkError::Spent { address });
        }
        self.spent = true;
        let mut request = Vec::new();
        for command in commands {
            resp::encode(command, &mut request);
        }
        let answer = timeout(ANSWER_TIME_MAX, self.round_trip(&request, commands.len()));
        let replies = answer.await.map_err(|_elapsed| LinkError::Silent { address })??;
        self.spent = false;
        Ok(replies)
    }

    async fn round_trip(&mut self, request: &[u8], count: usize) -> Result<Vec<Reply>, LinkError> {
        let address = self.address;
        let broken = |source| LinkError::Broken { address, source };
        let protocol = |source| LinkError::Protocol { address, source };
        self.stream.write_all(request).await.map_err(broken)?;
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
            if self.received.len() > REPLY_BYTES_MAX {
                return Err(protocol(ProtocolError::TooLong { bytes_max: REPLY_BYTES_MAX }));
            }
            if self.stream.read_buf(&mut self.received).await.map_err(broken)? == 0 {
                return Err(broken(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        if read < self.received.len() {
            return Err(protocol(ProtocolError::Unexpected { what: "more than was asked for" }));
        }
        Ok(replies)
    }

    fn refusal(&self, message: String) -> LinkError {
        let address = self.address;
        match message.split(' ').next() {
            Some("WRONGPASS" | "NOAUTH" | "NOPERM") => LinkError::Denied { address, message },
            Some(_) | None => LinkError::Engine { address, message },
        }
    }

    fn unexpected(&mut self, what: &'static str) -> LinkError {
        self.spent = true;
        LinkError::Protocol { address: self.address, source: ProtocolError::Unexpected { what } }
    }
}

fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests;
