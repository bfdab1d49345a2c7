//! Everything between the start of the process and the provider service: what a host of go-plugin expects.
//!
//! [`serve`] is called once, by the main of a provider, on a current-thread runtime. It checks who started the
//! process, opens the socket, announces it on stdout and serves until the host ends it.
//! Invariant: a managed process accepts calls only from the one host certificate it was given, and is gone within
//! one second of the host's Shutdown call. What the calls mean is decided elsewhere:
//! nothing here looks into a message of `tfplugin6`.

mod connection;
mod debug;
mod dispatch;
mod handshake;
mod hclog;
mod listening;
mod log;
mod panics;
mod serve;
mod services;
mod shutdown;
mod socket;
mod stop;
mod tls;

pub use handshake::HostEnvironment;
pub use listening::Listening;
pub use log::init_logging;
pub use serve::{Mode, ServeError, ServeOptions, report, serve};
pub use socket::SocketError;
pub use stop::StopSignal;
pub use tls::TlsError;

/// Largest message in either direction, in bytes: what Go's providers accept and send.
pub const MESSAGE_SIZE_MAX: usize = 256 * 1024 * 1024;
