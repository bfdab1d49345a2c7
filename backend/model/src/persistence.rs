//! How the data of an instance survives its processes, and what is seen of that.
//!
//! Validated with the rest of a spec. Says what is wanted and what files tell; when to load, save or discard them is the planner's.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{ConfigEpoch, FieldViolation, SlotSet, Timestamp};

/// The persistence of an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum Persistence {
    /// Data lives in memory only.
    #[default]
    Disabled,
    /// Every shard's primary writes a snapshot from time to time.
    Rdb(SnapshotSchedule),
    /// Every node logs its writes.
    Aof {
        /// When the log is forced to the disk.
        fsync: AppendFsync,
    },
}

impl Persistence {
    /// Whether nodes keep anything on disk.
    #[must_use]
    pub fn is_on(self) -> bool {
        match self {
            Self::Disabled => false,
            Self::Rdb(_) | Self::Aof { .. } => true,
        }
    }

    /// When the log of writes is forced to the disk, if there is to be one.
    #[must_use]
    pub fn fsync(self) -> Option<AppendFsync> {
        match self {
            Self::Disabled | Self::Rdb(_) => None,
            Self::Aof { fsync } => Some(fsync),
        }
    }
}

impl fmt::Display for Persistence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => f.write_str("DISABLED"),
            Self::Rdb(schedule) => write!(f, "RDB {}", schedule.period),
            Self::Aof { fsync } => write!(f, "AOF {}", fsync.name()),
        }
    }
}

/// When snapshots are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotSchedule {
    /// Time between two of them.
    pub period: SnapshotPeriod,
    /// When the first one is due; all others are whole periods later.
    pub start: Timestamp,
}

impl SnapshotSchedule {
    /// The last time that a snapshot was due at, if one was.
    #[must_use]
    pub fn last_due(&self, now: Timestamp) -> Option<Timestamp> {
        let since = (now - self.start).to_std().ok()?;
        let into_period = since.as_secs() % self.period.length().as_secs();
        let whole = Duration::from_secs(since.as_secs() - into_period);
        Some(self.start + whole)
    }
}

/// Time between two snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotPeriod {
    /// An hour.
    OneHour,
    /// Six hours.
    SixHours,
    /// Twelve hours.
    TwelveHours,
    /// A day.
    TwentyFourHours,
}

impl SnapshotPeriod {
    const HOUR: Duration = Duration::from_secs(3_600);

    /// Its length.
    #[must_use]
    pub fn length(self) -> Duration {
        match self {
            Self::OneHour => Self::HOUR,
            Self::SixHours => Self::HOUR * 6,
            Self::TwelveHours => Self::HOUR * 12,
            Self::TwentyFourHours => Self::HOUR * 24,
        }
    }
}

/// When a node forces its log of writes to the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppendFsync {
    /// When the operating system sees fit.
    Never,
    /// Once a second.
    #[default]
    EverySec,
    /// Before a write is acknowledged.
    Always,
}

impl AppendFsync {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Never, Self::EverySec, Self::Always];

    /// The product's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Never => "NEVER",
            Self::EverySec => "EVERY_SEC",
            Self::Always => "ALWAYS",
        }
    }

    /// The engine's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "no",
            Self::EverySec => "everysec",
            Self::Always => "always",
        }
    }
}

impl fmt::Display for SnapshotPeriod {
    /// The product's name for it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneHour => "ONE_HOUR",
            Self::SixHours => "SIX_HOURS",
            Self::TwelveHours => "TWELVE_HOURS",
            Self::TwentyFourHours => "TWENTY_FOUR_HOURS",
        })
    }
}

