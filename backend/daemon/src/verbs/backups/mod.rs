//! `valkyard backups …`, one verb per file.

mod create;
mod delete;
mod describe;
mod export;
mod list;
mod name;
mod restore;
mod verify;
pub(super) mod wait;
mod words;

use std::process::ExitCode;
use std::time::Duration;

use admin_proto::json::from_json;
use admin_proto::v1::{BackupDetails, ListBackupDetailsResponse};
use anyhow::{Context, Result};
use hyper::body::Bytes;
use valkyard_model::{BackupName, CollectionName};

use crate::cli::{AskOptions, BackupsCommand, OutputFormat};
use crate::output::print;
use crate::verbs::ask::{block_on, daemon, show};
use crate::verbs::patience::read_patiently;

/// How long the daemon may take to accept work: it may ask a remote store about files first.
const ACCEPT_LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn run(command: &BackupsCommand) -> Result<ExitCode> {
    match command {
        BackupsCommand::List(options) => block_on(list::list(options)),
        BackupsCommand::Describe(options) => block_on(describe::describe(options)),
        BackupsCommand::Create(options) => block_on(create::create(options)),
        BackupsCommand::Verify(options) => block_on(verify::verify(options)),
        BackupsCommand::Export(options) => block_on(export::export(options)),
        BackupsCommand::Delete(options) => block_on(delete::delete(options)),
        BackupsCommand::Restore(options) => block_on(restore::restore(options)),
    }
}

/// What the daemon says of a backup, as it came.
async fn details(ask: &AskOptions, name: &BackupName) -> Result<Bytes> {
    read_patiently(ask, &format!("/v1/admin/{name}"), crate::output::warn).await
}

/// What the daemon says of all backups of a collection.
async fn details_of_all(ask: &AskOptions, collection: &CollectionName) -> Result<Vec<BackupDetails>> {
    let answer = daemon(ask)?.read(&format!("/v1/admin/{collection}/backups")).await?;
    let found: ListBackupDetailsResponse = from_json(&answer).context("read the daemon's answer; is it of another version?")?;
    Ok(found.backups)
}

/// Shows a backup after something was done with it.
async fn show_details(ask: &AskOptions, name: &BackupName, text: impl Fn(&BackupDetails) -> String) -> Result<()> {
    show(ask.output, &details(ask, name).await?, text)
}

/// Says what was done where nothing is left to show.
fn say(ask: &AskOptions, text: &str) -> Result<()> {
    match ask.output {
        OutputFormat::Json => print("{}\n"),
        OutputFormat::Text => print(text),
    }
}
