//! The one clock of a load: CLOCK_MONOTONIC, which Python reads as `time.monotonic_ns`.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

const SECS_PER_DAY: u64 = 86_400;

/// Nanoseconds since the machine's own zero; comparable between the processes of one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub u64);

impl Moment {
    /// The present.
    ///
    /// # Panics
    /// Never: the clock counts up from the machine's start.
    #[must_use]
    pub fn now() -> Self {
        let time = clock_gettime(ClockId::Monotonic);
        let number = |part: i64| u64::try_from(part).expect("this clock is never negative");
        Self(number(time.tv_sec) * 1_000_000_000 + number(time.tv_nsec))
    }

    /// Time since an earlier moment; zero if it is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Later by this much.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// Earlier by this much.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// As the daemon's log writes it: the time of day, UTC.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let age = Self::now().since(*self);
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(age);
        let seconds = since_1970.as_secs() % SECS_PER_DAY;
        write!(f, "{:02}:{:02}:{:02}.{:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60, since_1970.subsec_millis())
    }
}
