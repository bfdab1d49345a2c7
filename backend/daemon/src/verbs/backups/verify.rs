//! `valkyard backups verify`.

use std::process::ExitCode;

use admin_proto::v1::BackupDetails;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use valkyard_model::BackupName;

use super::name::backup_meant;
use super::wait::Ended;
use super::{ACCEPT_LIMIT, show_details, wait};
use crate::cli::{AskOptions, BackupWorkOptions};
use crate::verbs::ask::daemon;

/// Exit code 0: it passed.
pub(super) async fn verify(options: &BackupWorkOptions) -> Result<ExitCode> {
    let ask = &options.backup.ask;
    let name = backup_meant(&options.backup)?;
    let operation = begin(ask, &name).await?;
    wait::conclude(ask, &options.wait, &operation, || show_details(ask, &name, text)).await
}

/// Verifies a backup as a part of another verb.
pub(super) async fn prove(ask: &AskOptions, name: &BackupName) -> Result<()> {
    let operation = begin(ask, name).await.with_context(|| format!("verify {name}, which is complete"))?;
    match wait::wait_for(ask, wait::name_of(&operation)?).await {
        Ok(Ended::Succeeded) => Ok(()),
        Ok(Ended::LeftAlone) => bail!("{name} is complete; nobody waited for its verification"),
        Err(error) => Err(error).with_context(|| format!("verify {name}")),
    }
}

/// The operation of a verification that was accepted, in the form of the public API.
async fn begin(ask: &AskOptions, name: &BackupName) -> Result<Value> {
    let answer = daemon(ask)?.post(&format!("/v1/admin/{name}:verify"), &json!({}), ACCEPT_LIMIT).await?;
    Ok(json!({ "name": answer["operation"] }))
}

fn text(backup: &BackupDetails) -> String {
    let detail = backup.verification.as_ref().map(|found| found.detail.as_str()).unwrap_or_default();
    let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
    format!("{}\npassed{detail}\n", backup.name)
}
