//! Following a node as a replica does, and what it tells of its history.

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
    pub async fn replication_point(&mut self) -> Result<ReplicationPoint, LinkError> {
        let reply = self.ask(Request::of(&["INFO", "replication"]), PROMPT).await?;
        let info = self.text(reply)?;
        report::replication_point(&info).map_err(|source| self.unreadable(source))
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
    pub async fn follow(mut self, point: &ReplicationPoint) -> Result<Following, LinkError> {
        self.expect_status(&["REPLCONF", "capa", "eof", "capa", "psync2"], "OK").await?;
        // An engine takes who says nothing for an old one, and tells no replica of slots on their way as long as one is old.
        self.expect_status(&["REPLCONF", "version", NEWEST_VERSION], "OK").await?;
        let (address, next) = (self.address, (point.offset + 1).to_string());
        let mut stream = self.into_stream();
        let mut received = BytesMut::new();
        let asking = timeout(LONG.time_max, async {
            stream.write_all(&handshake::command(&["PSYNC", &point.replication_id, &next])).await?;
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
        let strange = |what| LinkError::Protocol { address, source: ProtocolError::Unexpected { what } };
        let answer = answer.ok_or_else(|| strange("longer than any answer to PSYNC"))?;
        if let Some(rest) = answer.strip_prefix("+CONTINUE") {
            let replication_id = Some(rest.trim().to_owned()).filter(|id| !id.is_empty());
            return Ok(Following::Continued { stream, received, replication_id });
        }
        match (handshake::replication_point(&answer), answer.strip_prefix('-')) {
            (Some(offered), _) => Ok(Following::Offered(offered)),
            (None, Some(message)) => Err(LinkError::Engine { address, message: message.to_owned() }),
            (None, None) => Err(strange("no answer to PSYNC")),
        }
    }
}
