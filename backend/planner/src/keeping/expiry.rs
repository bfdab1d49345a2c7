//! The end of backups: expiring them, and removing the files and then the record of those on their way out.

use valkyard_model::{Backup, BackupState, JobState, Keeping};

use super::proposal::Proposal;
use super::{JobSeen, KeepingJob, KeepingStep};
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
        plan_deletion(backup, proposal.seen.deletions.get(&backup.uid), proposal);
    }
}

fn plan_deletion(backup: &Backup, job: Option<&JobSeen<()>>, proposal: &mut Proposal<'_>) {
    let begin = || KeepingStep::BeginDeletion { backup: backup.uid, name: backup.name.clone() };
    let Some(job) = job else { return proposal.begin_removal(begin()) };
    match &job.state {
        JobState::Running => {}
        JobState::Done(()) => proposal.propose(KeepingStep::RemoveRecord { backup: backup.uid }),
        JobState::Failed { at, .. } => match retry::after_deletion(job.attempts, *at, proposal.clocks.machine) {
            Some(left) => proposal.look_within(left),
            None => proposal.begin_removal(begin()),
        },
    }
}
