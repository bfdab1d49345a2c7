//! How far a target is behind, from where its source was seen at what time. Pure: the time is an argument.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Sightings closer together than this count as one, of the earlier time.
const GRAIN: Duration = Duration::from_millis(1);
/// Most sightings that are kept: the last one then stands for all that follow, and the lag is overestimated.
const SIGHTINGS_MAX: usize = 4_096;
/// Without a sign of life for so long, nothing is known of what the source has by now. It is asked every second.
const SILENCE: Duration = Duration::from_secs(3);

/// The source had everything up to here, no later than then.
#[derive(Clone, Copy, Debug)]
struct Sighting {
    offset: u64,
    at: Instant,
}

/// Where a source was seen and how much of that is applied.
#[derive(Debug)]
pub(crate) struct Lag {
    source: u64,
    applied: u64,
    heard_at: Instant,
    synced_at: Option<Instant>,
    pending: VecDeque<Sighting>,
}

impl Lag {
    /// For a target that has this much; the source has been found a moment ago.
    pub(crate) fn new(applied: u64, now: Instant) -> Self {
        Self { source: applied, applied, heard_at: now, synced_at: None, pending: VecDeque::new() }
    }

    /// The source has this much.
    pub(crate) fn source_seen(&mut self, offset: u64, now: Instant) {
        self.heard_at = now;
        if offset > self.source {
            self.source = offset;
            let is_full = self.pending.len() >= SIGHTINGS_MAX;
            match self.pending.back_mut() {
                Some(last) if is_full || now.duration_since(last.at) < GRAIN => last.offset = offset,
                Some(_) | None => self.pending.push_back(Sighting { offset, at: now }),
            }
        }
        self.note_sync(now);
    }

    /// The target has this much.
    pub(crate) fn applied(&mut self, offset: u64, now: Instant) {
        self.applied = offset;
        while self.pending.front().is_some_and(|sighting| sighting.offset <= offset) {
            self.pending.pop_front();
        }
        self.source = self.source.max(offset);
        self.note_sync(now);
    }

    fn note_sync(&mut self, now: Instant) {
        if self.pending.is_empty() {
            self.synced_at = Some(now);
        }
    }

    pub(crate) fn source_offset(&self) -> u64 {
        self.source
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.source - self.applied
    }

    /// When the target last had everything.
    pub(crate) fn synced_at(&self) -> Option<Instant> {
        self.synced_at
    }

    /// Since when the target lacks something; when nothing is heard, since it last lacked nothing.
    pub(crate) fn duration(&self, now: Instant) -> Option<Duration> {
        match self.pending.front() {
            Some(oldest) => Some(now.duration_since(oldest.at)),
            None if now.duration_since(self.heard_at) < SILENCE => Some(Duration::ZERO),
            None => self.synced_at.map(|synced| now.duration_since(synced)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn lag_is_the_age_of_the_oldest_byte_that_is_not_applied() {
        let start = Instant::now();
        let mut lag = Lag::new(100, start);
        lag.source_seen(150, start + 10 * MS);
        lag.source_seen(200, start + 20 * MS);
        assert_eq!((lag.bytes(), lag.duration(start + 30 * MS)), (100, Some(20 * MS)));
        lag.applied(150, start + 31 * MS);
        assert_eq!((lag.bytes(), lag.duration(start + 35 * MS)), (50, Some(15 * MS)));
        lag.applied(200, start + 40 * MS);
        assert_eq!(
            (lag.bytes(), lag.duration(start + 45 * MS), lag.synced_at()),
            (0, Some(Duration::ZERO), Some(start + 40 * MS))
        );
    }

    #[test]
    fn a_silent_source_may_be_far_ahead() {
        let start = Instant::now();
        let mut lag = Lag::new(100, start);
        lag.source_seen(100, start);
        assert_eq!(lag.duration(start + 2_999 * MS), Some(Duration::ZERO));
        assert_eq!(lag.duration(start + 3_001 * MS), Some(3_001 * MS));
    }

    #[test]
    fn however_much_is_seen_little_is_remembered() {
        let start = Instant::now();
        let mut lag = Lag::new(0, start);
        for step in 0..10_000_u32 {
            lag.source_seen(u64::from(step) + 1, start + 2 * step * MS);
        }
        assert_eq!(lag.pending.len(), SIGHTINGS_MAX);
        lag.applied(9_999, start + 20_000 * MS);
        let overestimated = lag.duration(start + 20_000 * MS).expect("behind");
        assert!(overestimated >= 2 * MS, "{overestimated:?}");
        lag.applied(10_000, start + 20_000 * MS);
        assert_eq!(lag.bytes(), 0);
    }
}
