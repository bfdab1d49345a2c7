//! The way in: options, the one call a main makes, and what can go wrong with it.
//!
//! Called by the main of a provider. It owns the order of the steps; each step lives in its own module.
//! It starts no runtime and sets up no logging: the main does both.

use std::{
    error::Error as _,
    io::{self, Write as _},
    process::ExitCode,
};

use tfplugin_proto::tfplugin6::provider_server::Provider;

use super::{
    handshake::{self, HostEnvironment},
    listening::Listening,
    socket::SocketError,
    stop::StopSignal,
    tls::TlsError,
};

/// Who manages the life of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A host started it, authenticates it and ends it.
    Managed,
    /// A developer started it (`--debug`); hosts attach to it through `TF_REATTACH_PROVIDERS`.
    Debug,
}

/// How to serve a provider.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Source address in full, such as `registry.terraform.io/valkyard/valkyard`.
    pub provider_address: String,
    /// Who manages the life of this process.
    pub mode: Mode,
}

/// Why a provider could not be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The process was started by hand: the host's cookie is absent or wrong.
    #[error("not started by a plugin host")]
    NotStartedByHost {
        /// What to tell the person at the terminal.
        explanation: String,
    },
    /// The socket could not be opened.
    #[error("failed to open the plugin socket")]
    Socket(#[source] SocketError),
    /// The encrypted listener could not be set up.
    #[error("failed to set up mutual TLS with the host")]
    Tls(#[source] TlsError),
    /// The handlers of SIGINT and SIGTERM could not be installed.
    #[error("failed to install the signal handlers")]
    Signals(#[source] io::Error),
    /// Stdout was closed before the host could learn the address.
    #[error("failed to announce the plugin on stdout")]
    Announce(#[source] io::Error),
    /// The server stopped on its own.
    #[error("the plugin server failed")]
    Server(#[source] tonic::transport::Error),
}

/// Serves a provider until the host, or in debug mode the developer, ends it.
///
/// `stop` is the signal whose [`StopSignal::stop`] the provider calls for `StopProvider`; it is also raised when the
/// process ends. The caller must return from its main afterwards, so that connections left open are closed.
pub async fn serve<P: Provider>(options: ServeOptions, provider: P, stop: StopSignal) -> Result<(), ServeError> {
    let listening = Listening::open(&options, &HostEnvironment::from_process())?;
    announce(listening.announcement()).map_err(ServeError::Announce)?;
    listening.run(provider, stop).await
}

fn announce(announcement: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(announcement.as_bytes())?;
    stdout.flush()
}

/// Prints an error of [`serve`] for the person at the terminal and gives the process's exit code.
pub fn report(error: &ServeError) -> ExitCode {
    let text = match error {
        ServeError::NotStartedByHost { explanation } => explanation.clone(),
        ServeError::Socket(_) | ServeError::Tls(_) | ServeError::Signals(_) | ServeError::Announce(_) | ServeError::Server(_) => {
            chain(error)
        }
    };
    // With stderr closed there is nobody left to tell.
    let _ = writeln!(io::stderr().lock(), "{text}");
    ExitCode::from(handshake::EXIT_CODE_REFUSED)
}

fn chain(error: &ServeError) -> String {
    let mut text = format!("[ERROR] {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
