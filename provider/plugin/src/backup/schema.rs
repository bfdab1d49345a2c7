//! The attributes of `valkyard_backup`.
//!
//! Called once per process for the wire, and by the documentation test. Invariant: nothing but `verify` and `timeouts` can
//! change on a backup that is there.

use std::time::Duration;

use provider_framework::timeouts::{Operation, Timeouts};
use provider_framework::{Attribute, Schema, validators};

use super::details;
use super::name::is_backup_id;
use crate::duration_text::{self, DAY};
use crate::instance_reference;

/// As for creating an instance: a restore of the same data is verified in it.
const CREATE_LIMIT: Duration = Duration::from_secs(60 * 60);
/// As for deleting an instance.
const DELETE_LIMIT: Duration = Duration::from_secs(30 * 60);

/// The API's default and most: 100 years.
pub(super) const TTL_SECONDS_MAX: i64 = 100 * 365 * DAY;

pub(super) fn schema() -> Schema {
    let schema = Schema::new().description(
        "A backup on demand: the data of an instance at one moment, one file for each shard. It outlives the instance. A new \
         instance starts from it by `managed_backup_source`. Destroying this resource removes the backup.",
    );
    let schema = settings(instance_reference::add_attributes(schema, "backup"));
    let named = |description: &str| {
        let attribute = Attribute::string().computed().depends_on_inputs(["instance", "project", "location", "backup_id"]);
        attribute.description(description)
    };
    let schema = details::attributes().into_iter().fold(schema, |schema, (name, attribute)| match name {
        "verified" | "verified_at" => schema.attribute(name, attribute.depends_on_inputs(["verify"])),
        _ => schema.attribute(name, attribute),
    });
    schema
        .attribute(
            "name",
            named("Full name, `projects/{project}/locations/{location}/backupCollections/{instance_id}/backups/{backup_id}`."),
        )
        .attribute("id", named("The same as `name`."))
        .timeouts(
            Timeouts::new()
                .operation(Operation::Create, CREATE_LIMIT)
                .operation(Operation::Update, CREATE_LIMIT)
                .operation(Operation::Delete, DELETE_LIMIT),
        )
}

fn settings(schema: Schema) -> Schema {
    schema
        .attribute(
            "backup_id",
            Attribute::string()
                .optional()
                .computed()
                .stable()
                .replaces()
                .validate(validators::pattern(
                    "1 to 63 lower-case letters, digits, underscores or hyphens, beginning with a letter or digit",
                    is_backup_id,
                ))
                .description(
                    "Last part of the backup's name: 1 to 63 lower-case letters, digits, underscores or hyphens, beginning with a \
                     letter or digit. Default: the time and eight hex digits, such as `20260921141320_5f0a9b3e`. A change removes \
                     the backup and makes another.",
                ),
        )
        .attribute(
            "ttl",
            Attribute::string()
                .optional()
                .computed()
                .stable()
                .replaces()
                .validate(duration_text::between(
                    "a duration of 1 day to 100 years in whole seconds, such as \"86400s\" or \"24h\"",
                    DAY..=TTL_SECONDS_MAX,
                ))
                .description(
                    "How long the daemon keeps it, from 1 day to 100 years, such as `86400s` or `24h`. Default: 100 years. A \
                     change removes the backup and makes another.",
                ),
        )
        .attribute(
            "verify",
            Attribute::bool().default(false).description(
                "Whether the daemon restores the backup into a scratch instance and compares its keys; if they differ, the apply \
                 fails and says how, and the next one makes another backup. Switched on later, it proves the backup that is \
                 there. Default: `false`.",
            ),
        )
}
