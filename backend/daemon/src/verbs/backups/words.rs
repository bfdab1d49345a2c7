//! What is told of a backup, in words.

use admin_proto::v1::backup_details::Origin;
use admin_proto::v1::{BackupDetails, Verification, verification};
use chrono::{DateTime, SecondsFormat, Utc};
use prost_types::Timestamp;

use crate::verbs::node_table::bytes;

/// Who asked for it.
pub(super) fn origin(backup: &BackupDetails) -> &'static str {
    match backup.origin() {
        Origin::OnDemand => "on demand",
        Origin::Automated => "automated",
        Origin::Unspecified => "-",
    }
}

/// Whether it was proved, in one word.
pub(super) fn verified(backup: &BackupDetails) -> &'static str {
    match backup.verification.as_ref().map(Verification::state) {
        Some(verification::State::Passed) => "passed",
        Some(verification::State::Failed) => "FAILED",
        Some(verification::State::Running) => "running",
        Some(verification::State::Unspecified) | None => "-",
    }
}

/// A point in time, to the second.
pub(super) fn time_in_seconds(time: Option<&Timestamp>) -> String {
    let found: Option<DateTime<Utc>> = time.and_then(|time| DateTime::from_timestamp(time.seconds, 0));
    found.map_or_else(|| "-".to_owned(), |time| time.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// How much is in it.
pub(super) fn amount(backup: &BackupDetails) -> String {
    format!("{} keys, {} in {} file(s)", backup.keys, bytes(backup.size_bytes), backup.shards.len())
}
