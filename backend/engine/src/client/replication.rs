//! Following a node as a replica does, and what it tells of its history.

use std::net::SocketAddrV4;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use valkyard_model::{ReplicationPoint, SlotSet};

use super::{LONG, LinkError, NodeLink, PROMPT, ProtocolError, Request};
use crate::handshake;
use crate::report;

/// A version that no engine is newer than.
const NEWEST_VERSION: &str = "255.255.255";

/// A node's own word on its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistorySeen {
    /// Where it is.
    pub point: ReplicationPoint,
    /// Whether it keeps what was, so that somebody can go on from an earlier point.
    pub is_kept: bool,
    /// Whether it is about to end, and waits for its replicas.
    pub is_ending: bool,
}

/// What a node says to who wants to go on from a point of its history.
#[derive(Debug)]
pub enum Following {
    /// It goes on from there.
    Continued {
        /// What comes is the history.
        stream: TcpStream,
        /// What came of it already.
        received: BytesMut,
        /// The name of the history from here on, if it is another one: the node took over from the one that had the old name.
        replication_id: Option<String>,
    },
    /// It has not what follows the point, and would send a snapshot of this point instead. It is not taken.
    Offered(ReplicationPoint),
}

impl NodeLink {
    /// The node's own place in its history.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn history(&mut self) -> Result<HistorySeen, LinkError> {
        let reply = self.ask(Request::of(&["INFO", "replication", "server"]), PROMPT).await?;
        let info = self.text(reply)?;
        report::history_seen(&info).map_err(|source| self.unreadable(source))
    }

    /// The slots it owns and gives to nobody key by key at the moment; `None` when it is a replica.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn kept_slots(&mut self) -> Result<Option<SlotSet>, LinkError> {
        let reply = self.ask(Request::of(&["CLUSTER", "NODES"]), PROMPT).await?;
        let nodes = self.text(reply)?;
        report::kept_slots(&nodes).map_err(|source| self.unreadable(source))
    }

    /// Says to the engine that what this link writes was decided elsewhere, expiry included.
    ///
    /// # Errors
    /// `Engine` when it does not run in import mode, else see [`LinkError`].
    pub async fn act_as_import_source(&mut self) -> Result<(), LinkError> {
        self.expect_status(&["CLIENT", "IMPORT-SOURCE", "ON"], "OK").await
    }

    /// The connection itself, for who goes on with bytes of their own. The daemon's user is logged in.
    #[must_use]
    pub fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Asks for everything after this point.
    ///
    /// # Errors
    /// `Engine` when it gives no history at the moment, else see [`LinkError`].
    pub async fn follow(self, point: &ReplicationPoint) -> Result<Following, LinkError> {
        let address = self.address;
        let (stream, received, answer) = self.psync(&point.replication_id, &(point.offset + 1).to_string()).await?;
        if let Some(rest) = answer.strip_prefix("+CONTINUE") {
            let replication_id = Some(rest.trim().to_owned()).filter(|id| !id.is_empty());
            return Ok(Following::Continued { stream, received, replication_id });
        }
        offered(address, &answer).map(Following::Offered)
    }

    /// Makes the node keep its history from now on, as it does once a first replica asked for a snapshot, and gives the point that
    /// it begins at. The history gets a new name, and nobody who followed the old one can go on.
    ///
    /// # Errors
    /// `Engine` when it gives no history at the moment, else see [`LinkError`].
    pub async fn begin_history(self) -> Result<ReplicationPoint, LinkError> {
        let address = self.address;
        // The snapshot is not taken: the engine gives it up when the connection ends here.
        let (_stream, _received, answer) = self.psync("?", "-1").await?;
        offered(address, &answer)
    }

    async fn psync(mut self, id: &str, next: &str) -> Result<(TcpStream, BytesMut, String), LinkError> {
        self.expect_status(&["REPLCONF", "capa", "eof", "capa", "psync2"], "OK").await?;
        // An engine takes who says nothing for an old one, and tells no replica of slots on their way as long as one is old.
        self.expect_status(&["REPLCONF", "version", NEWEST_VERSION], "OK").await?;
        let address = self.address;
        let mut stream = self.into_stream();
        let mut received = BytesMut::new();
        let asking = timeout(LONG.time_max, async {
            stream.write_all(&handshake::command(&["PSYNC", id, next])).await?;
            loop {
                match handshake::take_line(&mut received) {
                    // Empty lines are signs of life.
                    Ok(Some(line)) if line.is_empty() => {}
                    Ok(line @ Some(_)) => return Ok(line),
                    Err(handshake::TooLong) => return Ok(None),
                    Ok(None) if stream.read_buf(&mut received).await? == 0 => {
                        return Err(std::io::ErrorKind::UnexpectedEof.into());
                    }
                    Ok(None) => {}
                }
            }
        });
        let asked = asking.await.map_err(|_elapsed| LinkError::Silent { address })?;
        let answer: Option<String> = asked.map_err(|source| LinkError::Broken { address, source })?;
        let answer = answer.ok_or_else(|| strange(address))?;
        Ok((stream, received, answer))
    }
}

/// Reads an answer to PSYNC that is no continuation.
fn offered(address: SocketAddrV4, answer: &str) -> Result<ReplicationPoint, LinkError> {
    match (handshake::replication_point(answer), answer.strip_prefix('-')) {
        (Some(offered), _) => Ok(offered),
        (None, Some(message)) => Err(LinkError::Engine { address, message: message.to_owned() }),
        (None, None) => Err(strange(address)),
    }
}

fn strange(address: SocketAddrV4) -> LinkError {
    LinkError::Protocol { address, source: ProtocolError::Unexpected { what: "no answer to PSYNC" } }
}
