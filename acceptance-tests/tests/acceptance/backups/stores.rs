//! Backups in, and on their way to, a real object store that speaks S3.

use std::time::Duration;

use acceptance_tests::judge::DataSet;
use acceptance_tests::{BUCKET, Backups, DaemonOptions, ObjectStore, Scene, wait_until};
use serde_json::{Value, json};

use super::{COPIES, failure, response, shape};

const LIMIT: Duration = Duration::from_secs(60);

fn options(store: &ObjectStore, more: &[&str]) -> DaemonOptions {
    let configuration = store.configuration().display().to_string();
    let arguments = ["--config", &configuration].iter().chain(more).map(|word| (*word).to_owned()).collect();
    DaemonOptions { arguments, ..DaemonOptions::default() }
}

#[test]
fn what_is_exported_to_a_bucket_is_imported_from_it() {
    let store = ObjectStore::start();
    let scene = Scene::create_with(options(&store, &[]), &shape(3, 0));
    let backups = Backups::of(scene.api());
    let data = DataSet::write(&scene.instance(), COPIES);
    let _taken = backups.take("cache", "first");
    let to = format!("s3://{BUCKET}/exports");
    let exported = backups.export("cache", "first", &to);
    assert!(exported.get("error").is_none(), "{exported}");
    // Once more is no harm: it is there already.
    assert!(backups.export("cache", "first", &to).get("error").is_none());
    assert!(backups.finish(&backups.delete("cache", "first")).get("error").is_none());
    let urls: Vec<String> = (0..3).map(|shard| format!("s3://{BUCKET}/exports/p.us-central1.cache/first/s{shard}.rdb")).collect();
    let copy = response(&backups.import(&urls, "copy", &shape(2, 1)));
    data.is_intact(&copy).expect("every key is there");
    assert_eq!(copy["gcsSource"]["uris"], json!(urls));
    // The same keys under another name.
    assert!(backups.finish(&backups.ask("copy", "again")).get("error").is_none());
    assert!(backups.export("copy", "again", &to).get("error").is_none());
    let again = format!("s3://{BUCKET}/exports/p.us-central1.copy/again/s0.rdb");
    let message = failure(&backups.import(&[urls[0].clone(), again], "twice", &shape(1, 0)));
    assert!(message.contains("slot"), "{message}");
    let message = failure(&backups.import(&[format!("s3://{BUCKET}/nothing.rdb")], "none", &shape(1, 0)));
    assert!(message.contains("nothing.rdb"), "{message}");
}

#[test]
fn a_store_of_its_own_in_a_bucket_holds_and_verifies_backups() {
    let store = ObjectStore::start();
    let url = format!("s3://{BUCKET}/kept");
    let scene = Scene::create_with(options(&store, &["--backup-store", &url]), &shape(2, 1));
    let backups = Backups::of(scene.api());
    let data = DataSet::write(&scene.instance(), COPIES);
    let details = backups.take("cache", "first");
    assert!(details["url"].as_str().is_some_and(|text| text.starts_with(&url)), "{details}");
    assert!(backups.verify("cache", "first").get("error").is_none());
    let copy = response(&backups.restore("cache", "first", "copy", &shape(5, 0)));
    data.is_intact(&copy).expect("every key is there");
}

#[test]
fn a_store_that_goes_away_leaves_nothing_half() {
    let mut store = ObjectStore::start();
    let url = format!("s3://{BUCKET}/kept");
    let scene = Scene::create_with(options(&store, &["--backup-store", &url]), &shape(1, 0));
    let backups = Backups::of(scene.api());
    let _data = DataSet::write(&scene.instance(), COPIES);
    store.kill();
    let answer = backups.ask("cache", "lost");
    let operation = answer.body["name"].as_str().expect("it is accepted").to_owned();
    let cancelled = scene.api().call("POST", &format!("/v1/{operation}:cancel"), "{}");
    assert_eq!(cancelled.status, 200, "{}", cancelled.body);
    let ended = scene.api().wait(&operation, LIMIT);
    assert_eq!(ended["error"]["code"], 1, "{ended}");
    let is_active = |backup: &Value| backup["state"] == "ACTIVE";
    assert!(!backups.list("cache").iter().any(is_active));
    wait_until("the instance takes changes", LIMIT, || {
        let answer = scene.ask_for(&json!({"labels": {"a": "b"}}));
        if answer.status == 200 { Ok(()) } else { Err(answer.body.to_string()) }
    });
}
