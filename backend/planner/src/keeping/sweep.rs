//! What was begun in the store and never finished: looked for when the daemon starts, and from time to time.

use chrono::TimeDelta;
use valkyard_model::{Keeping, Timestamp};

use super::KeepingStep;
use super::proposal::Proposal;

/// How often the whole store is looked through. What is left over costs space only.
const INTERVAL: TimeDelta = TimeDelta::hours(1);
/// What was touched within this time may be on its way: another daemon may use the store, too, and the file of a shard shows only
/// when it is complete.
const AGE_MIN: TimeDelta = TimeDelta::hours(24);

/// Files of backups that have a record are left to their own steps, whatever they look like.
pub(super) fn plan_sweep(keeping: &Keeping, proposal: &mut Proposal<'_>) {
    let now = proposal.clocks.machine;
    let is_due = proposal.seen.sweep.as_ref().is_none_or(|job| !job.is_running() && is_over(job.begun_at, now));
    if is_due {
        let spared = keeping.backups.iter().map(|backup| backup.name.clone()).collect();
        proposal.begin_removal(KeepingStep::BeginSweep { spared, untouched_since: now - AGE_MIN });
    }
}

/// Whether the interval has passed; also when the clock was set back behind its beginning.
fn is_over(begun: Timestamp, now: Timestamp) -> bool {
    begun > now || now - begun >= INTERVAL
}
