//! The line between the provider and the scripted daemon, which can be cut.
//!
//! Forwards every connection; when told of an [`Outage`], breaks all of them and stops listening for as long.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Longer than several of the provider's pauses, so that it meets a closed port while the daemon restarts.
const RESTART: Duration = Duration::from_millis(400);

/// How long the daemon is away after its connections broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outage {
    /// Not at all: it only lost its connections.
    Brief,
    Restart,
    ForGood,
}

/// Forwards until an outage for good.
pub(super) async fn forward(mut listener: TcpListener, to: SocketAddr, mut outages: mpsc::Receiver<Outage>) {
    let here = listener.local_addr().expect("the socket has an address");
    let mut connections = JoinSet::new();
    loop {
        let outage = tokio::select! {
            accepted = listener.accept() => {
                let (client, _) = accepted.expect("loopback connections can be accepted");
                connections.spawn(carry(client, to));
                continue;
            }
            outage = outages.recv() => outage.unwrap_or(Outage::ForGood),
        };
        connections.shutdown().await;
        match outage {
            Outage::Brief => {}
            Outage::Restart => {
                drop(listener);
                tokio::time::sleep(RESTART).await;
                listener = TcpListener::bind(here).await.expect("the port is still ours");
            }
            Outage::ForGood => return,
        }
    }
}

async fn carry(mut client: TcpStream, to: SocketAddr) -> io::Result<()> {
    let mut server = TcpStream::connect(to).await?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
