//! `valkyard backups delete`.

use std::process::ExitCode;

use anyhow::Result;

use super::name::backup_meant;
use super::{ACCEPT_LIMIT, say, wait};
use crate::cli::BackupWorkOptions;
use crate::verbs::ask::daemon;

pub(super) async fn delete(options: &BackupWorkOptions) -> Result<ExitCode> {
    let ask = &options.backup.ask;
    let name = backup_meant(&options.backup)?;
    let operation = daemon(ask)?.delete(&format!("/v1/{name}"), ACCEPT_LIMIT).await?;
    wait::conclude(ask, &options.wait, &operation, || async { say(ask, &format!("{name}\ndeleted\n")) }).await
}
