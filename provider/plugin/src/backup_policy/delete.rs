//! Removing a backup policy.
//!
//! Owns the delete operation. Invariants: it turns automated backups off and removes no backup; an instance that is gone has
//! no policy, which is a success.

use provider_framework::{Context, Delete, Diagnostics};

use super::{PolicyName, attempt, schedule};
use crate::client::{Client, Finished, interrupted};

pub(super) async fn delete(cx: &Context<Client>, request: Delete) -> Result<Diagnostics, Diagnostics> {
    let name = PolicyName::of(&request.prior)?;
    let full_name = name.to_string();
    let attempt = attempt("delete", &full_name);
    let stopped = |why| {
        let now = "the daemon may or may not have turned automated backups off; the next plan shows which.";
        Diagnostics::from(interrupted(attempt, why, "delete", now))
    };
    let sent = cx.run(schedule::send(cx.client(), &name, schedule::disabled())).await;
    let operation = match sent.map_err(stopped)? {
        Ok(operation) => operation,
        Err(error) if error.is_not_found() => return Ok(Diagnostics::new()),
        Err(error) => return Err(attempt.failed(&error)),
    };
    match cx.run(cx.client().finished(operation)).await.map_err(stopped)? {
        Ok(Finished::Done) => Ok(Diagnostics::new()),
        Ok(Finished::Failed(error)) | Err(error) if error.is_not_found() => Ok(Diagnostics::new()),
        Ok(Finished::Failed(error)) | Err(error) => Err(attempt.failed(&error)),
    }
}
