//! `valkyard version`: this binary and the engines it can start.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::cli::VersionOptions;
use crate::config::engine_paths;
use crate::platform::discover_engines;

/// Prints versions; exit code 0 also when no engine was found.
pub(crate) fn run(options: &VersionOptions) -> Result<ExitCode> {
    println!("valkyard {}", env!("CARGO_PKG_VERSION"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("start the runtime")?;
    let paths = engine_paths(options.engine_paths.clone(), options.config.as_deref())?;
    let catalogue = runtime.block_on(discover_engines(paths));
    for build in catalogue.builds() {
        println!("{}  valkey-server {}  {}", build.version.api(), build.version, build.program.display());
    }
    for rejected in catalogue.rejected() {
        println!("rejected  {}  {}", rejected.path.display(), rejected.reason);
    }
    if catalogue.builds().is_empty() {
        println!("no engine found; {}", catalogue.install_hint());
    }
    Ok(ExitCode::SUCCESS)
}
