//! How fast data moves, from what was seen of it lately.

use std::collections::VecDeque;
use std::time::Duration;

/// What is older than this does not count: long enough to even out the chunks of a store, short enough to show a stall.
const WINDOW: Duration = Duration::from_secs(5);
/// Before this much was seen, a rate would be noise.
const SEEN_MIN: Duration = Duration::from_millis(500);

/// Bytes that were moved, by the time since watching began.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    seen: VecDeque<(Duration, i64)>,
}

impl Pace {
    /// Takes note of how many bytes were moved at this time. Fewer than before means that the work began anew.
    pub(super) fn see(&mut self, at: Duration, bytes: i64) {
        if self.seen.back().is_some_and(|(_, before)| bytes < *before) {
            self.seen.clear();
        }
        self.seen.push_back((at, bytes));
        while self.seen.get(1).is_some_and(|(then, _)| *then + WINDOW <= at) {
            self.seen.pop_front();
        }
    }

    /// Bytes a second; nothing while too little was seen.
    pub(super) fn bytes_per_second(&self) -> Option<i64> {
        let ((first_at, first), (last_at, last)) = (self.seen.front()?, self.seen.back()?);
        let millis = i64::try_from(last_at.checked_sub(*first_at).filter(|span| *span >= SEEN_MIN)?.as_millis()).ok()?;
        Some((last - first).saturating_mul(1_000) / millis)
    }

    /// How long the rest of this many bytes will take; nothing while that cannot be told.
    pub(super) fn left(&self, total: i64) -> Option<Duration> {
        let rate = self.bytes_per_second().filter(|rate| *rate > 0)?;
        let (_, done) = self.seen.back()?;
        let rest = u64::try_from(total.checked_sub(*done)?).ok()?;
        Some(Duration::from_secs(rest.div_ceil(rate.unsigned_abs())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(seen: &[(u64, i64)]) -> Pace {
        let mut pace = Pace::default();
        seen.iter().for_each(|(millis, bytes)| pace.see(Duration::from_millis(*millis), *bytes));
        pace
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        let steady = pace(&[(0, 0), (1_000, 100), (2_000, 200)]);
        assert_eq!((steady.bytes_per_second(), steady.left(500)), (Some(100), Some(Duration::from_secs(3))));
        let stalled: Vec<(u64, i64)> = (0..=20).map(|second| (second * 1_000, 100)).collect();
        assert_eq!((pace(&stalled).bytes_per_second(), pace(&stalled).left(500)), (Some(0), None));
    }

    #[test]
    fn too_little_gives_no_rate_and_a_new_beginning_starts_over() {
        assert_eq!(pace(&[(0, 0), (100, 1_000)]).bytes_per_second(), None);
        assert_eq!(pace(&[(0, 500), (1_000, 900), (2_000, 0), (3_000, 10)]).bytes_per_second(), Some(10));
    }
}
