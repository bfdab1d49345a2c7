//! Removing a backup.
//!
//! Owns the delete operation. Invariants: a backup that is gone already is a success; one that is in use is refused in the
//! daemon's words.

use memorystore_proto::v1::DeleteBackupRequest;
use provider_framework::{Context, Delete, Diagnostics};
use uuid::Uuid;

use super::{attempt, read};
use crate::client::{Client, Finished, interrupted};

pub(super) async fn delete(cx: &Context<Client>, request: Delete) -> Result<Diagnostics, Diagnostics> {
    let full_name = read::named(&request.prior)?.to_string();
    let attempt = attempt("delete", &full_name);
    let stopped = |why, now| Diagnostics::from(interrupted(attempt, why, "delete", now));
    let message = DeleteBackupRequest { name: full_name.clone(), request_id: Uuid::new_v4().to_string() };
    let sent = cx.run(cx.client().delete_backup(message)).await;
    let operation = match sent.map_err(|why| stopped(why, "the daemon may or may not have begun to remove it."))? {
        Ok(operation) => operation,
        Err(error) if error.is_not_found() => return Ok(Diagnostics::new()),
        Err(error) => return Err(attempt.failed(&error)),
    };
    tracing::info!(backup = full_name, operation = operation.name, "the daemon removes the backup");
    let waited = cx.run(cx.client().finished(operation)).await;
    match waited.map_err(|why| stopped(why, "its removal goes on; the next refresh finds it gone."))? {
        Ok(Finished::Done) => Ok(Diagnostics::new()),
        Ok(Finished::Failed(error)) | Err(error) if error.is_not_found() => Ok(Diagnostics::new()),
        Ok(Finished::Failed(error)) | Err(error) => Err(attempt.failed(&error)),
    }
}
