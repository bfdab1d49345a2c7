//! `automated_backup_config`: how it is shown.
//!
//! Invariant: it is only read here; the resource `valkyard_backup_policy` sets it. It is null while there are no automated
//! backups, as in Google's provider.

use memorystore_proto::v1::automated_backup_config::{AutomatedBackupMode, Schedule};
use memorystore_proto::v1::{AutomatedBackupConfig, Instance};
use provider_framework::{Attribute, Body, Object};

use crate::duration_text;

/// The API's default, 35 days.
const RETENTION_DEFAULT: i64 = 35 * duration_text::DAY;

/// What automated backups there are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AutomatedBackups {
    /// The hour of the day, in UTC.
    pub(crate) start_hour: i32,
    /// How long each is kept.
    pub(crate) retention_seconds: i64,
}

/// The automated backups of an instance, if they are on.
pub(crate) fn of(instance: &Instance) -> Option<AutomatedBackups> {
    let config: &AutomatedBackupConfig = instance.automated_backup_config.as_ref()?;
    if config.automated_backup_mode() != AutomatedBackupMode::Enabled {
        return None;
    }
    let start_hour = config.schedule.as_ref().and_then(|Schedule::FixedFrequencySchedule(schedule)| schedule.start_time);
    Some(AutomatedBackups {
        start_hour: start_hour.map(|time| time.hours).unwrap_or_default(),
        retention_seconds: config.retention.map_or(RETENTION_DEFAULT, |retention| retention.seconds),
    })
}

/// The attribute itself.
pub(super) fn attribute() -> Attribute {
    let hours = Attribute::number().computed().stable().description("The hour, from 0 to 23, in UTC.");
    let start = Attribute::single_nested(Body::new().attribute("hours", hours)).computed().stable();
    let schedule = Body::new().attribute("start_time", start.description("When backups begin."));
    let schedule = Attribute::single_nested(schedule).computed().stable().description("Once a day.");
    let retention = Attribute::string().computed().stable().description("How long each backup is kept, such as `3024000s`.");
    let body = Body::new().attribute("fixed_frequency_schedule", schedule).attribute("retention", retention);
    Attribute::single_nested(body)
        .computed()
        .stable()
        .description("The automated backups, null while there are none. The resource `valkyard_backup_policy` sets them.")
}

/// How the daemon's answer is shown.
pub(super) fn show(instance: &Instance) -> Option<Object> {
    let backups = of(instance)?;
    let start = Object::new().with("hours", backups.start_hour);
    let retention = duration_text::text(backups.retention_seconds);
    Some(Object::new().with("fixed_frequency_schedule", Object::new().with("start_time", start)).with("retention", retention))
}
