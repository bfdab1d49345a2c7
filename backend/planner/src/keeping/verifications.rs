//! Verifications: a scratch instance is created from the backup, compared with the records, and deleted.
//!
//! One scratch instance at a time, since each takes as much memory as the instance that was backed up. Where a verification
//! stands follows from the records alone: whether the creation was accepted, what became of it, whether the row is there.

use valkyard_model::{
    Backup, BackupOrigin, DesiredInstance, Failure, FailureCode, JobState, Keeping, OperationState, Scheduled, Verification,
    VerificationOrder,
};

use super::proposal::Proposal;
use super::scratch::{nodes_of, plan_orphans, spec_for};
use super::{JobSeen, KeepingJob, KeepingStep, KeepingStepKind, KeepingWait, Means, Verdict};
use crate::retry;

/// How often the nodes are asked for their data before the verification fails.
const COMPARISONS_MAX: u32 = 3;
/// How often the creation of a scratch instance may be refused before the verification fails: for a minute.
const REFUSALS_MAX: u32 = 6;

pub(super) fn plan_verifications(keeping: &Keeping, means: &Means, proposal: &mut Proposal<'_>) {
    for operation in proposal.seen.comparisons.keys() {
        if !keeping.verifications.iter().any(|order| order.operation == *operation) {
            proposal.end(KeepingJob::Comparison(operation.clone()));
        }
    }
    plan_orphans(keeping, proposal);
    let mut orders: Vec<_> = keeping.verifications.iter().collect();
    orders.sort_by_key(|order| &order.operation);
    let mut is_place_free = proposal.seen.scratches.is_empty();
    for order in orders {
        let backup = keeping.backups.iter().find(|backup| backup.uid == order.backup);
        let Some(backup) = backup.filter(|backup| backup.is_active()) else {
            fail(order, FailureCode::FailedPrecondition, "the backup is not there any more".to_owned(), proposal);
            continue;
        };
        if keeping.cancelled.contains(&order.operation) {
            plan_cancelled(order, proposal);
        } else if let Some(creation) = proposal.seen.creations.get(&order.operation) {
            plan_restored(order, backup, creation, proposal);
        } else if std::mem::take(&mut is_place_free) {
            plan_creation(order, backup, means, proposal);
        } else {
            proposal.wait(&order.operation, KeepingWait::OtherVerifications);
        }
    }
    plan_automated(keeping, proposal);
}

fn plan_cancelled(order: &VerificationOrder, proposal: &mut Proposal<'_>) {
    let job = proposal.seen.comparisons.get(&order.operation);
    if job.is_some_and(JobSeen::is_running) {
        proposal.end(KeepingJob::Comparison(order.operation.clone()));
        proposal.wait(&order.operation, KeepingWait::WorkToStop);
    } else {
        fail(order, FailureCode::Cancelled, "cancelled".to_owned(), proposal);
    }
}

fn plan_creation(order: &VerificationOrder, backup: &Backup, means: &Means, proposal: &mut Proposal<'_>) {
    let refusal = proposal.refusal(KeepingStepKind::CreateScratch, &order.scratch.to_string());
    if let Some(refusal) = refusal.filter(|refusal| refusal.attempts >= REFUSALS_MAX) {
        let detail = format!("it could not be restored: {}", refusal.detail);
        return fail(order, FailureCode::ResourceExhausted, detail, proposal);
    }
    match spec_for(backup, &order.scratch, &means.limits) {
        Ok(spec) => {
            let maxmemory = means.memory.maxmemory(spec.node_type, spec.node_count());
            proposal.propose(KeepingStep::CreateScratch { order: order.clone(), spec: Box::new(spec), maxmemory });
            proposal.wait(&order.operation, KeepingWait::Restored(order.scratch.clone()));
        }
        Err(detail) => fail(order, FailureCode::FailedPrecondition, detail, proposal),
    }
}

fn plan_restored(order: &VerificationOrder, backup: &Backup, creation: &OperationState, proposal: &mut Proposal<'_>) {
    match creation {
        OperationState::Running => proposal.wait(&order.operation, KeepingWait::Restored(order.scratch.clone())),
        OperationState::Failed { failure, .. } => {
            fail(order, failure.code, format!("it could not be restored: {}", failure.message), proposal);
        }
        OperationState::Succeeded { .. } => match proposal.seen.scratches.iter().find(|scratch| scratch.name == order.scratch) {
            Some(scratch) => plan_comparison(order, backup, scratch, proposal),
            None => {
                let detail = format!("{} was deleted before it was compared", order.scratch);
                fail(order, FailureCode::Aborted, detail, proposal);
            }
        },
    }
}

