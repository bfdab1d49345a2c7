//! How fast to ask again.
//!
//! Owns [`Pace`], the only place where this provider waits before it repeats a call. Invariant: the pauses grow
//! to a bound; how often is bounded by the caller's deadline.

use std::time::Duration;

/// First pause: deletions and small changes are done within tens of milliseconds.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
/// Longest pause: a cluster takes two seconds, and of a pause half is wasted on average (with 500 ms an apply took 0.4 s
/// longer); asking costs the daemon 0.2 ms.
const PAUSE_MAX: Duration = Duration::from_millis(100);

/// Pauses that grow by half from one to the next.
#[derive(Debug)]
pub(super) struct Pace {
    pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self::new()
    }
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { pause: PAUSE_FIRST }
    }

    /// Waits. May be dropped at any time.
    pub(super) async fn next(&mut self) {
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 3 / 2).min(PAUSE_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_and_stay_below_the_bound() {
        let mut pace = Pace::new();
        let started = tokio::time::Instant::now();
        pace.next().await;
        assert_eq!(started.elapsed(), PAUSE_FIRST);
        for _ in 0..20 {
            pace.next().await;
        }
        let before = tokio::time::Instant::now();
        pace.next().await;
        assert_eq!(before.elapsed(), PAUSE_MAX);
    }
}
