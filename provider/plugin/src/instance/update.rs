//! Changing an instance.
//!
//! Owns the update operation. Invariants: one PATCH carries exactly the changed fields, none is sent when only
//! this provider's own attributes change, and after a failure the prior state stays until the next refresh. A change that
//! is under way is never cancelled by stopping Terraform: half of it may have served clients for an hour.

use std::time::Duration;

use memorystore_proto::longrunning::Operation;
use memorystore_proto::v1::{Instance, UpdateInstanceRequest};
use prost_types::FieldMask;
use provider_framework::{Context, Diagnostic, Failed, Interrupted, NewState, Object, Update, Value};
use tonic::Code;
use uuid::Uuid;

use super::{InstanceName, outputs, read, request};
use crate::client::{ApiError, Attempt, Client, Finished, Standing, Subject, interrupted};

/// How long a stopped update may look at what goes on without it: the person who pressed Ctrl-C is waiting, and a
/// daemon that answers does so within milliseconds.
const LAST_LOOK_LIMIT: Duration = Duration::from_secs(1);
/// How long reading the changed instance may take, also after the time for the change is up: as after a creation.
const READ_LIMIT: Duration = Duration::from_secs(5);

pub(super) async fn update(cx: &Context<Client>, request: Update) -> Result<NewState, Failed> {
    let change = Change { cx, name: read::named(&request.planned)? };
    let paths = request::mask(&request);
    if !paths.is_empty() {
        let operation = change.submit(paths, request::instance(&request.planned)?).await?;
        match cx.run(cx.client().finished(operation.clone())).await {
            Ok(Ok(Finished::Done)) => {}
            Ok(Ok(Finished::Failed(error))) => return Err(change.given_up(&error)),
            Ok(Err(error)) => return Err(change.failed("update", &error)),
            Err(why) => change.last_look(&operation, why).await?,
        }
    }
    change.shown(request.planned).await
}

struct Change<'a> {
    cx: &'a Context<Client>,
    name: InstanceName,
}

impl Change<'_> {
    fn failed(&self, verb: &'static str, error: &ApiError) -> Failed {
        Attempt { verb, subject: Subject::Instance, name: &self.name.to_string() }.failed(error).into()
    }

    fn stopped(&self, why: Interrupted, now: &str) -> Failed {
        interrupted(Attempt { verb: "update", subject: Subject::Instance, name: &self.name.to_string() }, why, "update", now)
            .into()
    }

    async fn submit(&self, paths: Vec<String>, instance: Instance) -> Result<Operation, Failed> {
        tracing::info!(instance = %self.name, fields = paths.join(","), "the daemon changes the instance");
        let message = UpdateInstanceRequest {
            update_mask: Some(FieldMask { paths }),
            instance: Some(Instance { name: self.name.to_string(), ..instance }),
            request_id: Uuid::new_v4().to_string(),
        };
        let sent = self.cx.run(self.cx.client().update_instance(message)).await;
        let now = "the daemon may or may not have taken the change; the next plan shows which.";
        sent.map_err(|why| self.stopped(why, now))?.map_err(|error| self.failed("update", &error))
    }

    /// The operation ended, and not well: the daemon takes the instance back to what it was.
    fn given_up(&self, error: &ApiError) -> Failed {
        let (summary, what) = match error.code() {
            Some(Code::Cancelled) => ("The update was cancelled", "was cancelled"),
            Some(_) | None => ("The update was given up", "was given up"),
        };
        let detail = format!(
            "The update of {} {what}: {error}.\n\nThe instance goes back to what it was before, if it had begun to change. The \
             state is as before; the next plan shows how the instance is.",
            self.name
        );
        Diagnostic::error(summary).detail(detail).into()
    }

    /// What became of a change that nobody waits for any longer.
    async fn last_look(&self, operation: &Operation, why: Interrupted) -> Result<(), Failed> {
        let client = self.cx.client();
        let waiting_for = match tokio::time::timeout(LAST_LOOK_LIMIT, client.standing(operation)).await {
            Ok(Ok(Standing::Over(Finished::Done))) => return Ok(()),
            Ok(Ok(Standing::Over(Finished::Failed(error)))) => return Err(self.given_up(&error)),
            Ok(Ok(Standing::GoesOn(waiting_for))) => waiting_for,
            Ok(Err(_)) | Err(_) => String::new(),
        };
        let progress = if waiting_for.is_empty() { String::new() } else { format!(" ({waiting_for})") };
        let now = format!(
            "the daemon has taken the change and goes on with it{progress}. The state is as before; the next plan shows how far \
             it is, and an apply waits for it first. To give it up and have the instance go back, cancel the operation: send \
             POST /v1/{}:cancel to the daemon.",
            operation.name
        );
        Err(self.stopped(why, &now))
    }

    /// As planned, with what the plan left open.
    async fn shown(&self, mut state: Object) -> Result<NewState, Failed> {
        if state.values().all(Value::is_wholly_known) {
            return Ok(state.into());
        }
        let reading = tokio::time::timeout(READ_LIMIT, self.cx.client().instance(self.name.to_string())).await;
        let late = Interrupted::TimedOut { limit: READ_LIMIT };
        let instance = reading.map_err(|_| self.stopped(late, "it is changed, but could not be read."))?;
        let instance = instance.map_err(|error| self.failed("read", &error))?;
        for (attribute, value) in outputs::show(&self.name, &instance, &state.clone()) {
            if !state.value(&attribute).is_wholly_known() {
                state.set(&attribute, value);
            }
        }
        Ok(state.into())
    }
}