/// Persistence as a client described it: absent parts take their defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PersistenceDraft {
    /// `mode`.
    pub mode: PersistenceMode,
    /// `rdb_config.rdb_snapshot_period`; a day if absent.
    pub period: Option<SnapshotPeriod>,
    /// `rdb_config.rdb_snapshot_start_time`; needed for RDB, whoever accepts the draft knows the time.
    pub start: Option<Timestamp>,
    /// `aof_config.append_fsync`; EVERY_SEC if absent.
    pub fsync: Option<AppendFsync>,
}

/// `mode` of a draft.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PersistenceMode {
    /// DISABLED, or not given.
    #[default]
    Disabled,
    /// RDB.
    Rdb,
    /// AOF.
    Aof,
}

impl PersistenceDraft {
    /// A draft that asks for exactly this.
    #[must_use]
    pub fn of(persistence: Persistence) -> Self {
        match persistence {
            Persistence::Disabled => Self::default(),
            Persistence::Rdb(SnapshotSchedule { period, start }) => {
                Self { mode: PersistenceMode::Rdb, period: Some(period), start: Some(start), fsync: None }
            }
            Persistence::Aof { fsync } => Self { mode: PersistenceMode::Aof, fsync: Some(fsync), ..Self::default() },
        }
    }

    /// Fills in defaults. As in the product, settings of another mode than the present one are ignored.
    pub(crate) fn check(self) -> Result<Persistence, FieldViolation> {
        match self.mode {
            PersistenceMode::Disabled => Ok(Persistence::Disabled),
            PersistenceMode::Aof => Ok(Persistence::Aof { fsync: self.fsync.unwrap_or_default() }),
            PersistenceMode::Rdb => {
                let field = "instance.persistence_config.rdb_config.rdb_snapshot_start_time";
                let start = self.start.ok_or_else(|| FieldViolation::new(field, "a schedule of snapshots needs a start"))?;
                let period = self.period.unwrap_or(SnapshotPeriod::TwentyFourHours);
                Ok(Persistence::Rdb(SnapshotSchedule { period, start }))
            }
        }
    }
}

/// What a node's folder holds of its data. The engine replaces each as a whole, so what is there is complete or damaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSeen {
    /// When the log of writes was last written to, if there is one.
    pub log: Option<Timestamp>,
    /// When the snapshot was written, if there is one.
    pub snapshot: Option<Timestamp>,
}

impl DataSeen {
    /// Which of the two is newer, and its time. Both are there only while the mode changes, or where a node copied another.
    #[must_use]
    pub fn newest(&self) -> Option<(DataSource, Timestamp)> {
        let log = self.log.map(|at| (DataSource::Log, at));
        let snapshot = self.snapshot.map(|at| (DataSource::Snapshot, at));
        match (log, snapshot) {
            (Some(log), Some(snapshot)) => Some(if log.1 >= snapshot.1 { log } else { snapshot }),
            (one, other) => one.or(other),
        }
    }
}

/// Files that a node may begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataSource {
    /// Its log of writes.
    Log,
    /// Its snapshot.
    Snapshot,
}

/// What a node's folder remembers of the cluster: the node's own line in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterMemory {
    /// Whether it copied another node.
    pub is_replica: bool,
    /// Its claim to its slots.
    pub epoch: ConfigEpoch,
    /// The highest epoch it had heard of.
    pub current_epoch: ConfigEpoch,
    /// Slots it owned.
    pub slots: SlotSet,
}

/// What an engine tells of its persistence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersistenceSeen {
    /// When it forces its log to the disk; nothing if it is to keep none.
    pub fsync: Option<AppendFsync>,
    /// Whether it keeps files that it copied from a primary: it is to persist its data in one way or another.
    pub keeps_copies: bool,
    /// Whether it keeps a log at this moment: not while it copies a primary.
    pub is_logging: bool,
    /// Whether it writes the log anew, or is about to.
    pub is_rewriting: bool,
    /// Whether the last rewriting of the log succeeded.
    pub rewrite_ok: bool,
    /// Whether the last write to the log succeeded.
    pub write_ok: bool,
    /// Whether it writes a snapshot.
    pub is_saving: bool,
    /// Whether the last snapshot succeeded.
    pub save_ok: bool,
    /// What it loaded from a file since it began.
    pub loaded: LoadedSeen,
}

