//! Proving a backup.
//!
//! Creating and changing a backup call it. Invariants: a backup is proved only if the daemon says that it passed; one that
//! does not pass is an error with the daemon's reason. Stopping Terraform stops the waiting, not the daemon.

use admin_proto::v1::{BackupDetails, verification::State};
use provider_framework::{Context, Diagnostic, Diagnostics};

use super::{BackupName, attempt, details};
use crate::client::{ApiError, Client, Finished, interrupted};

/// Has the daemon restore the backup and compare it; gives the backup with the outcome. `timeout` is the attribute that
/// bounds it.
pub(super) async fn prove(cx: &Context<Client>, name: &BackupName, timeout: &str) -> Result<BackupDetails, Diagnostics> {
    let full_name = name.to_string();
    let attempt = attempt("verify", &full_name);
    let stopped = |why| {
        let now = "the backup is there, and its verification may go on; `verified` shows the outcome after the next refresh.";
        Diagnostics::from(interrupted(attempt, why, timeout, now))
    };
    let begun = cx.run(cx.client().verify_backup(full_name.clone())).await.map_err(stopped)?;
    let operation = begun.map_err(|error| attempt.failed(&error))?;
    tracing::info!(backup = full_name, operation = operation.name, "the daemon verifies the backup");
    let ended = cx.run(cx.client().finished(operation)).await.map_err(stopped)?.map_err(|error| attempt.failed(&error))?;
    let looked = cx.run(cx.client().backup(full_name.clone())).await.map_err(stopped)?;
    match (ended, looked) {
        (Finished::Done, Ok(backup)) if details::passed(&backup) => Ok(backup),
        (Finished::Done, Err(error)) => Err(attempt.failed(&error)),
        (Finished::Done, Ok(backup)) => Err(did_not_pass(&full_name, Some(&backup), None).into()),
        (Finished::Failed(error), looked) => Err(did_not_pass(&full_name, looked.ok().as_ref(), Some(&error)).into()),
    }
}

fn did_not_pass(name: &str, backup: Option<&BackupDetails>, error: Option<&ApiError>) -> Diagnostic {
    let outcome = backup.and_then(|backup| backup.verification.as_ref());
    let recorded = outcome.filter(|outcome| outcome.state() == State::Failed && !outcome.detail.is_empty());
    let reason = match (recorded, error) {
        (Some(outcome), _) => outcome.detail.clone(),
        (None, Some(error)) => error.to_string(),
        (None, None) => "the daemon does not say that it passed".to_owned(),
    };
    let detail = format!(
        "{name} was made, and its verification did not pass: {reason}.\n\n\
         Do not rely on it. The next apply makes another; the daemon's log has more."
    );
    Diagnostic::error("Backup did not pass its verification").detail(detail).at("verify")
}
