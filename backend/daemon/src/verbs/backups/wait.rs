//! Waiting for an operation, with its progress on standard error: a bar on a terminal, lines elsewhere.
//!
//! Nothing depends on it: the operation goes on whether or not somebody waits, which an interrupted wait says.

mod amounts;
mod pace;
mod view;

use std::process::ExitCode;
use std::time::Instant;

use admin_proto::json::from_json;
use admin_proto::v1::OperationProgress;
use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::cli::{AskOptions, OutputFormat, WaitOptions};
use crate::output::{print, warn};
use crate::verbs::patience::{LOOK_EVERY, read_patiently};
use pace::Pace;
use view::View;

/// How a wait ended without an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The operation succeeded.
    Succeeded,
    /// Whoever waited went away; the operation goes on.
    LeftAlone,
}

/// What becomes of an operation that was begun: waited for, or only told. `then` says what came of it.
pub(in crate::verbs) async fn conclude<F: Future<Output = Result<()>>>(
    ask: &AskOptions,
    wait: &WaitOptions,
    operation: &Value,
    then: impl FnOnce() -> F,
) -> Result<ExitCode> {
    let name = name_of(operation)?;
    if wait.no_wait {
        match ask.output {
            OutputFormat::Json => print(&format!("{operation}\n"))?,
            OutputFormat::Text => print(&format!("{name}\n"))?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    match wait_for(ask, name).await? {
        Ended::Succeeded => {
            then().await?;
            Ok(ExitCode::SUCCESS)
        }
        Ended::LeftAlone => Ok(ExitCode::FAILURE),
    }
}

/// The full name of an operation that the daemon answered with.
pub(super) fn name_of(operation: &Value) -> Result<&str> {
    operation["name"].as_str().context("the daemon's answer names no operation; is it of another version?")
}

/// Waits for the end of an operation; one that fails is an error in the daemon's words.
///
/// An interrupt by the terminal ends the wait only.
pub(super) async fn wait_for(ask: &AskOptions, operation: &str) -> Result<Ended> {
    let mut view = View::of_stderr();
    let ended = tokio::select! {
        followed = follow(ask, operation, &mut view) => followed.map(|()| Ended::Succeeded),
        interrupted = tokio::signal::ctrl_c() => interrupted.context("listen for interrupts").map(|()| Ended::LeftAlone),
    };
    view.close();
    if matches!(ended, Ok(Ended::LeftAlone)) {
        warn(&format!("the operation goes on; watch it with `valkyard operations watch {operation}`"));
    }
    ended
}

/// Looks again and again until it has ended. May be dropped at any point: it only reads.
async fn follow(ask: &AskOptions, operation: &str, view: &mut View) -> Result<()> {
    let path = format!("/v1/admin/{operation}/progress");
    let began = Instant::now();
    let mut pace = Pace::default();
    loop {
        let answer = read_patiently(ask, &path, |line| view.interrupt_with(line)).await?;
        let progress: OperationProgress = from_json(&answer).context("read the daemon's answer; is it of another version?")?;
        if progress.done && progress.error.is_empty() {
            return Ok(());
        }
        if progress.done {
            bail!(progress.error);
        }
        let since = began.elapsed();
        pace.see(since, progress.moved.as_ref().map_or(0, |moved| moved.bytes));
        view.show(&progress, &pace, since);
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
