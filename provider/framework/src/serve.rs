//! The whole main of a plugin.
//!
//! Owns [`serve`]. It starts the runtime and the logging, and puts the server behind the transport. Invariant: it
//! returns only when the process should end. Options of the command line are `--debug` alone.

use std::process::ExitCode;

use crate::provider::Provider;
use crate::rpc::Server;
use crate::transport::{self, Mode, ServeOptions, StopSignal};

/// The command line option of debug mode; Go's providers take it with one dash, so both work.
const DEBUG_OPTIONS: [&str; 2] = ["--debug", "-debug"];

/// Serves `provider` under its source address, such as `registry.terraform.io/example/example`, until the host or
/// the developer ends it. `module` is the name of the plugin's own crate in log lines.
///
/// ```no_run
/// # use provider_framework::Provider;
/// # fn main_of<P: Provider>(provider: P) -> std::process::ExitCode {
/// provider_framework::serve("registry.terraform.io/example/example", "example", provider)
/// # }
/// ```
#[must_use]
pub fn serve<P: Provider>(address: &str, module: &'static str, provider: P) -> ExitCode {
    transport::init_logging(module);
    let debug = std::env::args().skip(1).any(|argument| DEBUG_OPTIONS.contains(&argument.as_str()));
    let mode = if debug { Mode::Debug } else { Mode::Managed };
    let options = ServeOptions { provider_address: address.to_owned(), mode };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "failed to start the runtime");
            return ExitCode::FAILURE;
        }
    };
    let stop = StopSignal::default();
    let server = Server::new(provider, stop.clone());
    match runtime.block_on(transport::serve(options, server, stop)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => transport::report(&error),
    }
}
