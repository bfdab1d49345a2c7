//! The discovery endpoint of an instance: a listener that leads each connection to the first node that accepts it.
//!
//! It only moves bytes: which nodes, in which order, is told to it. Connections that are open stay where they are when the
//! nodes change, and end when their node ends; clients then connect again.

use std::io;
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::descriptors::connections;
use crate::ports::{PortOwner, port_owner};

/// How long a node may take to accept: on loopback it takes microseconds unless the node's backlog is full or it hangs, and
/// then the next one should be asked while the client still waits.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(300);
/// Connections of one endpoint at a time, further ones are closed at once: the engine's own default of `maxclients`, as
/// every connection ends up in a node. Each takes two descriptors and 16 KiB while it is open. Those of all endpoints
/// together are bound by the descriptors of this process.
const CONNECTIONS_MAX: usize = 10_000;
/// Pause after a failure to accept, which is always a shortage (of descriptors, of memory) that passes as others close.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why an endpoint cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ForwarderError {
    /// Somebody listens there.
    #[error("address {address} is in use{}", owner.as_ref().map_or_else(String::new, |owner| format!(" by {owner}")))]
    AddressInUse {
        /// The address.
        address: SocketAddrV4,
        /// Who, if it can be known.
        owner: Option<PortOwner>,
    },
    /// Anything else.
    #[error("failed to listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddrV4,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// An open endpoint. Dropping it closes the listener and cuts its connections soon; [`Forwarder::close`] waits for that.
#[derive(Debug)]
pub struct Forwarder {
    backends: watch::Sender<Vec<SocketAddrV4>>,
    stop: DropGuard,
    accepting: JoinHandle<()>,
}

impl Forwarder {
    /// Opens an endpoint that leads to these nodes, the first one preferred.
    ///
    /// # Errors
    /// See [`ForwarderError`].
    pub async fn open(listen: SocketAddrV4, backends: Vec<SocketAddrV4>) -> Result<Self, ForwarderError> {
        Self::open_bounded(listen, backends, CONNECTIONS_MAX, connections()).await
    }

    async fn open_bounded(
        listen: SocketAddrV4,
        backends: Vec<SocketAddrV4>,
        connections_max: usize,
        connections_of_all: Arc<Semaphore>,
    ) -> Result<Self, ForwarderError> {
        let listener = match TcpListener::bind(listen).await {
            Ok(listener) => listener,
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                // Looks through every process of the machine. The error is worth telling without the owner, too.
                let owner = tokio::task::spawn_blocking(move || port_owner(listen)).await.ok().flatten();
                return Err(ForwarderError::AddressInUse { address: listen, owner });
            }
            Err(source) => return Err(ForwarderError::Listen { address: listen, source }),
        };
        let (backends, followed) = watch::channel(backends);
        let stop = CancellationToken::new();
        let endpoint =
            Endpoint { listener, backends: followed, connections: JoinSet::new(), connections_max, connections_of_all };
        let accepting = tokio::spawn(endpoint.run(stop.clone()));
        Ok(Self { backends, stop: stop.drop_guard(), accepting })
    }

    /// The nodes it leads to, in order of preference.
    #[must_use]
    pub fn backends(&self) -> Vec<SocketAddrV4> {
        self.backends.borrow().clone()
    }

    /// Leads further connections to these nodes.
    pub fn point_at(&self, backends: Vec<SocketAddrV4>) {
        self.backends.send_replace(backends);
    }

    /// Closes the endpoint; returns when the port is free and every connection is cut.
    pub async fn close(self) {
        drop(self.stop);
        if let Err(error) = self.accepting.await {
            tracing::error!(cause = %error, "an endpoint ended by a bug");
        }
    }
}

struct Endpoint {
    listener: TcpListener,
    backends: watch::Receiver<Vec<SocketAddrV4>>,
    connections: JoinSet<()>,
    connections_max: usize,
    connections_of_all: Arc<Semaphore>,
}

impl Endpoint {
    async fn run(mut self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                // Safe to drop midway: nothing was accepted then.
                accepted = self.listener.accept() => match accepted {
                    Ok((client, _)) => self.take(client),
                    Err(error) => {
                        tracing::warn!(cause = %error, "an endpoint could not accept a connection");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(ended) = self.connections.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(cause = %error, "a connection ended by a bug");
                    }
                }
            }
        }
        drop(self.listener);
        self.connections.shutdown().await;
    }

    fn take(&mut self, client: TcpStream) {
        if self.connections.len() >= self.connections_max {
            return;
        }
        let Ok(permit) = Arc::clone(&self.connections_of_all).try_acquire_owned() else { return };
        let backends = self.backends.borrow().clone();
        self.connections.spawn(async move {
            forward(client, backends).await;
            drop(permit);
        });
    }
}

/// Carries bytes between a client and the first node that accepts, until either side ends.
async fn forward(mut client: TcpStream, backends: Vec<SocketAddrV4>) {
    let Some(mut node) = connect_first(&backends).await else {
        return;
    };
    let forwarded = async {
        client.set_nodelay(true)?;
        node.set_nodelay(true)?;
        copy_bidirectional(&mut client, &mut node).await
    };
    if let Err(error) = forwarded.await {
        tracing::debug!(cause = %error, "a connection ended early");
    }
}

async fn connect_first(backends: &[SocketAddrV4]) -> Option<TcpStream> {
    for backend in backends {
        if let Ok(Ok(node)) = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(*backend)).await {
            return Some(node);
        }
    }
    None
}

#[cfg(test)]
mod tests;
