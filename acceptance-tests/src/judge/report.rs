//! The verdict, as numbers and as a sentence.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::moment::Moment;
use super::record::ClientKind;

/// How many examples of a kind of finding a printed report shows.
const EXAMPLES: usize = 8;

/// Commands that take longer than planned changes may make them are told.
const SLOW: Duration = Duration::from_millis(100);

/// An acknowledged write that is not there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LostWrite {
    /// When its client called.
    pub sent: Moment,
    /// When it was acknowledged.
    pub acknowledged: Moment,
    /// The slot of its key.
    pub slot: u16,
    /// The key.
    pub key: String,
    /// The value.
    pub value: u64,
}

/// An error that a library gave to its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientError {
    /// When the library returned it.
    pub at: Moment,
    /// The library.
    pub client: ClientKind,
    /// The key of the command.
    pub key: String,
    /// The error's text.
    pub text: String,
}

impl ClientError {
    /// valkey-py 6.1.1 looks up the target of an ASK among the nodes it knows and uses what it finds: `None`, when it has
    /// not heard of a new shard yet. It hears of it by a MOVED or by a refresh of its own, neither of which comes first for
    /// certain when slots move by keys.
    pub(super) fn is_a_known_fault(&self) -> bool {
        self.client == ClientKind::Python && self.text == "AttributeError: 'NoneType' object has no attribute 'valkey_connection'"
    }
}

/// What became of the writes of a load.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Number of acknowledged writes.
    pub acknowledged: usize,
    /// Acknowledged writes that are not there.
    pub lost: Vec<LostWrite>,
    /// Acknowledged writes that are there for certain: the counterpart of `lost`, for keys that keep all values.
    pub kept: Vec<LostWrite>,
    /// Keys that hold what nobody wrote, or in another order, in words.
    pub altered: Vec<String>,
    /// Reads that missed a write which is there at the end, in words.
    pub stale: Vec<String>,
    /// Writes that are there more than once, because a library sent them again after it lost a connection.
    pub repeated: usize,
    /// Errors that reached callers.
    pub errors: Vec<ClientError>,
    /// Errors of a library's own that no server can prevent; see [`ClientError::is_a_known_fault`].
    pub library_faults: Vec<ClientError>,
    /// The command that took longest, in words.
    pub slowest: String,
    /// What each command took, ascending, per library.
    pub latencies: BTreeMap<ClientKind, Vec<Duration>>,
}

impl Report {
    /// The latency that this share of all commands does not exceed; `percent` up to 100.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Duration {
        let mut all: Vec<Duration> = self.latencies.values().flatten().copied().collect();
        all.sort_unstable();
        let rank = (all.len() * percent).div_ceil(100);
        all.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }

    /// The longest that any caller waited.
    #[must_use]
    pub fn worst(&self) -> Duration {
        self.percentile(100)
    }

    /// Holds for every planned change: nothing lost, nothing altered, no stale read, no error.
    ///
    /// # Errors
    /// The report with examples.
    pub fn flawless(&self) -> Result<(), String> {
        let clean = self.lost.is_empty() && self.altered.is_empty() && self.stale.is_empty() && self.errors.is_empty();
        if clean { Ok(()) } else { Err(self.to_string()) }
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lost, errors) = (self.lost.len(), self.errors.len());
        let (worst, p99) = (milliseconds(self.worst()), milliseconds(self.percentile(99)));
        write!(f, "{} acknowledged, {lost} lost, {errors} errors, worst {worst:.1} ms, p99 {p99:.1} ms", self.acknowledged)?;
        for (kind, latencies) in &self.latencies {
            let worst = latencies.last().copied().unwrap_or_default();
            write!(f, "; {kind:?} {} commands, worst {:.1} ms", latencies.len(), milliseconds(worst))?;
        }
        if self.worst() > SLOW {
            write!(f, "; slowest: {}", self.slowest)?;
        }
        if !self.library_faults.is_empty() {
            write!(f, "; {} library faults", self.library_faults.len())?;
        }
        if self.repeated > 0 {
            write!(f, "; {} repeated", self.repeated)?;
        }
        for write in self.lost.iter().take(EXAMPLES) {
            write!(f, "\n  lost: {} = {} (slot {}), acknowledged at {}", write.key, write.value, write.slot, write.acknowledged)?;
        }
        for (name, findings) in [("altered", &self.altered), ("stale", &self.stale)] {
            if !findings.is_empty() {
                write!(f, "\n  {} {name}", findings.len())?;
            }
            for finding in findings.iter().take(EXAMPLES) {
                write!(f, "\n  {name}: {finding}")?;
            }
        }
        for error in self.errors.iter().step_by(self.errors.len().div_ceil(EXAMPLES).max(1)) {
            write!(f, "\n  error: {:?} at {}, {}: {}", error.client, error.at, error.key, error.text)?;
        }
        Ok(())
    }
}
