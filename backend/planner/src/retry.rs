//! How long to leave something alone after it failed. The only place that knows backoff.
//!
//! Called for each proposed step and each dead node. A pure function of the reconciler's memory as the observation carries
//! it: a restarted daemon tries at once.

use std::time::Duration;

use valkyard_model::{FaultKind, NodeHistory, NodeSerial, Observation, StepKind, Timestamp};

/// Wait after the first failure: long enough not to spin, short enough to go unnoticed.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// Longest wait: a cause that a person removed is noticed within this time.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Doublings until 100 ms exceed 5 s (100 ms × 2^6 = 6.4 s).
const DOUBLINGS_MAX: u32 = 6;

/// Time from one point to a later one; none if the clock was set back.
pub(crate) fn elapsed(since: Timestamp, now: Timestamp) -> Duration {
    (now - since).to_std().unwrap_or(Duration::ZERO)
}

/// The wait after this many failures in a row.
fn wait_after(failures: u32) -> Duration {
    match failures {
        0 => Duration::ZERO,
        some => (FIRST_WAIT * 2_u32.pow((some - 1).min(DOUBLINGS_MAX))).min(LONGEST_WAIT),
    }
}

fn remaining(failures: u32, last: Timestamp, now: Timestamp) -> Option<Duration> {
    let left = wait_after(failures).saturating_sub(elapsed(last, now));
    (!left.is_zero()).then_some(left)
}

/// The last failure of this step and how long it still has to be left alone.
pub(crate) fn after_fault(
    observed: &Observation,
    step: StepKind,
    node: Option<NodeSerial>,
    now: Timestamp,
) -> Option<(FaultKind, Duration)> {
    let fault = observed.faults.iter().find(|fault| fault.step == step && fault.node == node)?;
    remaining(fault.attempts, fault.last, now).map(|left| (fault.kind, left))
}

/// How long a node that keeps exiting before it serves has to stay down.
pub(crate) fn after_start(history: &NodeHistory, now: Timestamp) -> Option<Duration> {
    remaining(history.starts, history.last_start?, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_a_tenth_of_a_second_up_to_five_seconds() {
        let waits: Vec<u128> = (0..10).map(|failures| wait_after(failures).as_millis()).collect();
        assert_eq!(waits, [0, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
        assert_eq!(wait_after(u32::MAX), LONGEST_WAIT);
    }

    #[test]
    fn a_clock_that_was_set_back_prolongs_a_wait_by_no_more_than_itself() {
        let now = Timestamp::UNIX_EPOCH;
        let later = now + LONGEST_WAIT;
        assert_eq!(remaining(1, later, now), Some(FIRST_WAIT));
        assert_eq!(remaining(1, now, later), None);
    }
}
