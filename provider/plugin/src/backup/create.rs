//! Making a backup.
//!
//! Owns the create operation and what happens when it does not end well. Invariants: what the daemon began for this request
//! is in the state as long as it may exist, and nothing else ever is: a backup of the same name may be somebody else's, and
//! the next apply would remove it. A backup that is there and does not pass its verification is in the state too.

use std::time::{Duration, SystemTime};

use admin_proto::v1::BackupDetails;
use memorystore_proto::longrunning::Operation;
use memorystore_proto::v1::BackupInstanceRequest;
use provider_framework::{Context, Create, Diagnostic, Diagnostics, Failed, Interrupted, NewState, Object, Value};
use tonic::Code;
use uuid::Uuid;

use super::name::{BackupName, CollectionName};
use super::{attempt, details, id, proof};
use crate::client::{ApiError, Client, Creation, Finished, Submission, interrupted};
use crate::{duration_text, instance_reference};

/// How long a stopped or failed create may look for what it left behind: a cancelled backup is cleaned up within a second
/// or two, and the person who pressed Ctrl-C is waiting.
const SETTLE_LIMIT: Duration = Duration::from_secs(5);

pub(super) async fn create(cx: &Context<Client>, request: Create) -> Result<NewState, Failed> {
    let planned = request.planned;
    let instance = instance_reference::named(&planned)?;
    let made_up = || id::made_up(SystemTime::now(), Uuid::new_v4());
    let backup_id = planned.value("backup_id").as_str().map_or_else(made_up, str::to_owned);
    let message = BackupInstanceRequest {
        name: instance.to_string(),
        ttl: duration_text::seconds_of(&planned, "ttl").map(|seconds| prost_types::Duration { seconds, nanos: 0 }),
        backup_id: Some(backup_id.clone()),
    };
    let making = Making { cx, name: BackupName { collection: CollectionName::of(&instance), backup_id }, planned };
    making.refuse_taken().await?;
    let mut submission = Submission::new(cx.client(), Creation::Backup(message));
    let backup = match cx.run(submission.answer()).await {
        Ok(Ok(operation)) => making.follow(operation).await?,
        Ok(Err(error)) if is_own(&submission, &error) => making.await_made().await?,
        Ok(Err(error)) => return Err(making.not_begun(&submission, &error).into()),
        Err(why) => return Err(making.withdraw(submission, why).await),
    };
    if making.planned.value("verify").as_bool() != Some(true) {
        return Ok(making.shown(&backup).into());
    }
    let proved = proof::prove(cx, &making.name, "create").await;
    proved.map(|backup| making.shown(&backup).into()).map_err(|problem| Failed::with_partial(problem, making.shown(&backup)))
}

/// Nothing had the name before the first sending. If something has it after one without an answer, that sending made it.
fn is_own(submission: &Submission<'_>, error: &ApiError) -> bool {
    error.code() == Some(Code::AlreadyExists) && submission.was_unanswered()
}

struct Making<'a> {
    cx: &'a Context<Client>,
    name: BackupName,
    planned: Object,
}

