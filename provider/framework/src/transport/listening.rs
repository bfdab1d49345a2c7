//! A provider process with its socket open: between the handshake and the end.
//!
//! Made and run by [`serve`](super::serve). Split in two so that the address can be announced before anything that
//! the host does not wait for is done.

use tfplugin_proto::tfplugin6::provider_server::Provider;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

use super::{
    connection::{self, READY_MAX},
    debug,
    dispatch::Dispatch,
    handshake::{self, HandshakeLine, HostEnvironment, ProtocolVersion},
    serve::{Mode, ServeError, ServeOptions},
    services::{self, HostServices},
    shutdown::{END_GRACE, EndWatch},
    socket::PluginSocket,
    stop::StopSignal,
    tls::HostTls,
};

/// An open socket with what is needed to serve it. Dropping it removes the socket.
pub struct Listening {
    mode: Mode,
    socket: PluginSocket,
    tls: Option<HostTls>,
    ends: EndWatch,
    announcement: String,
}

impl Listening {
    /// Checks who started the process and opens the socket. Needs a runtime to be entered.
    pub fn open(options: &ServeOptions, environment: &HostEnvironment) -> Result<Self, ServeError> {
        match options.mode {
            Mode::Managed => Self::open_for_host(options, environment),
            Mode::Debug => Self::open_for_developer(options, environment),
        }
    }

    fn open_for_host(options: &ServeOptions, environment: &HostEnvironment) -> Result<Self, ServeError> {
        if !environment.is_from_host() {
            return Err(ServeError::NotStartedByHost { explanation: handshake::explanation(&options.provider_address) });
        }
        let version = ProtocolVersion::choose(environment.protocol_versions.as_deref());
        if let ProtocolVersion::NothingInCommon(served) = version {
            let offered = environment.protocol_versions.as_deref();
            tracing::error!(served, offered, "the host speaks no protocol of this provider");
        }
        let tls = match environment.client_certificate.as_deref() {
            None | Some("") => None,
            Some(pem) => Some(HostTls::pinned_to(pem).map_err(ServeError::Tls)?),
        };
        let socket = PluginSocket::open(environment).map_err(ServeError::Socket)?;
        let line = HandshakeLine { version, socket: socket.path(), certificate: tls.as_ref().map(|tls| &tls.certificate) };
        Ok(Self {
            announcement: line.to_string(),
            mode: Mode::Managed,
            ends: EndWatch::install(Mode::Managed).map_err(ServeError::Signals)?,
            socket,
            tls,
        })
    }

    fn open_for_developer(options: &ServeOptions, environment: &HostEnvironment) -> Result<Self, ServeError> {
        let socket = PluginSocket::open(environment).map_err(ServeError::Socket)?;
        Ok(Self {
            announcement: debug::announcement(&options.provider_address, socket.path()),
            mode: Mode::Debug,
            ends: EndWatch::install(Mode::Debug).map_err(ServeError::Signals)?,
            socket,
            tls: None,
        })
    }

    /// What to print on stdout: the handshake line, or in debug mode what a developer copies into a shell.
    pub fn announcement(&self) -> &str {
        &self.announcement
    }

    /// Serves until the end is asked for, at most one second beyond that, then removes the socket.
    pub async fn run<P: Provider>(self, provider: P, stop: StopSignal) -> Result<(), ServeError> {
        let Self { mode, socket, tls, ends, announcement: _ } = self;
        let ending = CancellationToken::new();
        let host = HostServices::new(mode, ending.clone());
        let dispatch = Dispatch::new(provider, host, services::health().await);
        let (ready, connections) = mpsc::channel(READY_MAX);
        let server = Server::builder().serve_with_incoming_shutdown(
            dispatch,
            ReceiverStream::new(connections),
            ending.clone().cancelled_owned(),
        );
        let out_of_patience = async {
            ending.cancelled().await;
            stop.stop();
            tokio::time::sleep(END_GRACE).await;
        };
        tokio::select! {
            result = server => result.map_err(ServeError::Server),
            () = out_of_patience => {
                tracing::warn!("calls in flight were cut off at the end of the process");
                Ok(())
            }
            never = connection::accept(&socket.listener, tls.map(|tls| tls.acceptor), ready) => match never {},
            never = ends.watch(ending.clone()) => match never {},
        }
    }
}

impl std::fmt::Debug for Listening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listening").field("mode", &self.mode).field("socket", &self.socket.path()).finish_non_exhaustive()
    }
}
