//! `persistence_config`: its attributes, its message, and how it is shown.
//!
//! Invariant: a part that is not configured is left to the daemon, and shown as the daemon chose it; one that has no meaning in
//! the present mode is null.

use memorystore_proto::v1::persistence_config::aof_config::AppendFsync;
use memorystore_proto::v1::persistence_config::rdb_config::SnapshotPeriod;
use memorystore_proto::v1::persistence_config::{AofConfig, PersistenceMode, RdbConfig};
use memorystore_proto::v1::{Instance, PersistenceConfig};
use prost_types::Timestamp;
use provider_framework::{Attribute, AttributePath, Body, Diagnostic, Object, Value, validators};

const PERIODS: [SnapshotPeriod; 4] =
    [SnapshotPeriod::OneHour, SnapshotPeriod::SixHours, SnapshotPeriod::TwelveHours, SnapshotPeriod::TwentyFourHours];
const FSYNCS: [AppendFsync; 3] = [AppendFsync::Never, AppendFsync::EverySec, AppendFsync::Always];
const MODES: [PersistenceMode; 3] = [PersistenceMode::Disabled, PersistenceMode::Rdb, PersistenceMode::Aof];

/// The attribute itself.
pub(super) fn attribute() -> Attribute {
    let rdb = Body::new()
        .attribute(
            "rdb_snapshot_period",
            Attribute::string()
                .optional()
                .computed()
                .validate(validators::one_of(PERIODS.map(|period| period.as_str_name())))
                .description(
                    "Time between two snapshots: `ONE_HOUR`, `SIX_HOURS`, `TWELVE_HOURS` or `TWENTY_FOUR_HOURS`. Default: \
                     `\"TWENTY_FOUR_HOURS\"`.",
                ),
        )
        .attribute(
            "rdb_snapshot_start_time",
            Attribute::string()
                .optional()
                .computed()
                .validate(validators::pattern("a time in UTC such as \"2026-01-31T06:00:00Z\"", |text| {
                    text.parse::<Timestamp>().is_ok()
                }))
                .description(
                    "When the first snapshot is due, such as `2026-01-31T06:00:00Z`; all others are whole periods later. In the \
                     future, it pauses snapshots until then. Default: when the configuration is applied.",
                ),
        );
    let aof = Body::new().attribute(
        "append_fsync",
        Attribute::string()
            .optional()
            .computed()
            .validate(validators::one_of(FSYNCS.map(|fsync| fsync.as_str_name())))
            .description(
                "When the log is forced to the disk: `NEVER` leaves it to the operating system, `EVERY_SEC` may lose a second \
                 when the machine fails, `ALWAYS` loses nothing that was acknowledged. Default: `\"EVERY_SEC\"`.",
            ),
    );
    let body = Body::new()
        .attribute(
            "mode",
            Attribute::string()
                .optional()
                .computed()
                .validate(validators::one_of(MODES.map(|mode| mode.as_str_name())))
                .description(
                    "`DISABLED` keeps data in memory only and removes what was on disk, `RDB` writes snapshots of every shard, \
                     `AOF` logs every write. Default: `\"DISABLED\"`.",
                ),
        )
        .attribute("rdb_config", Attribute::single_nested(rdb).optional().computed().description("Snapshots, for mode `RDB`."))
        .attribute("aof_config", Attribute::single_nested(aof).optional().computed().description("The log, for mode `AOF`."));
    Attribute::single_nested(body)
        .optional()
        .computed()
        .stable()
        .description("What survives when nodes end. Changes are applied to the running nodes. Default: nothing does.")
}

/// The attribute where it is only read.
pub(crate) fn shown() -> Attribute {
    let text = |description: &str| Attribute::string().computed().description(description);
    let rdb = Body::new()
        .attribute("rdb_snapshot_period", text("Time between two snapshots."))
        .attribute("rdb_snapshot_start_time", text("When the first snapshot was or is due."));
    let aof = Body::new().attribute("append_fsync", text("When the log is forced to the disk."));
    let body = Body::new()
        .attribute("mode", text("`DISABLED`, `RDB` or `AOF`."))
        .attribute("rdb_config", Attribute::single_nested(rdb).computed().description("Snapshots, for mode `RDB`."))
        .attribute("aof_config", Attribute::single_nested(aof).computed().description("The log, for mode `AOF`."));
    Attribute::single_nested(body).computed().description("What survives when nodes end.")
}

/// What a plan asks for.
pub(super) fn message(planned: &Object) -> Option<PersistenceConfig> {
    let config = planned.value("persistence_config").as_object()?;
    let mode = config.value("mode").as_str().and_then(PersistenceMode::from_str_name).unwrap_or_default();
    let text =
        |part: &str, name: &str| -> Option<String> { Some(config.value(part).as_object()?.value(name).as_str()?.to_owned()) };
    let period = text("rdb_config", "rdb_snapshot_period").and_then(|text| SnapshotPeriod::from_str_name(&text));
    let start = text("rdb_config", "rdb_snapshot_start_time").and_then(|text| text.parse::<Timestamp>().ok());
    let fsync = text("aof_config", "append_fsync").and_then(|text| AppendFsync::from_str_name(&text));
    let rdb = RdbConfig { rdb_snapshot_period: period.unwrap_or_default().into(), rdb_snapshot_start_time: start };
    let aof = AofConfig { append_fsync: fsync.unwrap_or_default().into() };
    Some(PersistenceConfig {
        mode: mode.into(),
        rdb_config: (mode == PersistenceMode::Rdb).then_some(rdb),
        aof_config: (mode == PersistenceMode::Aof).then_some(aof),
    })
}

