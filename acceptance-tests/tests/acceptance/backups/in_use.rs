//! Backups that somebody needs: nobody deletes them meanwhile, and their expiry waits.

use std::time::Duration;

use acceptance_tests::judge::DataSet;
use acceptance_tests::{BUCKET, Backups, DaemonOptions, ObjectStore, Scene, let_pass, wait_until};
use serde_json::{Value, json};

use super::{A_WHILE, COPIES, DAY, response, scene_with, shape};

const LIMIT: Duration = Duration::from_secs(60);

fn assert_refused(backups: &Backups, user: &str) {
    let refused = backups.delete("cache", "first");
    assert_eq!((refused.status, &refused.body["error"]["status"]), (400, &json!("FAILED_PRECONDITION")), "{}", refused.body);
    let message = refused.body["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("in use by") && message.contains(user), "{message}");
}

fn state_of(scene: &Scene) -> Option<Value> {
    let answer = scene.api().get(&format!("/v1/{}", Backups::name("cache", "first")));
    (answer.status == 200).then(|| answer.body["state"].clone())
}

fn wait_until_expired(scene: &Scene) {
    wait_until("the backup to expire once nobody needs it", LIMIT, || match state_of(scene) {
        None => Ok(()),
        Some(state) => Err(state.to_string()),
    });
}

#[test]
fn a_backup_that_is_being_restored_is_not_deleted_and_expires_when_that_has_ended() {
    let scene = scene_with(&json!({"automatedBackupMode": "DISABLED"}));
    let backups = Backups::of(scene.api());
    let data = DataSet::write(&scene.instance(), COPIES);
    let _taken = backups.take("cache", "first");
    let mut body = json!({"nodeType": "SHARED_CORE_NANO", "shardCount": 3, "replicaCount": 1});
    body["managedBackupSource"] = json!({"backup": Backups::name("cache", "first")});
    // A fresh primary takes two seconds until it accepts writes: so long the restore lasts at least.
    let answer = scene.api().call("POST", "/v1/projects/p/locations/us-central1/instances?instanceId=copy", &body.to_string());
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_refused(&backups, "instances/copy");
    backups.advance_clock(2 * DAY);
    let operation = answer.body["name"].as_str().expect("an operation has a name").to_owned();
    wait_until("an expiry that is refused", LIMIT, || {
        let is_running = scene.api().get(&format!("/v1/{operation}")).body["done"] != true;
        let state = state_of(&scene);
        assert!(!is_running || state == Some(json!("ACTIVE")), "{state:?}");
        let log = scene.daemon.log();
        let is_refused = log.lines().any(|line| line.contains("step refused") && line.contains("Expire"));
        if is_refused { Ok(()) } else { Err(format!("running: {is_running}, {state:?}")) }
    });
    let copy = response(&scene.api().wait(&operation, LIMIT));
    data.is_intact(&copy).expect("every key is there");
    wait_until_expired(&scene);
    data.is_intact(&copy).expect("the instance needs the backup no more");
}

#[test]
fn a_backup_that_is_being_exported_is_not_deleted_and_expires_when_that_has_ended() {
    let store = ObjectStore::start();
    let configuration = store.configuration().display().to_string();
    let arguments = ["--config", &configuration, "--adjustable-clock"].map(str::to_owned).to_vec();
    let scene = Scene::create_with(DaemonOptions { arguments, ..DaemonOptions::default() }, &shape(2, 0));
    let backups = Backups::of(scene.api());
    let data = DataSet::write(&scene.instance(), COPIES);
    let _taken = backups.take("cache", "first");
    // A store that does not answer: the export lasts for as long as that.
    store.pause();
    let path = format!("/v1/{}:export", Backups::name("cache", "first"));
    let answer = scene.api().call("POST", &path, &json!({"gcsBucket": format!("s3://{BUCKET}/exports")}).to_string());
    let operation = answer.body["name"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
    assert_refused(&backups, &operation);
    backups.advance_clock(2 * DAY);
    let_pass(A_WHILE);
    assert_eq!(state_of(&scene), Some(json!("ACTIVE")), "it is over, and needed");
    store.go_on();
    let exported = scene.api().wait(&operation, LIMIT);
    assert!(exported.get("error").is_none(), "{exported}");
    wait_until_expired(&scene);
    let urls: Vec<String> = (0..2).map(|shard| format!("s3://{BUCKET}/exports/p.us-central1.cache/first/s{shard}.rdb")).collect();
    let copy = response(&backups.import(&urls, "copy", &shape(1, 0)));
    data.is_intact(&copy).expect("the copy is whole");
}
