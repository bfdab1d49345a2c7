//! `persistence_config`, both ways.

use memorystore_proto::v1;
use memorystore_proto::v1::persistence_config::aof_config::AppendFsync as Fsync;
use memorystore_proto::v1::persistence_config::rdb_config::SnapshotPeriod as Period;
use memorystore_proto::v1::persistence_config::{AofConfig, PersistenceMode as Mode, RdbConfig};
use valkyard_model::{
    AppendFsync, FieldViolation, Persistence, PersistenceDraft, PersistenceMode, SnapshotPeriod, SnapshotSchedule, Timestamp,
};

use super::time::{timestamp_message, timestamp_of};

const FIELD: &str = "instance.persistence_config";

/// What a client asks for. Settings of another mode are ignored, as in the product; snapshots without a start begin `now`.
pub(crate) fn persistence(instance: &v1::Instance, now: Timestamp) -> Result<PersistenceDraft, FieldViolation> {
    let Some(config) = &instance.persistence_config else { return Ok(PersistenceDraft::default()) };
    let mode = match Mode::try_from(config.mode) {
        Ok(Mode::Unspecified | Mode::Disabled) => return Ok(PersistenceDraft::default()),
        Ok(Mode::Rdb) => PersistenceMode::Rdb,
        Ok(Mode::Aof) => PersistenceMode::Aof,
        Err(_) => return Err(unknown("mode", config.mode, "a persistence mode")),
    };
    let rdb = config.rdb_config.unwrap_or_default();
    let aof = config.aof_config.unwrap_or_default();
    Ok(match mode {
        PersistenceMode::Disabled => PersistenceDraft::default(),
        PersistenceMode::Aof => PersistenceDraft { mode, fsync: fsync(aof)?, ..PersistenceDraft::default() },
        PersistenceMode::Rdb => {
            PersistenceDraft { mode, period: period(rdb)?, start: Some(start(rdb)?.unwrap_or(now)), fsync: None }
        }
    })
}

/// The present persistence with what these paths of a mask name replaced.
pub(crate) fn changed(
    present: Persistence,
    wanted: &v1::Instance,
    paths: &[&str],
    now: Timestamp,
) -> Result<PersistenceDraft, Vec<FieldViolation>> {
    let has = |path: &str| paths.contains(&path);
    let (rdb_paths, aof_paths) = (paths.iter().any(|path| path.contains(".rdb_config")), has(AOF_FSYNC));
    if rdb_paths && aof_paths {
        return Err(vec![FieldViolation::new(FIELD, "unable to update RDB and AOF config at the same time")]);
    }
    if has(WHOLE) {
        return persistence(wanted, now).map_err(|violation| vec![violation]);
    }
    let config = wanted.persistence_config.unwrap_or_default();
    let mut merged = message(present);
    if has(MODE) {
        merged.mode = config.mode;
    }
    if has(AOF_FSYNC) {
        merged.aof_config = config.aof_config;
    }
    let mut rdb = merged.rdb_config.unwrap_or_default();
    let asked = config.rdb_config.unwrap_or_default();
    if has(RDB_PERIOD) {
        rdb.rdb_snapshot_period = asked.rdb_snapshot_period;
    }
    if has(RDB_START) {
        rdb.rdb_snapshot_start_time = asked.rdb_snapshot_start_time;
    }
    merged.rdb_config = Some(rdb);
    let merged = v1::Instance { persistence_config: Some(merged), ..v1::Instance::default() };
    persistence(&merged, now).map_err(|violation| vec![violation])
}

const WHOLE: &str = "persistence_config";
const MODE: &str = "persistence_config.mode";
const AOF_FSYNC: &str = "persistence_config.aof_config.append_fsync";
const RDB_PERIOD: &str = "persistence_config.rdb_config.rdb_snapshot_period";
const RDB_START: &str = "persistence_config.rdb_config.rdb_snapshot_start_time";

fn fsync(config: AofConfig) -> Result<Option<AppendFsync>, FieldViolation> {
    match Fsync::try_from(config.append_fsync) {
        Ok(Fsync::Unspecified) => Ok(None),
        Ok(Fsync::Never) => Ok(Some(AppendFsync::Never)),
        Ok(Fsync::EverySec) => Ok(Some(AppendFsync::EverySec)),
        Ok(Fsync::Always) => Ok(Some(AppendFsync::Always)),
        Err(_) => Err(unknown("aof_config.append_fsync", config.append_fsync, "an fsync mode")),
    }
}

fn period(config: RdbConfig) -> Result<Option<SnapshotPeriod>, FieldViolation> {
    match Period::try_from(config.rdb_snapshot_period) {
        Ok(Period::Unspecified) => Ok(None),
        Ok(Period::OneHour) => Ok(Some(SnapshotPeriod::OneHour)),
        Ok(Period::SixHours) => Ok(Some(SnapshotPeriod::SixHours)),
        Ok(Period::TwelveHours) => Ok(Some(SnapshotPeriod::TwelveHours)),
        Ok(Period::TwentyFourHours) => Ok(Some(SnapshotPeriod::TwentyFourHours)),
        Err(_) => Err(unknown("rdb_config.rdb_snapshot_period", config.rdb_snapshot_period, "a snapshot period")),
    }
}

fn start(config: RdbConfig) -> Result<Option<Timestamp>, FieldViolation> {
    let Some(start) = config.rdb_snapshot_start_time else { return Ok(None) };
    let field = format!("{FIELD}.rdb_config.rdb_snapshot_start_time");
    timestamp_of(&start).map(Some).ok_or_else(|| FieldViolation::new(&field, "is not a point in time"))
}

fn unknown(field: &str, number: i32, what: &str) -> FieldViolation {
    FieldViolation::new(&format!("{FIELD}.{field}"), format!("{number} is not the number of {what}"))
}

/// An accepted persistence as clients see it.
pub(crate) fn message(persistence: Persistence) -> v1::PersistenceConfig {
    match persistence {
        Persistence::Disabled => v1::PersistenceConfig { mode: Mode::Disabled.into(), ..Default::default() },
        Persistence::Rdb(SnapshotSchedule { period, start }) => v1::PersistenceConfig {
            mode: Mode::Rdb.into(),
            rdb_config: Some(RdbConfig {
                rdb_snapshot_period: match period {
                    SnapshotPeriod::OneHour => Period::OneHour,
                    SnapshotPeriod::SixHours => Period::SixHours,
                    SnapshotPeriod::TwelveHours => Period::TwelveHours,
                    SnapshotPeriod::TwentyFourHours => Period::TwentyFourHours,
                }
                .into(),
                rdb_snapshot_start_time: Some(timestamp_message(start)),
            }),
            aof_config: None,
        },
        Persistence::Aof { fsync } => v1::PersistenceConfig {
            mode: Mode::Aof.into(),
            rdb_config: None,
            aof_config: Some(AofConfig {
                append_fsync: match fsync {
                    AppendFsync::Never => Fsync::Never,
                    AppendFsync::EverySec => Fsync::EverySec,
                    AppendFsync::Always => Fsync::Always,
                }
                .into(),
            }),
        },
    }
}
