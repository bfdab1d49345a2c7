//! Automated backups: which of them are due, and when one that failed is begun again.
//!
//! After a time without a daemon at most one backup is made up for, the last that was due. The clock may be set in either
//! direction: a due time that has a backup gets no other, and one that has none gets one when it is the last that was due.

use chrono::TimeDelta;
use valkyard_model::{Backup, BackupOrigin, BackupState, Keeping, Lifecycle, ScheduleRecord, Scheduled, Timestamp};

use super::KeepingStep;
use super::proposal::Proposal;
use crate::retry;

/// How often the backup of one due time is begun: with the rests between, for some half an hour.
pub const DUE_ATTEMPTS_MAX: u32 = 5;
/// A schedule that is in force only later than this was set by a clock that went ahead and is back. Less may be the machine's
/// own correction of its clock.
const AHEAD_MAX: TimeDelta = TimeDelta::days(1);
/// A clock that was set back by less than this repeats nothing; by more, the last backup says nothing of the present day.
const BACK_MAX: TimeDelta = TimeDelta::days(1);

pub(super) fn plan_due(keeping: &Keeping, proposal: &mut Proposal<'_>) {
    for scheduled in &keeping.scheduled {
        let calendar = proposal.clocks.calendar;
        let schedule = scheduled.instance.spec.automated_backups;
        if let Some(next) = schedule.next_due(calendar) {
            proposal.look_at(next);
        }
        let Some((due, retention)) = schedule.last_due(calendar) else { continue };
        let Ok(retention) = TimeDelta::from_std(retention) else { continue };
        if is_able(scheduled) && is_due(&keeping.backups, scheduled, due, proposal) {
            let (instance, expire_time) = (scheduled.instance.name.clone(), calendar + retention);
            proposal.propose(KeepingStep::BackUp { instance, due, expire_time });
        }
    }
}

/// Whether the instance can be told to make a backup at this moment.
fn is_able(scheduled: &Scheduled) -> bool {
    let instance = &scheduled.instance;
    let is_complete = instance.settled.is_some() && instance.lifecycle == Lifecycle::Present && !instance.is_changing();
    is_complete && instance.backup.is_none() && !scheduled.is_busy
}

fn is_due(backups: &[Backup], scheduled: &Scheduled, due: Timestamp, proposal: &mut Proposal<'_>) -> bool {
    let record = &scheduled.record;
    if record.last_due == Some(due) {
        return is_to_be_repeated(record, proposal);
    }
    // A clock that was set back: what comes is made when it is due, what was is not made again.
    let was_later = record.last_due.is_some_and(|last| last > due && last - due <= BACK_MAX);
    let is_before_schedule = record.since.is_some_and(|since| since >= due && since - proposal.clocks.calendar <= AHEAD_MAX);
    let has_one = backups.iter().any(|backup| backup.instance_uid == scheduled.instance.uid && was_made(backup, due));
    !is_before_schedule && !was_later && !has_one
}

/// Whether this is a backup of this due time, rather than what is left of one that failed.
fn was_made(backup: &Backup, due: Timestamp) -> bool {
    let is_of_it = match backup.origin {
        BackupOrigin::OnDemand => false,
        BackupOrigin::Automated { due: its } => its == due,
    };
    is_of_it
        && match &backup.state {
            BackupState::Creating | BackupState::Active { .. } => true,
            BackupState::Deleting { content } => content.is_some(),
        }
}

fn is_to_be_repeated(record: &ScheduleRecord, proposal: &mut Proposal<'_>) -> bool {
    if record.last_failure.is_none() || record.attempts >= DUE_ATTEMPTS_MAX {
        return false;
    }
    let Some(last) = record.last_attempt else { return true };
    let rest = retry::after_scheduled(record.attempts, last, proposal.clocks.calendar);
    if let Some(left) = rest {
        proposal.look_within(left);
    }
    rest.is_none()
}
