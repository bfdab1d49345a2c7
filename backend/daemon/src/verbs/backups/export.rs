//! `valkyard backups export`.

use std::process::ExitCode;

use admin_proto::v1::BackupDetails;
use anyhow::Result;
use serde_json::json;

use super::name::backup_meant;
use super::words::amount;
use super::{ACCEPT_LIMIT, show_details, wait};
use crate::cli::ExportOptions;
use crate::verbs::ask::daemon;

pub(super) async fn export(options: &ExportOptions) -> Result<ExitCode> {
    let ask = &options.backup.ask;
    let name = backup_meant(&options.backup)?;
    let body = json!({ "gcsBucket": options.to });
    let operation = daemon(ask)?.post(&format!("/v1/{name}:export"), &body, ACCEPT_LIMIT).await?;
    let text = |backup: &BackupDetails| format!("{}\ncopied to {}: {}\n", backup.name, options.to, amount(backup));
    wait::conclude(ask, &options.wait, &operation, || show_details(ask, &name, text)).await
}
