//! Backups that are taken from real nodes, restored into others, and compared.

mod damage;
mod kills;
mod restore;
mod schedule;
mod stores;
mod terraform;

use acceptance_tests::Backups;
use serde_json::{Value, json};

/// Keys of each type in the data of these tests.
pub(crate) const COPIES: usize = 60;

/// The digest of all that an instance holds: that of a backup of it.
pub(crate) fn digest_of(backups: &Backups, instance: &str, backup: &str) -> (String, String) {
    let details = backups.take(instance, backup);
    let text = |field: &str| details[field].as_str().unwrap_or_else(|| panic!("{details}")).to_owned();
    (text("digest"), text("keys"))
}

pub(crate) fn shape(shards: u16, replicas: u16) -> Value {
    json!({"shardCount": shards, "replicaCount": replicas})
}

/// The error of a finished operation.
pub(crate) fn failure(operation: &Value) -> String {
    operation["error"]["message"].as_str().unwrap_or_else(|| panic!("it succeeded: {operation}")).to_owned()
}

pub(crate) fn response(operation: &Value) -> Value {
    assert!(operation.get("error").is_none(), "{operation}");
    operation["response"].clone()
}
