//! `valkyard operations list|watch`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::cli::{AskOptions, OperationOptions, OperationsCommand, OutputFormat};
use crate::output::{print, table, warn};
use crate::verbs::ask::{block_on, daemon, full_name};
use crate::verbs::patience::{LOOK_EVERY, read_patiently};

/// Characters of the reason shown in a list.
const DETAIL_LENGTH_MAX: usize = 80;

pub(crate) fn run(command: &OperationsCommand) -> Result<ExitCode> {
    match command {
        OperationsCommand::List(options) => block_on(list(options)),
        OperationsCommand::Watch(options) => block_on(watch(options)),
    }
}

async fn list(options: &AskOptions) -> Result<ExitCode> {
    let operations = daemon(options)?.list("/v1/projects/-/locations/-/operations", "operations").await?;
    match options.output {
        OutputFormat::Json => print(&format!("{}\n", json!({ "operations": operations })))?,
        OutputFormat::Text => {
            let rows: Vec<Vec<String>> = operations.iter().map(row).collect();
            print(&table(&["OPERATION", "VERB", "TARGET", "CREATED", "STATE", "DETAIL"], &rows))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn row(operation: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let metadata = &operation["metadata"];
    let (state, detail) = match outcome(operation) {
        Outcome::Running(message) => ("running", message),
        Outcome::Succeeded => ("succeeded", String::new()),
        Outcome::Failed(message) => ("failed", message),
    };
    let name = text(&operation["name"]);
    let id = name.rsplit('/').next().unwrap_or_default().to_owned();
    vec![
        id,
        text(&metadata["verb"]),
        text(&metadata["target"]),
        text(&metadata["createTime"]),
        state.to_owned(),
        shortened(&detail),
    ]
}

/// The beginning of a text, on one line.
fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let kept: String = line.chars().take(DETAIL_LENGTH_MAX).collect();
    if kept == text { kept } else { format!("{kept}…") }
}

/// Where an operation stands, in words.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Running(String),
    Succeeded,
    Failed(String),
}

fn outcome(operation: &Value) -> Outcome {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if operation["done"] != true {
        return Outcome::Running(text(&operation["metadata"]["statusMessage"]));
    }
    match operation.get("error") {
        Some(error) => Outcome::Failed(text(&error["message"])),
        None => Outcome::Succeeded,
    }
}

/// A line at each change, with the time since watching began. Exit code 0 if it succeeded, 1 if it failed.
async fn watch(options: &OperationOptions) -> Result<ExitCode> {
    let path = format!("/v1/{}", full_name(&options.name, "operations", &options.place)?);
    let began = Instant::now();
    let mut last = None;
    loop {
        let answer = read_patiently(&options.ask, &path, warn).await?;
        let operation = serde_json::from_slice(&answer).context("parse the daemon's answer")?;
        let now = outcome(&operation);
        if last.as_ref() != Some(&now) {
            print(&line(&operation, &now, began.elapsed(), options.ask.output))?;
        }
        match now {
            Outcome::Running(_) => {}
            Outcome::Succeeded => return Ok(ExitCode::SUCCESS),
            Outcome::Failed(_) => return Ok(ExitCode::FAILURE),
        }
        last = Some(now);
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn line(operation: &Value, now: &Outcome, since: Duration, form: OutputFormat) -> String {
    let seconds = since.as_secs_f64();
    match (form, now) {
        (OutputFormat::Json, _) => format!("{operation}\n"),
        (OutputFormat::Text, Outcome::Running(message)) => format!("{seconds:>7.1}s  {message}\n"),
        (OutputFormat::Text, Outcome::Succeeded) => format!("{seconds:>7.1}s  succeeded\n"),
        (OutputFormat::Text, Outcome::Failed(message)) => format!("{seconds:>7.1}s  failed: {message}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_runs_succeeds_or_fails_with_its_words() {
        let running = json!({ "metadata": { "statusMessage": "moving 12 slots" } });
        assert_eq!(outcome(&running), Outcome::Running("moving 12 slots".to_owned()));
        assert_eq!(outcome(&json!({ "done": true, "response": {} })), Outcome::Succeeded);
        let failed = json!({ "done": true, "error": { "code": 9, "message": "no room" } });
        assert_eq!(outcome(&failed), Outcome::Failed("no room".to_owned()));
        assert_eq!(
            line(&failed, &outcome(&failed), Duration::from_millis(1_250), OutputFormat::Text),
            "    1.2s  failed: no room\n"
        );
    }

    #[test]
    fn long_reasons_are_cut_in_lists() {
        assert_eq!(shortened("no room"), "no room");
        assert_eq!(shortened("it ended:\nlog"), "it ended:…");
        assert_eq!(shortened(&"x".repeat(100)), format!("{}…", "x".repeat(80)));
    }

    #[test]
    fn a_line_of_the_list_has_the_id_and_what_it_waits_for() {
        let operation = json!({ "name": "projects/p/locations/l/operations/operation-1-x",
            "metadata": { "verb": "update", "target": "t", "createTime": "2026-01-01T00:00:00Z", "statusMessage": "m" } });
        assert_eq!(row(&operation), ["operation-1-x", "update", "t", "2026-01-01T00:00:00Z", "running", "m"]);
    }
}
