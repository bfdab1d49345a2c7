//! Logging of the daemon: text for people on a terminal, JSON lines elsewhere; always on stderr.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;

use crate::cli::LogFormat;

/// Starts logging with this filter and form.
pub(crate) fn init(filter: &str, format: Option<LogFormat>) -> Result<()> {
    let filter = EnvFilter::try_new(filter).with_context(|| format!("parse log filter {filter:?}"))?;
    let is_terminal = std::io::stderr().is_terminal();
    let format = format.unwrap_or(if is_terminal { LogFormat::Text } else { LogFormat::Json });
    // A log that cannot be written (a full disk, a closed pipe) must not end the work it tells of; reporting that on the same
    // stderr would panic.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false)
        .with_target(false);
    match format {
        LogFormat::Text => builder.with_ansi(is_terminal).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Ok(())
}
