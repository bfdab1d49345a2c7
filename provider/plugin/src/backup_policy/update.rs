//! Changing a backup policy.
//!
//! Owns the update operation. Invariants: only what changes is sent, and a failure keeps the prior state until the next
//! refresh, which sees what was reached.

use provider_framework::{Context, Failed, Interrupted, NewState, Object, Update, Value};

use super::{PolicyName, attempt, create, schedule};
use crate::client::{ApiError, Client, Finished, interrupted};

pub(super) async fn update(cx: &Context<Client>, request: Update) -> Result<NewState, Failed> {
    let change = Change { cx, name: PolicyName::of(&request.planned)? };
    if request.changes("start_hour") || request.changes("retention") {
        change.reschedule(&request.planned).await?;
    }
    if request.changes("verify") {
        let set = create::set_verify(cx, &change.name, &request.planned).await;
        set.map_err(|why| change.stopped(why))?.map_err(|error| change.failed(&error))?;
    }
    change.shown(request.planned).await
}

struct Change<'a> {
    cx: &'a Context<Client>,
    name: PolicyName,
}

impl Change<'_> {
    fn failed(&self, error: &ApiError) -> Failed {
        attempt("update", &self.name.to_string()).failed(error).into()
    }

    fn stopped(&self, why: Interrupted) -> Failed {
        let now = "the daemon may or may not have taken the change; the next plan shows which.";
        interrupted(attempt("update", &self.name.to_string()), why, "update", now).into()
    }

    async fn reschedule(&self, planned: &Object) -> Result<(), Failed> {
        let client = self.cx.client();
        let sent = self.cx.run(schedule::send(client, &self.name, schedule::enabled(planned)?)).await;
        let operation = sent.map_err(|why| self.stopped(why))?.map_err(|error| self.failed(&error))?;
        match self.cx.run(client.finished(operation)).await.map_err(|why| self.stopped(why))? {
            Ok(Finished::Done) => Ok(()),
            Ok(Finished::Failed(error)) | Err(error) => Err(self.failed(&error)),
        }
    }

    /// As planned, with what the plan left open.
    async fn shown(&self, planned: Object) -> Result<NewState, Failed> {
        if planned.values().all(Value::is_wholly_known) {
            return Ok(planned.into());
        }
        let read = self.cx.run(self.cx.client().backup_policy(self.name.instance())).await;
        let policy = read.map_err(|why| self.stopped(why))?.map_err(|error| self.failed(&error))?;
        Ok(create::shown(planned, &policy).into())
    }
}
