//! Making an instance.
//!
//! Owns the create operation and what happens when it does not end well. Invariant: what the daemon began for this
//! request is in the state as long as it may exist (Terraform then keeps it as tainted and replaces it), and nothing
//! else ever is: an instance of the same name may be somebody else's, and the next apply would destroy it.

use std::time::Duration;

use memorystore_proto::longrunning::Operation;
use memorystore_proto::v1::CreateInstanceRequest;
use provider_framework::{Context, Create, Diagnostics, Failed, Interrupted, NewState, Object, Value};
use uuid::Uuid;

use super::{InstanceName, outputs, read, request, source};
use crate::client::{ApiError, Attempt, Client, Creation, Finished, Subject, Submission, interrupted};

/// How long a stopped or failed create may look for what it left behind: a cancelled creation is cleaned up
/// within a second or two, and the person who pressed Ctrl-C is waiting.
const SETTLE_LIMIT: Duration = Duration::from_secs(5);

pub(super) async fn create(cx: &Context<Client>, request: Create) -> Result<NewState, Failed> {
    let planned = request.planned;
    let creation = Attempted { cx, name: read::named(&planned)?, planned };
    let message = CreateInstanceRequest {
        parent: creation.name.parent(),
        instance_id: creation.name.instance_id.clone(),
        instance: Some(request::instance(&creation.planned)?),
        request_id: Uuid::new_v4().to_string(),
    };
    let mut submission = Submission::new(cx.client(), Creation::Instance(Box::new(message)));
    let operation = match cx.run(submission.answer()).await {
        Ok(Ok(operation)) => operation,
        Ok(Err(error)) => return Err(creation.not_begun(&submission, &error).into()),
        Err(why) => return creation.withdraw(submission, why).await,
    };
    tracing::info!(instance = %creation.name, operation = operation.name, "the daemon creates the instance");
    match cx.run(cx.client().finished(operation.clone())).await {
        Ok(Ok(Finished::Done)) => creation.finished().await,
        Ok(Ok(Finished::Failed(error)) | Err(error)) => Err(creation.settled(creation.failed(&error)).await),
        Err(why) => creation.cancel(operation, why).await,
    }
}

struct Attempted<'a> {
    cx: &'a Context<Client>,
    name: InstanceName,
    planned: Object,
}

impl Attempted<'_> {
    fn attempt<T>(&self, describe: impl FnOnce(Attempt<'_>) -> T) -> T {
        describe(Attempt { verb: "create", subject: Subject::Instance, name: &self.name.to_string() })
    }

    fn failed(&self, error: &ApiError) -> Diagnostics {
        self.attempt(|attempt| attempt.failed(error))
    }

    fn interrupted(&self, why: Interrupted, now: &str) -> Diagnostics {
        self.attempt(|attempt| interrupted(attempt, why, "create", now)).into()
    }

    /// The failure of a submission that came to no operation.
    fn not_begun(&self, submission: &Submission<'_>, error: &ApiError) -> Diagnostics {
        if submission.is_unanswered() { self.attempt(|attempt| attempt.unanswered(error)) } else { self.failed(error) }
    }

    /// Finds out what became of a request that was interrupted, and cancels what it began.
    async fn withdraw(&self, mut submission: Submission<'_>, why: Interrupted) -> Result<NewState, Failed> {
        if submission.is_unanswered() {
            match tokio::time::timeout(SETTLE_LIMIT, submission.answer()).await {
                Ok(Ok(operation)) => return self.cancel(operation, why).await,
                Ok(Err(error)) => return Err(self.not_begun(&submission, &error).into()),
                Err(_) if submission.is_unanswered() => {
                    let now = format!("the daemon did not answer. {}", self.attempt(|attempt| attempt.may_exist()));
                    return Err(self.interrupted(why, &now).into());
                }
                Err(_) => {}
            }
        }
        Err(self.interrupted(why, "nothing was made, because another operation on it had not ended.").into())
    }

    /// The state of the instance that is there now: as planned, with what the plan left open.
    async fn finished(&self) -> Result<NewState, Failed> {
        match tokio::time::timeout(SETTLE_LIMIT, self.cx.client().instance(self.name.to_string())).await {
            Ok(Ok(instance)) => {
                let mut state = self.planned.clone();
                for (attribute, value) in outputs::show(&self.name, &instance, &self.planned) {
                    if !state.value(&attribute).is_wholly_known() {
                        state.set(&attribute, value);
                    }
                }
                Ok(state.into())
            }
            Ok(Err(error)) => Err(Failed::with_partial(self.failed(&error), self.as_far_as_known())),
            Err(_) => {
                let limit = Interrupted::TimedOut { limit: SETTLE_LIMIT };
                Err(Failed::with_partial(
                    self.interrupted(limit, "it was created but could not be read."),
                    self.as_far_as_known(),
                ))
            }
        }
    }

    /// Asks the daemon to give the creation up, and waits a little for that.
    async fn cancel(&self, operation: Operation, why: Interrupted) -> Result<NewState, Failed> {
        let client = self.cx.client();
        let ending = async {
            client.cancel_operation(operation.name.clone()).await?;
            client.finished(operation.clone()).await
        };
        let now = match tokio::time::timeout(SETTLE_LIMIT, ending).await {
            // The creation was faster than the cancellation.
            Ok(Ok(Finished::Done)) => return self.finished().await,
            Ok(Ok(Finished::Failed(_))) => "its creation was cancelled.".to_owned(),
            Ok(Err(error)) => {
                format!("its creation ({}) goes on, because the daemon could not be told to cancel it: {error}.", operation.name)
            }
            Err(_) => format!("the daemon was told to cancel its creation ({}) and is at it.", operation.name),
        };
        Err(self.settled(self.interrupted(why, &now)).await)
    }

    /// The failure of an operation that the daemon began for this request, with what it left behind.
    async fn settled(&self, diagnostics: Diagnostics) -> Failed {
        match tokio::time::timeout(SETTLE_LIMIT, self.cx.client().instance(self.name.to_string())).await {
            Ok(Err(error)) if error.is_not_found() => diagnostics.into(),
            Ok(Ok(instance)) => {
                let mut state = outputs::show(&self.name, &instance, &self.planned);
                state.set("timeouts", self.planned.value("timeouts").clone());
                source::keep(&mut state, &self.planned);
                Failed::with_partial(diagnostics, state)
            }
            Ok(Err(_)) | Err(_) => Failed::with_partial(diagnostics, self.as_far_as_known()),
        }
    }

    /// The plan with null in place of what was not learnt.
    fn as_far_as_known(&self) -> Object {
        let known = |(attribute, value): (String, Value)| (attribute, value.with_unknown_as_null());
        self.planned.clone().into_iter().map(known).collect()
    }
}
