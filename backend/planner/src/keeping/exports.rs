//! Exports: which of them may begin, when one that failed is tried again, how each ends.

use valkyard_model::{Backup, ExportOrder, Failure, FailureCode, FaultKind, JobState, Keeping};

use super::proposal::Proposal;
use super::{KeepingJob, KeepingStep, KeepingWait};
use crate::{advice, retry};

/// How often a copy is begun whose failure may pass. The store's own requests are repeated for a minute before they fail.
const ATTEMPTS_MAX: u32 = 3;

pub(super) fn plan_exports(keeping: &Keeping, proposal: &mut Proposal<'_>) {
    for operation in proposal.seen.exports.keys() {
        if !keeping.exports.iter().any(|order| order.operation == *operation) {
            proposal.end(KeepingJob::Export(operation.clone()));
        }
    }
    for (index, order) in keeping.exports.iter().enumerate() {
        let before = &keeping.exports[..index];
        let backup = keeping.backups.iter().find(|backup| backup.uid == order.uid);
        plan_export(order, before, backup, proposal);
    }
}

fn plan_export(order: &ExportOrder, before: &[ExportOrder], backup: Option<&Backup>, proposal: &mut Proposal<'_>) {
    let job = proposal.seen.exports.get(&order.operation);
    if order.is_cancelled {
        return plan_cancelled(order, job.map(|job| &job.state), proposal);
    }
    let Some(job) = job else { return plan_beginning(order, before, backup, proposal) };
    match &job.state {
        JobState::Running => {
            proposal.wait(&order.operation, KeepingWait::Copy { destination: order.destination.clone() });
        }
        JobState::Done(()) => finish(order, Ok(()), proposal),
        JobState::Failed { kind, detail, at } => match failure_of(order, job.attempts, *kind, detail) {
            Some(failure) => finish(order, Err(failure), proposal),
            None => match retry::after_work(job.attempts, *at, proposal.clocks.machine) {
                Some(_) => proposal.wait(&order.operation, KeepingWait::AnotherTry { detail: detail.clone() }),
                None => plan_beginning(order, before, backup, proposal),
            },
        },
    }
}

/// What was copied to its end before it could be stopped stays, and is a success.
fn plan_cancelled(order: &ExportOrder, job: Option<&JobState<()>>, proposal: &mut Proposal<'_>) {
    match job {
        Some(JobState::Running) => {
            proposal.end(KeepingJob::Export(order.operation.clone()));
            proposal.wait(&order.operation, KeepingWait::WorkToStop);
        }
        Some(JobState::Done(())) => finish(order, Ok(()), proposal),
        Some(JobState::Failed { .. }) | None => {
            let message = "the export was cancelled on request".to_owned();
            finish(order, Err(Failure { code: FailureCode::Cancelled, message }), proposal);
        }
    }
}

/// Two writers of one place would undo each other's work: the later one finds the copy of the earlier.
fn plan_beginning(order: &ExportOrder, before: &[ExportOrder], backup: Option<&Backup>, proposal: &mut Proposal<'_>) {
    if !backup.is_some_and(Backup::is_active) {
        let message = format!("{} is not there any more", order.backup);
        return finish(order, Err(Failure { code: FailureCode::FailedPrecondition, message }), proposal);
    }
    let is_same = |other: &&ExportOrder| other.uid == order.uid && other.destination == order.destination;
    if before.iter().any(|other| is_same(&other)) {
        return proposal.wait(&order.operation, KeepingWait::SameExport(order.backup.clone()));
    }
    let has_room = proposal.begin_transfer(KeepingStep::BeginExport(order.clone()));
    let destination = order.destination.clone();
    let what = if has_room { KeepingWait::Copy { destination } } else { KeepingWait::Turn };
    proposal.wait(&order.operation, what);
}

/// What the operation reports if the copy is not begun again.
fn failure_of(order: &ExportOrder, attempts: u32, kind: FaultKind, detail: &str) -> Option<Failure> {
    let (code, advice) = match kind {
        FaultKind::DiskFull => (FailureCode::ResourceExhausted, advice::MAKE_ROOM),
        FaultKind::PermissionDenied => {
            (FailureCode::FailedPrecondition, "let the daemon write there, or correct its options and credentials of that store")
        }
        FaultKind::BadData => (FailureCode::FailedPrecondition, "remove the cause, or choose another destination"),
        FaultKind::AddressInUse | FaultKind::EngineMissing | FaultKind::Transient if attempts < ATTEMPTS_MAX => return None,
        FaultKind::AddressInUse | FaultKind::EngineMissing | FaultKind::Transient => {
            (FailureCode::Internal, "look for the cause in the daemon's log")
        }
    };
    let times = if attempts > 1 { format!(" ({attempts} attempts)") } else { String::new() };
    let message =
        format!("failed to export {} to {}{times}: {detail}; {advice}, then export it again", order.backup, order.destination);
    Some(Failure { code, message })
}

fn finish(order: &ExportOrder, outcome: Result<(), Failure>, proposal: &mut Proposal<'_>) {
    proposal.propose(KeepingStep::FinishExport { operation: order.operation.clone(), backup: order.uid, outcome });
}
