//! The end of backups: expiring them, and removing the files and then the record of those on their way out.

use valkyard_model::{Backup, BackupState, JobState, Keeping};

use super::proposal::Proposal;
use super::{KeepingJob, KeepingStep, KeepingWait};
use crate::retry;

/// Each backup has the expiry it was accepted with. One that somebody needs stays for as long as that.
pub(super) fn plan_expiry(keeping: &Keeping, proposal: &mut Proposal<'_>) {
    for backup in keeping.backups.iter().filter(|backup| backup.is_active() && !is_used(keeping, backup)) {
        if backup.expire_time <= proposal.clocks.calendar {
            proposal.propose(KeepingStep::Expire { backup: backup.uid });
        } else {
            proposal.look_at(backup.expire_time);
        }
    }
}

/// Whether an export or a verification needs it, as far as the records here tell; the database knows of the rest.
fn is_used(keeping: &Keeping, backup: &Backup) -> bool {
    keeping.exports.iter().any(|export| export.uid == backup.uid)
        || keeping.verifications.iter().any(|verification| verification.backup == backup.uid)
}

pub(super) fn plan_deletions(keeping: &Keeping, proposal: &mut Proposal<'_>) {
    let leaving = |backup: &&Backup| match backup.state {
        BackupState::Creating | BackupState::Active { .. } => false,
        BackupState::Deleting { .. } => true,
    };
    for uid in proposal.seen.deletions.keys() {
        if !keeping.backups.iter().filter(leaving).any(|backup| backup.uid == *uid) {
            proposal.end(KeepingJob::Deletion(*uid));
        }
    }
    for backup in keeping.backups.iter().filter(leaving) {
        let waiting_for = plan_deletion(backup, proposal);
        // Backups that expire have no operation.
        if let Some(operation) = keeping.deletions.get(&backup.uid) {
            proposal.tell(operation, waiting_for);
        }
    }
}

fn plan_deletion(backup: &Backup, proposal: &mut Proposal<'_>) -> KeepingWait {
    let Some(job) = proposal.seen.deletions.get(&backup.uid) else { return plan_removal(backup, proposal) };
    match &job.state {
        JobState::Running => KeepingWait::Removal,
        JobState::Done(()) => {
            proposal.propose(KeepingStep::RemoveRecord { backup: backup.uid });
            KeepingWait::Removal
        }
        JobState::Failed { at, detail, .. } => match retry::after_deletion(job.attempts, *at, proposal.clocks.machine) {
            Some(left) => {
                proposal.look_within(left);
                KeepingWait::AnotherTry { detail: detail.clone() }
            }
            None => plan_removal(backup, proposal),
        },
    }
}

fn plan_removal(backup: &Backup, proposal: &mut Proposal<'_>) -> KeepingWait {
    let has_room = proposal.begin_removal(KeepingStep::BeginDeletion { backup: backup.uid, name: backup.name.clone() });
    if has_room { KeepingWait::Removal } else { KeepingWait::OtherRemovals }
}
