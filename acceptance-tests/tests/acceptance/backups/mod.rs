//! Backups that are taken from real nodes, restored into others, and compared.

mod admission;
mod clock;
mod damage;
mod in_use;
mod kills;
mod large_key;
mod no_room;
mod restore;
mod retention;
mod schedule;
mod stores;
mod terraform;

use std::time::Duration;

use acceptance_tests::{Backups, DaemonOptions, Random, Scene, discovery_url, wait_until};
use serde_json::{Value, json};

/// Keys of each type in the data of these tests.
pub(crate) const COPIES: usize = 60;
pub(crate) const HOUR: i64 = 3_600;
pub(crate) const DAY: i64 = 24 * HOUR;
/// A backup of the schedule takes a second; the rest is a busy machine.
const SCHEDULE_LIMIT: Duration = Duration::from_secs(90);

pub(crate) const MIB: u64 = 1 << 20;

/// Writes values that nothing can compress, of a MiB each.
pub(crate) fn write_large_values(scene: &Scene, count: u64) {
    let client = redis::cluster::ClusterClient::new(vec![discovery_url(&scene.instance())]).expect("a URL");
    let mut connection = client.get_connection().expect("the instance answers");
    let mut random = Random::seeded(4);
    for number in 0..count {
        let value: Vec<u8> = (0..MIB / 8).flat_map(|_| random.below(u64::MAX).to_le_bytes()).collect();
        let _: () = redis::cmd("SET").arg(format!("large:{number}")).arg(value).query(&mut connection).expect("there is room");
    }
}

/// The digest of all that an instance holds: that of a backup of it.
pub(crate) fn digest_of(backups: &Backups, instance: &str, backup: &str) -> (String, String) {
    let details = backups.take(instance, backup);
    let text = |field: &str| details[field].as_str().unwrap_or_else(|| panic!("{details}")).to_owned();
    (text("digest"), text("keys"))
}

/// Long enough for a keeper that would begin another backup, or remove one, to do so.
pub(crate) const A_WHILE: Duration = Duration::from_secs(2);

/// A daemon whose clock of schedules can be moved, with an instance of this policy.
pub(crate) fn scene_with(policy: &Value) -> Scene {
    let options = DaemonOptions { arguments: vec!["--adjustable-clock".to_owned()], ..DaemonOptions::default() };
    let mut body = shape(2, 0);
    body["automatedBackupConfig"] = policy.clone();
    Scene::create_with(options, &body)
}

pub(crate) fn daily(hour: i64, retention: i64) -> Value {
    json!({"automatedBackupMode": "ENABLED", "retention": format!("{retention}s"),
        "fixedFrequencySchedule": {"startTime": {"hours": hour}}})
}

pub(crate) fn active(backups: &Backups) -> Vec<Value> {
    backups.list("cache").into_iter().filter(|backup| backup["state"] == "ACTIVE").collect()
}

pub(crate) fn wait_for(backups: &Backups, count: usize) -> Vec<Value> {
    wait_until(&format!("{count} backups"), SCHEDULE_LIMIT, || {
        let found = active(backups);
        if found.len() == count { Ok(found) } else { Err(json!(backups.list("cache")).to_string()) }
    })
}

/// An hour of the day that begins within two hours.
pub(crate) fn next_hour(backups: &Backups) -> i64 {
    (backups.seconds_of_day() / HOUR + 2) % 24
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