impl Making<'_> {
    fn failed(&self, error: &ApiError) -> Diagnostics {
        attempt("create", &self.name.to_string()).failed(error)
    }

    fn interrupted(&self, why: Interrupted, now: &str) -> Diagnostics {
        interrupted(attempt("create", &self.name.to_string()), why, "create", now).into()
    }

    async fn refuse_taken(&self) -> Result<(), Diagnostics> {
        let looked = self.cx.run(self.cx.client().backup(self.name.to_string())).await;
        match looked.map_err(|why| self.interrupted(why, "nothing was sent."))? {
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(self.failed(&error)),
            Ok(_) => {
                let detail = format!(
                    "There is a backup {0} already. If it should be managed here, import it with\n\n  \
                     terraform import <address of this resource> {0}\n\nOtherwise choose another `backup_id`.",
                    self.name
                );
                Err(Diagnostic::error("Cannot create backup").detail(detail).at("backup_id").into())
            }
        }
    }

    /// The failure of a submission that came to no operation.
    fn not_begun(&self, submission: &Submission<'_>, error: &ApiError) -> Diagnostics {
        if submission.is_unanswered() { attempt("create", &self.name.to_string()).unanswered(error) } else { self.failed(error) }
    }

    /// Waits for the operation and gives the backup.
    async fn follow(&self, operation: Operation) -> Result<BackupDetails, Failed> {
        tracing::info!(backup = %self.name, operation = operation.name, "the daemon makes the backup");
        match self.cx.run(self.cx.client().finished(operation.clone())).await {
            Ok(Ok(Finished::Done)) => self.await_made().await,
            Ok(Ok(Finished::Failed(error)) | Err(error)) => Err(self.settled(self.failed(&error)).await),
            Err(why) => Err(self.cancel(operation, why).await),
        }
    }

    /// The backup, once it is there.
    async fn await_made(&self) -> Result<BackupDetails, Failed> {
        match self.cx.run(self.cx.client().backup_made(self.name.to_string())).await {
            Ok(Ok(backup)) => Ok(backup),
            Ok(Err(error)) if error.is_not_found() => Err(self.failed(&error).into()),
            Ok(Err(error)) => Err(Failed::with_partial(self.failed(&error), self.as_far_as_known())),
            Err(why) => {
                let now = "the daemon goes on with it.";
                Err(Failed::with_partial(self.interrupted(why, now), self.as_far_as_known()))
            }
        }
    }

    /// Finds out what became of a request that was interrupted, and cancels what it began.
    async fn withdraw(&self, mut submission: Submission<'_>, why: Interrupted) -> Failed {
        if !submission.is_unanswered() {
            let now = "nothing was made, because another operation on the instance had not ended.";
            return self.interrupted(why, now).into();
        }
        match tokio::time::timeout(SETTLE_LIMIT, submission.answer()).await {
            Ok(Ok(operation)) => self.cancel(operation, why).await,
            Ok(Err(error)) if is_own(&submission, &error) => self.settled(self.interrupted(why, "it was made.")).await,
            Ok(Err(error)) => self.not_begun(&submission, &error).into(),
            // Another operation is in the way: as likely as not the one that the lost sending began.
            Err(_) => self.settled(self.interrupted(why, "the daemon may be making it.")).await,
        }
    }

    /// Asks the daemon to give the backup up, and waits a little for that.
    async fn cancel(&self, operation: Operation, why: Interrupted) -> Failed {
        let client = self.cx.client();
        let ending = async {
            client.cancel_operation(operation.name.clone()).await?;
            client.finished(operation.clone()).await
        };
        let now = match tokio::time::timeout(SETTLE_LIMIT, ending).await {
            Ok(Ok(Finished::Done)) => "it was made before it could be cancelled.".to_owned(),
            Ok(Ok(Finished::Failed(_))) => "it was cancelled.".to_owned(),
            Ok(Err(error)) => {
                format!("it goes on ({}), because the daemon could not be told to cancel it: {error}.", operation.name)
            }
            Err(_) => format!("the daemon was told to cancel it ({}) and is at it.", operation.name),
        };
        self.settled(self.interrupted(why, &now)).await
    }

    /// The failure of something that the daemon may have begun, with what it left behind.
    async fn settled(&self, diagnostics: Diagnostics) -> Failed {
        match tokio::time::timeout(SETTLE_LIMIT, self.cx.client().backup(self.name.to_string())).await {
            Ok(Err(error)) if error.is_not_found() => diagnostics.into(),
            Ok(Ok(backup)) => Failed::with_partial(diagnostics, self.shown(&backup)),
            Ok(Err(_)) | Err(_) => Failed::with_partial(diagnostics, self.as_far_as_known()),
        }
    }

    /// As planned, with what the plan left open.
    fn shown(&self, backup: &BackupDetails) -> Object {
        let mut state = self.planned.clone();
        for (attribute, value) in details::show(&self.name, backup) {
            state.set_if_unknown(&attribute, value);
        }
        state
    }

    /// The plan with null in place of what was not learnt.
    fn as_far_as_known(&self) -> Object {
        let known = |(attribute, value): (String, Value)| (attribute, value.with_unknown_as_null());
        let state: Object = self.planned.clone().into_iter().map(known).collect();
        let name = self.name.to_string();
        state.with("backup_id", self.name.backup_id.as_str()).with("id", name.as_str()).with("name", name)
    }
}