fn plan_comparison(order: &VerificationOrder, backup: &Backup, scratch: &DesiredInstance, proposal: &mut Proposal<'_>) {
    let begin = |proposal: &mut Proposal<'_>| {
        let (operation, backup, scratch) = (order.operation.clone(), backup.name.clone(), nodes_of(scratch));
        let has_room = proposal.begin_transfer(KeepingStep::BeginComparison { operation, backup, scratch });
        let what = if has_room { KeepingWait::Comparison(order.scratch.clone()) } else { KeepingWait::Turn };
        proposal.wait(&order.operation, what);
    };
    let Some(job) = proposal.seen.comparisons.get(&order.operation) else { return begin(proposal) };
    match &job.state {
        JobState::Running => proposal.wait(&order.operation, KeepingWait::Comparison(order.scratch.clone())),
        JobState::Done(Verdict::Equal { detail }) => pass(order, detail.clone(), proposal),
        JobState::Done(Verdict::Different { detail }) => {
            fail(order, FailureCode::FailedPrecondition, detail.clone(), proposal);
        }
        JobState::Failed { detail, .. } if job.attempts >= COMPARISONS_MAX => {
            fail(order, FailureCode::Internal, format!("it could not be compared: {detail}"), proposal);
        }
        JobState::Failed { detail, at, .. } => match retry::after_work(job.attempts, *at, proposal.clocks.machine) {
            Some(_) => proposal.wait(&order.operation, KeepingWait::AnotherTry { detail: detail.clone() }),
            None => begin(proposal),
        },
    }
}

fn pass(order: &VerificationOrder, detail: String, proposal: &mut Proposal<'_>) {
    let outcome = Verification::Passed { at: proposal.clocks.calendar, detail };
    proposal.propose(KeepingStep::FinishVerification { backup: order.backup, outcome, failure: None });
}

fn fail(order: &VerificationOrder, code: FailureCode, detail: String, proposal: &mut Proposal<'_>) {
    let message = match code {
        FailureCode::Cancelled => "the verification was cancelled on request".to_owned(),
        FailureCode::DeadlineExceeded
        | FailureCode::ResourceExhausted
        | FailureCode::FailedPrecondition
        | FailureCode::Aborted
        | FailureCode::Internal => format!("the backup did not pass: {detail}"),
    };
    let outcome = Verification::Failed { at: proposal.clocks.calendar, detail };
    let failure = Some(Failure { code, message });
    proposal.propose(KeepingStep::FinishVerification { backup: order.backup, outcome, failure });
}

/// The newest automated backup of each instance that wants it, one at a time.
fn plan_automated(keeping: &Keeping, proposal: &mut Proposal<'_>) {
    if !keeping.verifications.is_empty() {
        return;
    }
    let wanted = keeping.scheduled.iter().filter(|scheduled| scheduled.record.verify);
    let unproved = wanted.filter_map(|scheduled| newest_of(scheduled, &keeping.backups)).find(|backup| {
        backup.verification == Verification::Never
            && backup.expire_time > proposal.clocks.calendar
            && proposal
                .refusal(KeepingStepKind::Verify, &backup.name.to_string())
                .is_none_or(|refusal| retry::after_refusal(refusal.attempts, refusal.last, proposal.clocks.machine).is_none())
    });
    if let Some(backup) = unproved {
        proposal.propose(KeepingStep::Verify { backup: backup.name.clone() });
    }
}

fn newest_of<'b>(scheduled: &Scheduled, backups: &'b [Backup]) -> Option<&'b Backup> {
    let due = |backup: &Backup| match backup.origin {
        BackupOrigin::OnDemand => None,
        BackupOrigin::Automated { due } => Some(due),
    };
    let of_it = |backup: &&Backup| backup.instance_uid == scheduled.instance.uid && backup.is_active() && due(backup).is_some();
    backups.iter().filter(of_it).max_by_key(|backup| due(backup))
}
