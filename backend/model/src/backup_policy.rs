//! When backups are made without being asked for, and for how long they are kept.

use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::{FieldViolation, Timestamp};

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// How long automated backups are kept at least (product: 1 day).
pub const RETENTION_MIN: Duration = DAY;
/// How long automated backups are kept at most (product: 365 days).
pub const RETENTION_MAX: Duration = Duration::from_secs(365 * DAY.as_secs());
/// How long automated backups are kept if nothing is said (product: 35 days).
pub const RETENTION_DEFAULT: Duration = Duration::from_secs(35 * DAY.as_secs());
/// How long a backup on demand is kept at most, and if nothing is said (product: 100 years).
pub const TTL_MAX: Duration = Duration::from_secs(36_500 * DAY.as_secs());
/// How long a backup on demand is kept at least (product: 1 day).
pub const TTL_MIN: Duration = DAY;

/// The automated backups of an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum AutomatedBackups {
    /// There are none.
    #[default]
    Disabled,
    /// One a day.
    Daily {
        /// When: the beginning of this hour, UTC.
        hour: u8,
        /// How long each is kept.
        retention: Duration,
    },
}

impl AutomatedBackups {
    /// The last time that a backup was due at, and how long it is to be kept.
    #[must_use]
    pub fn last_due(self, now: Timestamp) -> Option<(Timestamp, Duration)> {
        match self {
            Self::Disabled => None,
            Self::Daily { hour, retention } => {
                let today = now.date_naive().and_hms_opt(hour.into(), 0, 0)?.and_utc();
                let due = if today <= now { today } else { today - TimeDelta::days(1) };
                Some((due, retention))
            }
        }
    }

    /// Whether backups are due at the same times, however long each is kept.
    #[must_use]
    pub fn is_due_like(self, other: Self) -> bool {
        match (self, other) {
            (Self::Disabled, Self::Disabled) => true,
            (Self::Daily { hour, .. }, Self::Daily { hour: its, .. }) => hour == its,
            (Self::Disabled, Self::Daily { .. }) | (Self::Daily { .. }, Self::Disabled) => false,
        }
    }

    /// The next time that a backup is due at.
    #[must_use]
    pub fn next_due(self, now: Timestamp) -> Option<Timestamp> {
        self.last_due(now).map(|(due, _)| due + TimeDelta::days(1))
    }
}

/// Automated backups as a client described them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AutomatedBackupsDraft {
    /// Whether there are to be any.
    pub is_enabled: bool,
    /// The time of day; nothing where none was given.
    pub start: Option<StartDraft>,
    /// How long each is kept; nothing where nothing was said.
    pub retention: Option<RetentionDraft>,
}

/// A time of day as a client described it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartDraft {
    /// Hours.
    pub hours: i32,
    /// Whether minutes, seconds and parts of them are all zero.
    pub is_whole_hour: bool,
}

/// A length of time as a client described it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionDraft {
    /// Seconds, perhaps negative.
    pub seconds: i64,
}

impl AutomatedBackupsDraft {
    /// The draft of what was validated before.
    #[must_use]
    pub fn of(backups: AutomatedBackups) -> Self {
        match backups {
            AutomatedBackups::Disabled => Self::default(),
            AutomatedBackups::Daily { hour, retention } => Self {
                is_enabled: true,
                start: Some(StartDraft { hours: hour.into(), is_whole_hour: true }),
                retention: Some(RetentionDraft { seconds: i64::try_from(retention.as_secs()).expect("365 days at most") }),
            },
        }
    }

    /// Checks it and fills in defaults. Disabled ones are not looked at any further, as in the product.
    ///
    /// # Errors
    /// The first field that breaks a rule.
    pub fn check(&self) -> Result<AutomatedBackups, FieldViolation> {
        const START: &str = "instance.automated_backup_config.fixed_frequency_schedule.start_time";
        const RETENTION: &str = "instance.automated_backup_config.retention";
        if !self.is_enabled {
            return Ok(AutomatedBackups::Disabled);
        }
        let start = self
            .start
            .ok_or_else(|| FieldViolation::new(START, "automated backups need a start_time, such as {\"hours\": 2}, in UTC"))?;
        let hour = u8::try_from(start.hours).ok().filter(|hour| *hour < 24 && start.is_whole_hour);
        let hour = hour.ok_or_else(|| FieldViolation::new(START, "start_time must be a whole hour of 0 to 23, in UTC"))?;
        let retention = match self.retention {
            None => RETENTION_DEFAULT,
            Some(RetentionDraft { seconds }) => {
                let given = u64::try_from(seconds).ok().map(Duration::from_secs);
                given.filter(|given| (RETENTION_MIN..=RETENTION_MAX).contains(given)).ok_or_else(|| {
                    FieldViolation::new(RETENTION, format!("retention {seconds}s is outside 86400s to 31536000s (1 to 365 days)"))
                })?
            }
        };
        Ok(AutomatedBackups::Daily { hour, retention })
    }
}

/// What is remembered of the schedule of an instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleRecord {
    /// Since when the present schedule is in force: what was due before is not made up for.
    pub since: Option<Timestamp>,
    /// When the last automated backup that was begun was due.
    pub last_due: Option<Timestamp>,
    /// How often that one was begun.
    pub attempts: u32,
    /// When it was begun last.
    pub last_attempt: Option<Timestamp>,
    /// Why it failed; nothing if it did not, or is still being made.
    pub last_failure: Option<String>,
    /// Whether the newest automated backup is verified.
    #[serde(default)]
    pub verify: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn a_backup_is_due_at_its_hour_of_every_day() {
        let daily = AutomatedBackups::Daily { hour: 2, retention: RETENTION_DEFAULT };
        let due = |now: &str| daily.last_due(time(now)).map(|(due, _)| due);
        assert_eq!(due("2026-11-27T01:59:59Z"), Some(time("2026-11-26T02:00:00Z")));
        assert_eq!(due("2026-11-27T02:00:00Z"), Some(time("2026-11-27T02:00:00Z")));
        assert_eq!(daily.next_due(time("2026-11-27T02:00:00Z")), Some(time("2026-11-28T02:00:00Z")));
        assert_eq!(AutomatedBackups::Disabled.last_due(time("2026-11-27T02:00:00Z")), None);
    }

    #[test]
    fn a_draft_is_checked_and_disabled_ones_are_not_looked_at() {
        let draft = |hours, seconds| AutomatedBackupsDraft {
            is_enabled: true,
            start: Some(StartDraft { hours, is_whole_hour: true }),
            retention: Some(RetentionDraft { seconds }),
        };
        assert_eq!(draft(23, 86_400).check(), Ok(AutomatedBackups::Daily { hour: 23, retention: RETENTION_MIN }));
        for bad in [draft(24, 86_400), draft(-1, 86_400), draft(2, 86_399), draft(2, 31_536_001), draft(2, -1)] {
            assert!(bad.check().is_err(), "{bad:?}");
            assert_eq!(AutomatedBackupsDraft { is_enabled: false, ..bad }.check(), Ok(AutomatedBackups::Disabled));
        }
        let checked = draft(2, 3_024_000).check().expect("good");
        assert_eq!(AutomatedBackupsDraft::of(checked).check(), Ok(checked));
        let without = AutomatedBackupsDraft { is_enabled: true, ..AutomatedBackupsDraft::default() };
        assert!(without.check().is_err(), "a start is needed");
    }
}