/// How the daemon's answer is shown. A time keeps the spelling that `prior` has for it.
pub(super) fn show(instance: &Instance, prior: &Object) -> Option<Object> {
    let config = instance.persistence_config.as_ref()?;
    let mode = PersistenceMode::try_from(config.mode).unwrap_or_default();
    let mode = if mode == PersistenceMode::Unspecified { PersistenceMode::Disabled } else { mode };
    let rdb = config.rdb_config.as_ref().map(|rdb| {
        let period = SnapshotPeriod::try_from(rdb.rdb_snapshot_period).unwrap_or_default();
        let start = rdb.rdb_snapshot_start_time.as_ref().map(|time| spelled(time, prior));
        Object::new().with("rdb_snapshot_period", period.as_str_name()).with("rdb_snapshot_start_time", start)
    });
    let aof = config.aof_config.as_ref().map(|aof| {
        let fsync = AppendFsync::try_from(aof.append_fsync).unwrap_or_default();
        Object::new().with("append_fsync", fsync.as_str_name())
    });
    Some(Object::new().with("mode", mode.as_str_name()).with("rdb_config", rdb).with("aof_config", aof))
}

fn spelled(time: &Timestamp, prior: &Object) -> String {
    let before = || {
        let config = prior.value("persistence_config").as_object()?;
        let text = config.value("rdb_config").as_object()?.value("rdb_snapshot_start_time").as_str()?.to_owned();
        (text.parse::<Timestamp>().ok().as_ref() == Some(time)).then_some(text)
    };
    before().unwrap_or_else(|| time.to_string())
}

/// What a new instance gets whose configuration says nothing; a configuration that is not known yet may say anything.
pub(super) fn unless_configured(config: &Object) -> Value {
    if !config.value("persistence_config").is_null() {
        return Value::unknown();
    }
    let nothing = Object::new().with("mode", PersistenceMode::Disabled.as_str_name());
    nothing.with("rdb_config", Value::Null).with("aof_config", Value::Null).into()
}

/// The configuration completed with what the daemon will choose, where that is known; a start that is not configured is the
/// daemon's.
pub(super) fn completed(config: &Object, prior: Option<&Object>) -> Option<Object> {
    let asked = config.value("persistence_config").as_object()?;
    let mode = match asked.value("mode") {
        mode if mode.is_unknown() => return None,
        mode => mode.as_str().unwrap_or(PersistenceMode::Disabled.as_str_name()),
    };
    let part = |name: &str, attribute: &str| -> Value {
        match asked.value(name) {
            value if value.is_unknown() => Value::unknown(),
            value => value.as_object().map(|part| part.value(attribute).clone()).unwrap_or_default(),
        }
    };
    let or = |value: Value, default: Value| if value.is_null() { default } else { value };
    let is_mode = |wanted: PersistenceMode| mode == wanted.as_str_name();
    let rdb = is_mode(PersistenceMode::Rdb).then(|| {
        let before = prior.and_then(|prior| {
            let start = prior.value("persistence_config").as_object()?.value("rdb_config").as_object()?;
            Some(start.value("rdb_snapshot_start_time").clone())
        });
        let start = or(part("rdb_config", "rdb_snapshot_start_time"), before.unwrap_or_else(Value::unknown));
        let period = or(part("rdb_config", "rdb_snapshot_period"), SnapshotPeriod::TwentyFourHours.as_str_name().into());
        Object::new().with("rdb_snapshot_period", period).with("rdb_snapshot_start_time", start)
    });
    let aof = is_mode(PersistenceMode::Aof).then(|| {
        Object::new().with("append_fsync", or(part("aof_config", "append_fsync"), AppendFsync::EverySec.as_str_name().into()))
    });
    Some(Object::new().with("mode", mode).with("rdb_config", rdb).with("aof_config", aof))
}

/// Settings of one mode in a configuration of another would be ignored.
pub(super) fn misplaced(config: &Object) -> Option<Diagnostic> {
    let asked = config.value("persistence_config").as_object()?;
    let mode = match asked.value("mode") {
        mode if mode.is_unknown() => return None,
        mode => mode.as_str().unwrap_or(PersistenceMode::Disabled.as_str_name()),
    };
    let parts = [("rdb_config", PersistenceMode::Rdb), ("aof_config", PersistenceMode::Aof)];
    let is_wrong = |(name, of): &(&str, PersistenceMode)| asked.value(name).as_object().is_some() && mode != of.as_str_name();
    let (name, of) = parts.into_iter().find(is_wrong)?;
    let of = of.as_str_name();
    let detail = format!(
        "`persistence_config.{name}` has a meaning only when `mode` is {of:?}, and `mode` is {mode:?}. Set that mode, or remove \
         the block."
    );
    let path = AttributePath::new("persistence_config").attribute(name);
    Some(Diagnostic::error("Persistence settings of another mode").detail(detail).at(path))
}
