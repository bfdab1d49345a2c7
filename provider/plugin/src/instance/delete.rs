//! Removing an instance.
//!
//! Owns the delete operation. Invariants: it ends when the daemon says that the instance is gone, an instance
//! that is gone already is a success, and a deletion is never cancelled, since half an instance is of no use.
//! Backups stay, and a warning says so.

use memorystore_proto::v1::DeleteInstanceRequest;
use provider_framework::{Context, Delete, Diagnostics, Object};
use tonic::Code;
use uuid::Uuid;

use super::{outputs, plan, read, remains};
use crate::client::{ApiError, Attempt, Client, Finished, Subject, interrupted};

pub(super) async fn delete(cx: &Context<Client>, request: Delete) -> Result<Diagnostics, Diagnostics> {
    let name = read::named(&request.prior)?;
    let full_name = name.to_string();
    let attempt = Attempt { verb: "delete", subject: Subject::Instance, name: &full_name };
    let stopped = |why, now| Diagnostics::from(interrupted(attempt, why, "delete", now));
    let message = DeleteInstanceRequest { name: full_name.clone(), request_id: Uuid::new_v4().to_string() };
    let sent = cx.run(cx.client().delete_instance(message)).await;
    let operation = match sent.map_err(|why| stopped(why, "the daemon may or may not have begun to delete it."))? {
        Ok(operation) => operation,
        Err(error) if error.is_not_found() => return Ok(remains::warn(cx, &name).await),
        Err(error) => return Err(refused(cx, &request.prior, attempt, &error).await),
    };
    tracing::info!(instance = full_name, operation = operation.name, "the daemon deletes the instance");
    let waited = cx.run(cx.client().finished(operation)).await;
    match waited.map_err(|why| stopped(why, "its deletion goes on; the next refresh finds it gone."))? {
        Ok(Finished::Done) => Ok(remains::warn(cx, &name).await),
        Ok(Finished::Failed(error)) | Err(error) if error.is_not_found() => Ok(remains::warn(cx, &name).await),
        Ok(Finished::Failed(error)) | Err(error) => Err(attempt.failed(&error)),
    }
}

/// A precondition that fails is deletion protection if the instance has it; somebody may have turned it on since
/// the plan.
async fn refused(cx: &Context<Client>, prior: &Object, attempt: Attempt<'_>, error: &ApiError) -> Diagnostics {
    if error.code() == Some(Code::FailedPrecondition)
        && let Ok(name) = read::named(prior)
        && let Ok(Ok(instance)) = cx.run(cx.client().instance(name.to_string())).await
        && let Some(problem) = plan::deletion_protected(&outputs::show(&name, &instance, prior))
    {
        return problem.into();
    }
    attempt.failed(error)
}
