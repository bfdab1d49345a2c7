//! The attributes of `valkyard_backup_policy`.
//!
//! Called once per process for the wire, and by the documentation test. Invariant: a computed attribute depends on the
//! inputs named here alone, so that a plan shows as unknown only what the change can alter.

use std::time::Duration;

use provider_framework::timeouts::{Operation, Timeouts};
use provider_framework::{Attribute, Schema, validators};

use crate::duration_text::{self, DAY};
use crate::instance_reference;

/// Google's default for changing an instance, behind which a change of its policy waits.
const CHANGE_LIMIT: Duration = Duration::from_secs(120 * 60);
/// Google's default for deleting an instance.
const DELETE_LIMIT: Duration = Duration::from_secs(30 * 60);

/// The API's default, 35 days.
const RETENTION_DEFAULT: &str = "3024000s";
/// Most days that the API lets automated backups be kept.
const RETENTION_DAYS_MAX: i64 = 365;
/// The last hour of a day.
const HOUR_MAX: i64 = 23;

pub(super) fn schema() -> Schema {
    let schema = Schema::new().description(
        "Automated backups of an instance, one a day: its `automated_backup_config`, and whether the daemon proves each backup. \
         An instance has one policy. Destroying it ends automated backups; those that were made stay until they expire. An \
         instance that is replaced comes back without one: `replace_triggered_by = [valkyard_instance.cache.uid]` in the \
         `lifecycle` of the policy sets it again in the same apply.",
    );
    let schema = settings(instance_reference::add_attributes(schema, "policy"));
    let identity = ["instance", "project", "location"];
    let derived = |description: &str| Attribute::string().computed().depends_on_inputs(identity).description(description);
    schema
        .attribute("name", derived("Full name: that of the instance, and `/backupPolicy`."))
        .attribute("id", derived("The same as `name`."))
        .attribute("backup_collection", derived("Full name of the collection that the backups go to."))
        .attribute(
            "next_backup_time",
            Attribute::string()
                .computed()
                .depends_on_inputs(["start_hour"])
                .description("When the next automated backup is due, in RFC 3339 notation."),
        )
        .attribute(
            "last_backup_time",
            Attribute::string()
                .computed()
                .stable()
                .description("When the last automated backup was due, in RFC 3339 notation; null before the first."),
        )
        .timeouts(
            Timeouts::new()
                .operation(Operation::Create, CHANGE_LIMIT)
                .operation(Operation::Update, CHANGE_LIMIT)
                .operation(Operation::Delete, DELETE_LIMIT),
        )
}

fn settings(schema: Schema) -> Schema {
    schema
        .attribute(
            "start_hour",
            Attribute::integer()
                .required()
                .validate(validators::integer_between(0..=HOUR_MAX))
                .description("Hour of the day at which the backup begins, from 0 to 23, in UTC."),
        )
        .attribute(
            "retention",
            Attribute::string()
                .default(RETENTION_DEFAULT)
                .validate(duration_text::between(
                    "a duration of 1 to 365 days in whole seconds, such as \"604800s\" or \"168h\"",
                    DAY..=RETENTION_DAYS_MAX * DAY,
                ))
                .description(format!(
                    "How long each backup is kept, from 1 to 365 days, such as `604800s` or `168h`. A change is for backups to \
                     come. Default: `\"{RETENTION_DEFAULT}\"`, 35 days."
                )),
        )
        .attribute(
            "verify",
            Attribute::bool().default(false).description(
                "Whether the daemon restores the newest automated backup into a scratch instance and compares its keys, once it \
                 is there. Default: `false`.",
            ),
        )
}
