//! How long the daemon may be away.
//!
//! Owns [`Outage`], by which waiting for an operation and sending a creation tell a restart from a daemon that is
//! gone. Invariant: an answer ends an outage, so only time without any answer counts.

use std::time::Duration;

use tokio::time::Instant;

use super::ApiError;
use super::pace::Pace;

/// A restart with an upgrade takes seconds, and a daemon that is gone for good should not hold Terraform for the
/// whole timeout.
pub(crate) const OUTAGE_GRACE: Duration = Duration::from_secs(30);

/// A time without answers, if there is one.
#[derive(Debug, Default)]
pub(super) struct Outage {
    since: Option<Instant>,
}

impl Outage {
    /// Notes a call without an answer; says whether another one is worth it.
    pub(super) fn goes_on(&mut self) -> bool {
        self.since.get_or_insert_with(Instant::now).elapsed() <= OUTAGE_GRACE
    }

    /// Notes an answer.
    pub(super) fn is_over(&mut self) {
        self.since = None;
    }
}

/// A call that is repeated because its answer did not come back. One that never arrived is not: a daemon that was not there
/// is not waited for.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    was_lost: bool,
    outage: Outage,
    pace: Pace,
}

impl Unanswered {
    /// Whether the call should be made again after this failure.
    pub(super) fn is_worth_another_try(&mut self, error: &ApiError) -> bool {
        self.was_lost |= error.may_have_arrived();
        self.was_lost && error.is_outage() && self.outage.goes_on()
    }

    /// Waits before the next call. May be dropped at any time.
    pub(super) async fn pause(&mut self) {
        self.pace.next().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_time_without_any_answer_counts() {
        let mut outage = Outage::default();
        assert!(outage.goes_on());
        tokio::time::advance(OUTAGE_GRACE).await;
        assert!(outage.goes_on(), "a whole grace has passed, and no more");
        outage.is_over();
        tokio::time::advance(OUTAGE_GRACE).await;
        assert!(outage.goes_on(), "a new outage begins");
        tokio::time::advance(OUTAGE_GRACE + Duration::from_millis(1)).await;
        assert!(!outage.goes_on());
    }
}
