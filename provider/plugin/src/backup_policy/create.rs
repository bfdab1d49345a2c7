//! Making a backup policy.
//!
//! Owns the create operation. Invariants: a policy that is in force already is refused and not taken over; once the
//! schedule may have reached the daemon, a failure keeps the policy in the state, where the next refresh sees whether it is
//! in force.

use admin_proto::v1::{BackupPolicy, SetBackupPolicyRequest};
use provider_framework::{Context, Create, Diagnostic, Diagnostics, Failed, Interrupted, NewState, Object, Value};

use super::{PolicyName, attempt, schedule};
use crate::client::{ApiError, Client, Finished, interrupted};
use crate::instance::automated_backups::{self, AutomatedBackups};

pub(super) async fn create(cx: &Context<Client>, request: Create) -> Result<NewState, Failed> {
    let planned = request.planned;
    let making = Making { cx, name: PolicyName::of(&planned)?, planned };
    let instance = making.name.instance();
    let Some(_claim) = cx.client().policy_claims().claim(&instance) else { return Err(making.one_of_two().into()) };
    making.refuse_second().await?;
    making.enable().await?;
    let policy = making.set_verify().await.map_err(|diagnostics| making.kept(diagnostics))?;
    Ok(shown(making.planned, &policy).into())
}

/// The plan with what it left open.
pub(super) fn shown(mut state: Object, policy: &BackupPolicy) -> Object {
    state.set_if_unknown("next_backup_time", policy.next_due.as_ref().map(ToString::to_string));
    state.set_if_unknown("last_backup_time", policy.last_due.as_ref().map(ToString::to_string));
    state
}

/// Sets what the daemon adds to the schedule.
pub(super) async fn set_verify(
    cx: &Context<Client>,
    name: &PolicyName,
    planned: &Object,
) -> Result<Result<BackupPolicy, ApiError>, Interrupted> {
    let verify = planned.value("verify").as_bool().unwrap_or_default();
    cx.run(cx.client().set_backup_policy(SetBackupPolicyRequest { name: name.instance(), verify })).await
}

struct Making<'a> {
    cx: &'a Context<Client>,
    name: PolicyName,
    planned: Object,
}

impl Making<'_> {
    fn failed(&self, error: &ApiError) -> Diagnostics {
        attempt("create", &self.name.to_string()).failed(error)
    }

    fn stopped(&self, why: Interrupted, now: &str) -> Diagnostics {
        interrupted(attempt("create", &self.name.to_string()), why, "create", now).into()
    }

    /// A failure after which the policy may be in force.
    fn kept(&self, diagnostics: Diagnostics) -> Failed {
        let known = |(attribute, value): (String, Value)| (attribute, value.with_unknown_as_null());
        let state: Object = self.planned.clone().into_iter().map(known).collect();
        Failed::with_partial(diagnostics, state)
    }

    fn one_of_two(&self) -> Diagnostic {
        let detail = format!(
            "Another `valkyard_backup_policy` of this configuration is for {} too, and is being made at this moment. An instance \
             has one policy: remove one of the two resources.",
            self.name.instance()
        );
        Diagnostic::error("Two backup policies for one instance").detail(detail).at("instance")
    }

    /// Nothing is sent to an instance that is not there, or that has a policy.
    async fn refuse_second(&self) -> Result<(), Diagnostics> {
        let read = self.cx.run(self.cx.client().instance(self.name.instance())).await;
        match read.map_err(|why| self.stopped(why, "nothing was sent."))? {
            Ok(instance) => automated_backups::of(&instance).map_or(Ok(()), |backups| Err(self.in_force(backups).into())),
            Err(error) if error.is_not_found() => Err(self.no_instance().into()),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn in_force(&self, backups: AutomatedBackups) -> Diagnostic {
        let instance = self.name.instance();
        let detail = format!(
            "{instance} has automated backups already, at {}:00 UTC, kept for {} s: by another `valkyard_backup_policy`, or set \
             elsewhere. An instance has one policy. To manage this one here, import it instead:\n\n  \
             terraform import <address of this resource> {instance}",
            backups.start_hour, backups.retention_seconds,
        );
        Diagnostic::error("Automated backups are on already").detail(detail).at("instance")
    }

    fn no_instance(&self) -> Diagnostic {
        let detail = format!(
            "The daemon has no {}, so it can have no backup policy. `instance`, `location` and `project` must all match.",
            self.name.instance()
        );
        Diagnostic::error("No such instance").detail(detail).at("instance")
    }

    /// Turns automated backups on.
    async fn enable(&self) -> Result<(), Failed> {
        let client = self.cx.client();
        let config = schedule::enabled(&self.planned)?;
        let sent = self.cx.run(schedule::send(client, &self.name, config)).await;
        let may_be_on = "the daemon may or may not have turned automated backups on; the next plan shows which.";
        let operation = match sent.map_err(|why| self.kept(self.stopped(why, may_be_on)))? {
            Ok(operation) => operation,
            Err(error) if error.is_outage() => return Err(self.kept(self.failed(&error))),
            Err(error) => return Err(self.failed(&error).into()),
        };
        tracing::info!(policy = %self.name, operation = operation.name, "the daemon turns automated backups on");
        match self.cx.run(client.finished(operation)).await {
            Ok(Ok(Finished::Done)) => Ok(()),
            Ok(Ok(Finished::Failed(error)) | Err(error)) => Err(self.kept(self.failed(&error))),
            Err(why) => Err(self.kept(self.stopped(why, may_be_on))),
        }
    }

    async fn set_verify(&self) -> Result<BackupPolicy, Diagnostics> {
        let set = set_verify(self.cx, &self.name, &self.planned).await;
        set.map_err(|why| self.stopped(why, "automated backups are on; `verify` may or may not have been set."))?
            .map_err(|error| self.failed(&error))
    }
}
