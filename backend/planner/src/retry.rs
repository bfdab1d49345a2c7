//! How long to leave something alone after it failed. The only place that knows backoff.
//!
//! Called for each proposed step, each dead node, each snapshot that is due and all work in the background. A pure function of the reconciler's memory as the observation carries
//! it: a restarted daemon tries at once.

use std::time::Duration;

use valkyard_model::{FaultKind, NodeHistory, NodeSerial, Observation, StepKind, Timestamp};

/// Waits that double from one failure to the next.
#[derive(Clone, Copy, Debug)]
struct Backoff {
    /// After the first failure.
    first: Duration,
    /// At most.
    longest: Duration,
}

/// Of steps and starts. The first wait is long enough not to spin and short enough to go unnoticed; a cause that a person removed
/// is noticed within the longest.
const STEPS: Backoff = Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(5) };
/// Of snapshots, as in the product.
const SNAPSHOTS: Backoff = Backoff { first: Duration::from_secs(5), longest: Duration::from_secs(300) };

/// Of work that moves much data: a store or a node that was away for a moment is back by then.
const WORK: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(10) };

/// Of automated backups: an instance that is ill for some minutes is not bothered, and one that is ill for longer is asked
/// often enough to get its backup of the day.
const SCHEDULED: Backoff = Backoff { first: Duration::from_secs(60), longest: Duration::from_secs(3_600) };
/// Of removing files from a store: nobody waits for it, and a store may be away for days.
const DELETIONS: Backoff = Backoff { first: Duration::from_secs(5), longest: Duration::from_secs(600) };
/// Of records about backups that were refused: what stands against them ends by itself.
const RECORDS: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(60) };

/// Time from one point to a later one; none if the clock was set back.
pub(crate) fn elapsed(since: Timestamp, now: Timestamp) -> Duration {
    (now - since).to_std().unwrap_or(Duration::ZERO)
}

impl Backoff {
    /// The wait after this many failures in a row.
    fn after(self, failures: u32) -> Duration {
        let doublings = failures.checked_sub(1);
        let factor = doublings.map(|doublings| 2_u32.saturating_pow(doublings));
        factor.map_or(Duration::ZERO, |factor| self.first.saturating_mul(factor).min(self.longest))
    }

    /// A failure that lies ahead is of before the clock was set back: nobody knows how long ago that was.
    fn remaining(self, failures: u32, last: Timestamp, now: Timestamp) -> Option<Duration> {
        if last > now {
            return None;
        }
        let left = self.after(failures).saturating_sub(elapsed(last, now));
        (!left.is_zero()).then_some(left)
    }
}

/// The last failure of this step and how long it still has to be left alone.
pub(crate) fn after_fault(
    observed: &Observation,
    step: StepKind,
    node: Option<NodeSerial>,
    now: Timestamp,
) -> Option<(FaultKind, Duration)> {
    let fault = observed.faults.iter().find(|fault| fault.step == step && fault.node == node)?;
    STEPS.remaining(fault.attempts, fault.last, now).map(|left| (fault.kind, left))
}

/// How long a node that keeps exiting before it serves has to stay down.
pub(crate) fn after_start(history: &NodeHistory, now: Timestamp) -> Option<Duration> {
    STEPS.remaining(history.starts, history.last_start?, now)
}

/// How long snapshots of a node that failed have to rest.
pub(crate) fn after_saves(history: &NodeHistory, now: Timestamp) -> Option<Duration> {
    SNAPSHOTS.remaining(history.saves, history.last_save?, now)
}

/// How long work in the background that failed has to rest.
pub(crate) fn after_work(attempts: u32, failed: Timestamp, now: Timestamp) -> Option<Duration> {
    WORK.remaining(attempts, failed, now)
}

/// How long an automated backup that failed has to rest. By a clock that may be set back: an attempt in the future was long ago.
pub(crate) fn after_scheduled(attempts: u32, last: Timestamp, now: Timestamp) -> Option<Duration> {
    if last > now { None } else { SCHEDULED.remaining(attempts, last, now) }
}

/// How long files that could not be removed have to be left alone.
pub(crate) fn after_deletion(attempts: u32, failed: Timestamp, now: Timestamp) -> Option<Duration> {
    DELETIONS.remaining(attempts, failed, now)
}

/// How long a record about a backup that was refused has to be left alone.
pub(crate) fn after_refusal(attempts: u32, last: Timestamp, now: Timestamp) -> Option<Duration> {
    RECORDS.remaining(attempts, last, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_a_tenth_of_a_second_up_to_five_seconds() {
        let waits: Vec<u128> = (0..10).map(|failures| STEPS.after(failures).as_millis()).collect();
        assert_eq!(waits, [0, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
        assert_eq!(STEPS.after(u32::MAX), STEPS.longest);
    }

    #[test]
    fn failed_snapshots_rest_from_five_seconds_up_to_five_minutes() {
        let now = Timestamp::UNIX_EPOCH;
        let rest = |saves| after_saves(&NodeHistory { saves, last_save: Some(now), ..NodeHistory::default() }, now);
        let rests: Vec<Option<u64>> = (0..9).map(|saves| rest(saves).map(|left| left.as_secs())).collect();
        assert_eq!(rests, [None, Some(5), Some(10), Some(20), Some(40), Some(80), Some(160), Some(300), Some(300)]);
    }

    #[test]
    fn a_clock_that_was_set_back_ends_a_wait() {
        let now = Timestamp::UNIX_EPOCH;
        let later = now + STEPS.longest;
        assert_eq!(STEPS.remaining(1, later, now), None);
        assert_eq!(STEPS.remaining(1, now, now), Some(STEPS.first));
        assert_eq!(STEPS.remaining(1, now, later), None);
    }
}
