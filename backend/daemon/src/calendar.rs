//! The clock that schedules and expiries of backups go by: the machine's, or one that tests move.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{TimeDelta, Utc};
use valkyard_api::ClockIsFixed;
use valkyard_model::Timestamp;

/// Furthest from the machine's time, so that sums stay in range. The API refuses times long before.
const AWAY_MAX: TimeDelta = TimeDelta::days(200 * 365);

/// Whether the clock can be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClockManner {
    /// It is the machine's.
    Fixed,
    /// It goes with the machine's, and can be set ahead or back.
    Adjustable,
}

/// The clock. It begins anew with each daemon.
#[derive(Debug)]
pub(crate) struct Calendar {
    manner: ClockManner,
    ahead_secs: AtomicI64,
}

impl Calendar {
    pub(crate) fn new(manner: ClockManner) -> Self {
        Self { manner, ahead_secs: AtomicI64::new(0) }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Utc::now() + TimeDelta::seconds(self.ahead_secs.load(Ordering::Relaxed))
    }

    /// Moves it; negative sets it back.
    pub(crate) fn advance(&self, seconds: i64) -> Result<(), ClockIsFixed> {
        match self.manner {
            ClockManner::Fixed => Err(ClockIsFixed),
            ClockManner::Adjustable => {
                let limit = AWAY_MAX.num_seconds();
                let moved = |ahead: i64| ahead.saturating_add(seconds).clamp(-limit, limit);
                self.ahead_secs.update(Ordering::Relaxed, Ordering::Relaxed, moved);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_moves_in_both_directions_and_never_out_of_range() {
        let calendar = Calendar::new(ClockManner::Adjustable);
        calendar.advance(3_600).expect("adjustable");
        assert!(calendar.now() - Utc::now() > TimeDelta::minutes(59));
        calendar.advance(-7_200).expect("adjustable");
        assert!(Utc::now() - calendar.now() > TimeDelta::minutes(59));
        calendar.advance(i64::MAX).expect("adjustable");
        assert!(calendar.now() - Utc::now() < AWAY_MAX + TimeDelta::minutes(1));
    }

    #[test]
    fn the_machines_clock_is_not_moved() {
        let calendar = Calendar::new(ClockManner::Fixed);
        assert_eq!(calendar.advance(1), Err(ClockIsFixed));
        assert!(calendar.now() - Utc::now() < TimeDelta::seconds(1));
    }
}