/// What an engine loaded from its last snapshot; nothing if it loaded none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadedSeen {
    /// Keys that it has taken in.
    pub keys: u64,
    /// Keys that it has left out because they had expired.
    pub keys_expired: u64,
}

impl PersistenceSeen {
    /// Whether a node is set to this persistence.
    #[must_use]
    pub fn is_set_to(&self, wanted: Persistence) -> bool {
        (self.fsync, self.keeps_copies) == (wanted.fsync(), wanted.is_on())
    }

    /// Whether what it writes for this persistence reaches the disk. What failed for an earlier one does not matter any more.
    #[must_use]
    pub fn is_ok_for(&self, wanted: Persistence) -> bool {
        match wanted {
            Persistence::Disabled => true,
            Persistence::Rdb(_) => self.save_ok,
            Persistence::Aof { .. } => self.rewrite_ok && self.write_ok,
        }
    }
}

impl Default for PersistenceSeen {
    /// An engine that keeps nothing.
    fn default() -> Self {
        Self {
            fsync: None,
            keeps_copies: false,
            is_logging: false,
            is_rewriting: false,
            rewrite_ok: true,
            write_ok: true,
            is_saving: false,
            save_ok: true,
            loaded: LoadedSeen::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn snapshots_are_due_whole_periods_after_the_start_and_not_before_it() {
        let start = Timestamp::UNIX_EPOCH + TimeDelta::minutes(30);
        let schedule = SnapshotSchedule { period: SnapshotPeriod::SixHours, start };
        let due = |minutes: i64| schedule.last_due(start + TimeDelta::minutes(minutes)).map(|at| (at - start).num_minutes());
        assert_eq!([due(-1), due(0), due(359), due(360), due(1_000)], [None, Some(0), Some(0), Some(360), Some(720)]);
    }

    #[test]
    fn the_newer_of_two_files_is_what_a_node_begins_with() {
        let at = |seconds| Some(Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds));
        let source = |log, snapshot| DataSeen { log, snapshot }.newest().map(|(source, _)| source);
        assert_eq!(source(at(1), at(2)), Some(DataSource::Snapshot));
        assert_eq!(source(at(2), at(1)), Some(DataSource::Log));
        assert_eq!(
            (source(None, at(1)), source(at(1), None), source(None, None)),
            (Some(DataSource::Snapshot), Some(DataSource::Log), None)
        );
    }

    #[test]
    fn settings_of_another_mode_are_ignored() {
        let draft = PersistenceDraft { mode: PersistenceMode::Aof, period: Some(SnapshotPeriod::OneHour), ..Default::default() };
        assert_eq!(draft.check(), Ok(Persistence::Aof { fsync: AppendFsync::EverySec }));
        let rdb = PersistenceDraft { mode: PersistenceMode::Rdb, start: Some(Timestamp::UNIX_EPOCH), ..draft };
        let Ok(accepted) = rdb.check() else { panic!("RDB is a mode") };
        assert_eq!(PersistenceDraft::of(accepted).check(), Ok(accepted));
        assert!(PersistenceDraft { start: None, ..rdb }.check().is_err(), "nobody knows when it starts");
    }

    #[test]
    fn every_mode_is_stored_and_read() {
        for persistence in [
            Persistence::Disabled,
            Persistence::Aof { fsync: AppendFsync::Always },
            Persistence::Rdb(SnapshotSchedule { period: SnapshotPeriod::OneHour, start: Timestamp::UNIX_EPOCH }),
        ] {
            let text = serde_json::to_string(&persistence).expect("is JSON");
            assert_eq!(serde_json::from_str::<Persistence>(&text).expect("is read"), persistence, "{text}");
        }
    }
}
