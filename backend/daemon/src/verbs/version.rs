//! `valkyard version`: this binary and the engines it can start.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::cli::VersionOptions;
use crate::config::engine_paths;
use crate::output::print;
use crate::platform::discover_engines;

/// Prints versions; exit code 0 also when no engine was found.
pub(crate) fn run(options: &VersionOptions) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("start the runtime")?;
    let paths = engine_paths(options.engine_paths.clone(), options.config.as_deref())?;
    let catalogue = runtime.block_on(discover_engines(paths));
    let mut text = format!("valkyard {}\n", env!("CARGO_PKG_VERSION"));
    for build in catalogue.builds() {
        text.push_str(&format!("{}  valkey-server {}  {}\n", build.version.api(), build.version, build.program.display()));
    }
    for rejected in catalogue.rejected() {
        text.push_str(&format!("rejected  {}  {}\n", rejected.path.display(), rejected.reason));
    }
    if catalogue.builds().is_empty() {
        text.push_str(&format!("no engine found; {}\n", catalogue.install_hint()));
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
