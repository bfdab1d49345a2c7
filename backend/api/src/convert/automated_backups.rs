//! `automated_backup_config`, both ways.

use memorystore_proto::google_type::TimeOfDay;
use memorystore_proto::v1;
use memorystore_proto::v1::automated_backup_config::{AutomatedBackupMode as Mode, FixedFrequencySchedule, Schedule};
use valkyard_model::{AutomatedBackups, AutomatedBackupsDraft, FieldViolation, RetentionDraft, StartDraft};

use super::duration::{duration_message, whole_seconds};

const FIELD: &str = "instance.automated_backup_config";

/// What a client asks for. As in the product, settings of disabled backups are ignored.
pub(crate) fn automated_backups(instance: &v1::Instance) -> Result<AutomatedBackupsDraft, FieldViolation> {
    let Some(config) = &instance.automated_backup_config else { return Ok(AutomatedBackupsDraft::default()) };
    let violation = |field: &str, text: String| FieldViolation::new(&format!("{FIELD}.{field}"), text);
    match Mode::try_from(config.automated_backup_mode) {
        Ok(Mode::Enabled) => {}
        Ok(Mode::Unspecified) if config.schedule.is_some() || config.retention.is_some() => {
            let text = "a schedule and a retention go with automated_backup_mode ENABLED only".to_owned();
            return Err(violation("automated_backup_mode", text));
        }
        Ok(Mode::Disabled | Mode::Unspecified) => return Ok(AutomatedBackupsDraft::default()),
        Err(_) => {
            let text = format!("{} is not the number of a mode", config.automated_backup_mode);
            return Err(violation("automated_backup_mode", text));
        }
    }
    let retention = config.retention.as_ref().map(|retention| {
        let seconds = whole_seconds(retention);
        let seconds = seconds.ok_or_else(|| violation("retention", "retention must be whole seconds".to_owned()))?;
        Ok(RetentionDraft { seconds })
    });
    Ok(AutomatedBackupsDraft { is_enabled: true, start: start_of(config).as_ref().map(start), retention: retention.transpose()? })
}

fn start_of(config: &v1::AutomatedBackupConfig) -> Option<TimeOfDay> {
    let Some(Schedule::FixedFrequencySchedule(schedule)) = config.schedule else { return None };
    schedule.start_time
}

fn start(time: &TimeOfDay) -> StartDraft {
    StartDraft { hours: time.hours, is_whole_hour: (time.minutes, time.seconds, time.nanos) == (0, 0, 0) }
}

/// The present automated backups with what these paths of a mask name replaced.
pub(crate) fn changed(
    present: AutomatedBackups,
    wanted: &v1::Instance,
    paths: &[&str],
) -> Result<AutomatedBackupsDraft, FieldViolation> {
    let has = |path: &str| paths.contains(&path);
    if has(WHOLE) {
        return automated_backups(wanted);
    }
    let asked = wanted.automated_backup_config.unwrap_or_default();
    let mut merged = message(present);
    if has(MODE) {
        merged.automated_backup_mode = asked.automated_backup_mode;
    }
    if has(RETENTION) {
        merged.retention = asked.retention;
    }
    if has(SCHEDULE) || has(START) {
        merged.schedule = asked.schedule;
    } else if has(START_HOURS) {
        let hours = start_of(&asked).unwrap_or_default().hours;
        let start_time = Some(TimeOfDay { hours, ..start_of(&merged).unwrap_or_default() });
        merged.schedule = Some(Schedule::FixedFrequencySchedule(FixedFrequencySchedule { start_time }));
    }
    automated_backups(&v1::Instance { automated_backup_config: Some(merged), ..v1::Instance::default() })
}

const WHOLE: &str = "automated_backup_config";
const MODE: &str = "automated_backup_config.automated_backup_mode";
const RETENTION: &str = "automated_backup_config.retention";
const SCHEDULE: &str = "automated_backup_config.fixed_frequency_schedule";
const START: &str = "automated_backup_config.fixed_frequency_schedule.start_time";
const START_HOURS: &str = "automated_backup_config.fixed_frequency_schedule.start_time.hours";

/// Accepted automated backups as clients see them.
pub(crate) fn message(backups: AutomatedBackups) -> v1::AutomatedBackupConfig {
    match backups {
        AutomatedBackups::Disabled => {
            v1::AutomatedBackupConfig { automated_backup_mode: Mode::Disabled.into(), ..Default::default() }
        }
        AutomatedBackups::Daily { hour, retention } => {
            let start_time = Some(TimeOfDay { hours: hour.into(), ..TimeOfDay::default() });
            v1::AutomatedBackupConfig {
                automated_backup_mode: Mode::Enabled.into(),
                retention: Some(duration_message(retention)),
                schedule: Some(Schedule::FixedFrequencySchedule(FixedFrequencySchedule { start_time })),
            }
        }
    }
}
