//! Connections from the host: accepted, secured, and handed to the server one by one.
//!
//! Driven by [`Listening`](super::Listening) beside the server. TLS handshakes run side by side and bounded in number
//! and time, so a peer that connects and stays silent cannot keep the host out. A refused peer is logged and costs
//! nothing else.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{UnixListener, UnixStream},
    sync::mpsc,
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tonic::transport::server::Connected;

/// Handshakes under way at once. A host opens one connection; the rest is room for peers that get refused.
const HANDSHAKES_MAX: usize = 16;
/// A handshake takes milliseconds on a unix socket; whoever needs longer is not the host.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);
/// Pause after a failed accept: it fails when the process is out of descriptors, and asking again at once would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Secured connections waiting for the server, which takes them at once.
pub(super) const READY_MAX: usize = 4;

/// A connection the services may be reached through.
#[derive(Debug)]
pub(super) enum HostStream {
    /// The host asked for no TLS.
    Plain(UnixStream),
    /// The peer proved to be the host.
    Secured(Box<TlsStream<UnixStream>>),
}

/// Accepts connections for as long as it is polled.
pub(super) async fn accept(
    listener: &UnixListener,
    tls: Option<TlsAcceptor>,
    ready: mpsc::Sender<io::Result<HostStream>>,
) -> Infallible {
    let mut handshakes = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if handshakes.len() < HANDSHAKES_MAX => match accepted {
                Ok((stream, _)) => {
                    handshakes.spawn(secure(stream, tls.clone()));
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "failed to accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(finished) = handshakes.join_next() => match finished {
                Ok(Ok(stream)) => {
                    // Sending fails only once the server has ended, and then nobody serves the connection.
                    let _ = ready.send(Ok(stream)).await;
                }
                Ok(Err(error)) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "refused a connection");
                }
                Err(error) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "a TLS handshake panicked");
                }
            },
        }
    }
}

async fn secure(stream: UnixStream, tls: Option<TlsAcceptor>) -> io::Result<HostStream> {
    let Some(acceptor) = tls else {
        return Ok(HostStream::Plain(stream));
    };
    let secured = tokio::time::timeout(HANDSHAKE_TIME_MAX, acceptor.accept(stream)).await??;
    Ok(HostStream::Secured(Box::new(secured)))
}

impl Connected for HostStream {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}

impl AsyncRead for HostStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Secured(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for HostStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Secured(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Secured(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Secured(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Secured(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Secured(stream) => stream.is_write_vectored(),
        }
    }
}
