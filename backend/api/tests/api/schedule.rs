//! Automated backups: what is accepted of them, and their policy.

use serde_json::{Value, json};

use crate::server::{INSTANCES, Server, name_of, path_of};
use crate::update::{patched, with_cache};

fn daily(hours: i32, retention: &str) -> Value {
    json!({ "automatedBackupMode": "ENABLED", "retention": retention, "fixedFrequencySchedule": { "startTime": { "hours": hours } } })
}

#[tokio::test]
async fn what_was_asked_for_comes_back_and_the_retention_has_a_default() {
    let server = Server::start().await;
    let without = json!({ "automatedBackupMode": "ENABLED", "fixedFrequencySchedule": { "startTime": { "hours": 2 } } });
    for (id, asked, shown) in [
        ("daily", daily(23, "345600s"), daily(23, "345600s")),
        ("default", without, daily(2, "3024000s")),
        ("off1", json!({ "automatedBackupMode": "DISABLED", "retention": "1s" }), json!({ "automatedBackupMode": "DISABLED" })),
        ("off2", json!({}), json!({ "automatedBackupMode": "DISABLED" })),
    ] {
        server.create(id, json!({ "shardCount": 1, "automatedBackupConfig": asked })).await;
        assert_eq!(server.get(&path_of(id)).await.ok()["automatedBackupConfig"], shown, "{id}");
    }
    let midnight = json!({ "automatedBackupMode": 2, "fixedFrequencySchedule": { "startTime": {} } });
    server.create("midnight", json!({ "shardCount": 1, "automatedBackupConfig": midnight })).await;
    let shown = server.get(&path_of("midnight")).await.ok()["automatedBackupConfig"].clone();
    assert_eq!((&shown["automatedBackupMode"], &shown["retention"]), (&json!("ENABLED"), &json!("3024000s")));
    assert!(shown["fixedFrequencySchedule"]["startTime"].is_object(), "{shown}");
}

#[tokio::test]
async fn values_that_break_rules_are_refused_with_their_paths() {
    let server = Server::start().await;
    let start = "fixed_frequency_schedule.start_time";
    for (config, field) in [
        (json!({ "automatedBackupMode": "ENABLED" }), start),
        (daily(24, "86400s"), start),
        (daily(-1, "86400s"), start),
        (
            json!({ "automatedBackupMode": "ENABLED", "fixedFrequencySchedule": { "startTime": { "hours": 1, "minutes": 30 } } }),
            start,
        ),
        (daily(2, "86399s"), "retention"),
        (daily(2, "31536001s"), "retention"),
        (daily(2, "86400.5s"), "retention"),
        (json!({ "retention": "86400s" }), "automated_backup_mode"),
    ] {
        let body = json!({ "shardCount": 1, "automatedBackupConfig": config });
        let (code, status, message) = server.post(&format!("{INSTANCES}?instanceId=bad1"), body).await.error();
        assert_eq!((code, status.as_str()), (400, "INVALID_ARGUMENT"), "{config}: {message}");
        assert!(message.starts_with(&format!("instance.automated_backup_config.{field}: ")), "{message}");
    }
}

#[tokio::test]
async fn parts_of_it_change_and_the_others_stay() {
    let server = with_cache().await;
    let change = async |mask: &str, config: Value| {
        let shown = patched(&server, mask, json!({ "automatedBackupConfig": config })).await;
        assert_eq!(shown["state"], "ACTIVE");
        shown["automatedBackupConfig"].clone()
    };
    const ROOT: &str = "automated_backup_config";
    assert_eq!(change("automatedBackupConfig", daily(2, "345600s")).await, daily(2, "345600s"));
    assert_eq!(change(&format!("{ROOT}.retention"), daily(5, "86400s")).await, daily(2, "86400s"));
    assert_eq!(change(&format!("{ROOT}.retention"), json!({})).await, daily(2, "3024000s"), "absent means the default");
    assert_eq!(change(&format!("{ROOT}.fixed_frequency_schedule"), daily(5, "86400s")).await, daily(5, "3024000s"));
    assert_eq!(change(&format!("{ROOT}.fixed_frequency_schedule.start_time"), daily(6, "1s")).await, daily(6, "3024000s"));
    assert_eq!(change(&format!("{ROOT}.fixed_frequency_schedule.start_time.hours"), daily(7, "1s")).await, daily(7, "3024000s"));
    assert_eq!(change(&format!("{ROOT}.automated_backup_mode"), daily(1, "1s")).await, daily(7, "3024000s"));
    let off = json!({ "automatedBackupMode": "DISABLED" });
    assert_eq!(change(&format!("{ROOT}.automated_backup_mode"), off.clone()).await, off);
    let path = format!("{}?updateMask={ROOT}.automated_backup_mode", path_of("cache"));
    let (code, _, message) = server.patch(&path, json!({ "automatedBackupConfig": daily(1, "86400s") })).await.error();
    assert!(code == 400 && message.contains("start_time"), "the schedule was not named: {message}");
    assert_eq!(change(ROOT, json!({})).await, off);
}

#[tokio::test]
async fn a_policy_tells_when_the_next_one_is_due_and_remembers_whether_to_verify() {
    let server = Server::start().await;
    server.create("cache", json!({ "shardCount": 1, "automatedBackupConfig": daily(2, "86400s") })).await;
    let path = format!("/v1/admin/{}/backupPolicy", name_of("cache"));
    let policy = server.get(&path).await.ok();
    assert_eq!(policy["nextDue"], "2026-01-01T02:00:00Z");
    assert_eq!((&policy["verify"], policy.get("lastDue").filter(|due| !due.is_null())), (&json!(false), None));
    server.post("/v1/admin/clock:advance", json!({ "seconds": 7_200 })).await.ok();
    assert_eq!(server.get(&path).await.ok()["nextDue"], "2026-01-02T02:00:00Z");
    let set = format!("/v1/admin/{}:setBackupPolicy", name_of("cache"));
    let policy = server.post(&set, json!({ "verify": true })).await.ok();
    assert_eq!((&policy["verify"], &policy["instance"]), (&json!(true), &json!(name_of("cache"))));
    assert_eq!(server.get(&path).await.ok(), policy);
    patched(&server, "automated_backup_config", json!({})).await;
    let policy = server.get(&path).await.ok();
    assert!(policy["nextDue"].is_null() && policy["verify"] == true, "{policy}");
    assert_eq!(server.post(&set.replace("cache", "none"), json!({})).await.error().1, "NOT_FOUND");
    assert_eq!(server.get(&path.replace("cache", "none")).await.error().1, "NOT_FOUND");
}
