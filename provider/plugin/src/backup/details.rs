//! What the daemon says about a backup, as attributes.
//!
//! Owns the attributes that the resource and the data sources share, and their values ([`show`]). Invariant: `show` sets
//! all of [`attributes`] and what a backup is named by.

use admin_proto::v1::BackupDetails;
use admin_proto::v1::backup_details::{Origin, State};
use admin_proto::v1::verification::State as Verified;
use provider_framework::{Attribute, Object};

use super::name::BackupName;

/// Attributes that only the daemon decides.
pub(crate) fn attributes() -> [(&'static str, Attribute); 16] {
    let text = |description: &str| Attribute::string().computed().stable().description(description);
    let number = |description: &str| Attribute::number().computed().stable().description(description);
    [
        ("backup_type", text("Who asked for it: `ON_DEMAND` or `AUTOMATED`.")),
        ("state", text("Where it is in its life: `CREATING`, `ACTIVE` or `DELETING`.")),
        ("create_time", text("When it was begun, in RFC 3339 notation.")),
        ("expire_time", text("When the daemon removes it, in RFC 3339 notation.")),
        ("size_bytes", number("Size of its files, in bytes.")),
        ("keys", number("Keys of all shards.")),
        (
            "digest",
            text(
                "Digest of the content, 32 hex digits: the same for the same keys in any division into shards, so that a \
                 restored instance can be compared.",
            ),
        ),
        ("shard_count", number("Shards that the instance had.")),
        ("replica_count", number("Replicas that each shard had.")),
        ("node_type", text("Size that the nodes had.")),
        ("engine_version", text("Engine version that wrote it. An older engine may not read it.")),
        ("url", text("URL of the folder that its files lie in.")),
        ("instance_uid", text("`uid` of the instance that it is of.")),
        ("backup_collection", text("Full name of the collection that it is in.")),
        (
            "verified",
            Attribute::bool()
                .computed()
                .stable()
                .description("Whether it was restored into a scratch instance and held the keys that were recorded."),
        ),
        ("verified_at", text("When that was found, in RFC 3339 notation.")),
    ]
}

/// The backup as attributes: those above, `id`, `name`, `backup_id` and `instance`.
pub(crate) fn show(name: &BackupName, backup: &BackupDetails) -> Object {
    let passed = passed(backup);
    let verified_at = backup.verification.as_ref().filter(|_| passed).and_then(|verification| verification.time.as_ref());
    Object::new()
        .with("id", name.to_string())
        .with("name", name.to_string())
        .with("backup_id", name.backup_id.as_str())
        .with("instance", name.collection.instance().to_string())
        .with("backup_collection", name.collection.to_string())
        .with("instance_uid", non_empty(&backup.instance_uid))
        .with("backup_type", origin(backup.origin()))
        .with("state", state(backup.state()))
        .with("create_time", backup.create_time.as_ref().map(ToString::to_string))
        .with("expire_time", backup.expire_time.as_ref().map(ToString::to_string))
        .with("size_bytes", backup.size_bytes)
        .with("keys", backup.keys)
        .with("digest", non_empty(&backup.digest))
        .with("shard_count", backup.shard_count)
        .with("replica_count", backup.replica_count)
        .with("node_type", non_empty(&backup.node_type))
        .with("engine_version", non_empty(&backup.engine_version))
        .with("url", non_empty(&backup.url))
        .with("verified", passed)
        .with("verified_at", verified_at.map(ToString::to_string))
}

/// Whether the backup was proved.
pub(crate) fn passed(backup: &BackupDetails) -> bool {
    backup.verification.as_ref().is_some_and(|verification| verification.state() == Verified::Passed)
}

/// Whether an instance can be restored from it.
pub(crate) fn is_usable(backup: &BackupDetails) -> bool {
    backup.state() == State::Active
}

/// The backup in a line for people.
pub(crate) fn line(backup: &BackupDetails) -> String {
    let time = backup.create_time.as_ref().map(ToString::to_string).unwrap_or_default();
    let proof = match backup.verification.as_ref().map_or(Verified::Unspecified, |verification| verification.state()) {
        Verified::Unspecified => "not verified",
        Verified::Running => "being verified",
        Verified::Passed => "verified",
        Verified::Failed => "failed its verification",
    };
    format!("{} ({}, of {time}, {proof})", backup.name, state(backup.state()).unwrap_or("in an unknown state"))
}

fn state(state: State) -> Option<&'static str> {
    match state {
        State::Unspecified => None,
        State::Creating | State::Active | State::Deleting => Some(state.as_str_name()),
    }
}

fn origin(origin: Origin) -> Option<&'static str> {
    match origin {
        Origin::Unspecified => None,
        Origin::OnDemand | Origin::Automated => Some(origin.as_str_name()),
    }
}

fn non_empty(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
