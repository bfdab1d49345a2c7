//! The data sources `valkyard_backups` and `valkyard_backup`.

use admin_proto::v1::verification::State as Verified;
use admin_proto::v1::{BackupDetails, Verification, backup_details};
use provider_framework::Object;

use crate::daemon::{CREATED_SECONDS, Daemon, backup_of};
use crate::{NAME, created, only_error, path, provider};

const COLLECTION: &str = "projects/local/locations/us-central1/backupCollections/cache";
const DAY: i64 = 86_400;

fn name_of(backup: &str) -> String {
    format!("{COLLECTION}/backups/{backup}")
}

fn by(attribute: &str, value: &str) -> Object {
    Object::new().with(attribute, value)
}

/// Three backups of an instance that is gone: `c` is being made, `b` is complete, `a` is verified.
async fn with_backups() -> Daemon {
    let daemon = Daemon::start().await;
    let days = [("a", 0), ("b", 1), ("c", 2)];
    let [mut a, b, mut c]: [BackupDetails; 3] = days.map(|(id, day)| backup_of(NAME, id, CREATED_SECONDS + day * DAY, 30 * DAY));
    a.verification = Some(Verification { state: Verified::Passed.into(), ..Verification::default() });
    c.state = backup_details::State::Creating.into();
    for backup in [a, b, c] {
        daemon.script().backups.insert(backup.name.clone(), backup);
    }
    daemon
}

#[tokio::test]
async fn backups_are_listed_newest_first_by_instance_and_by_collection() {
    let daemon = with_backups().await;
    let provider = provider(&daemon, Object::new()).await;
    for config in [by("instance", "cache"), by("instance", NAME), by("backup_collection", COLLECTION)] {
        let data = provider.read_data("valkyard_backups", config).await.expect("listed");
        let backups: Vec<Object> = data.read("backups").expect("a list");
        let ids: Vec<_> = backups.iter().filter_map(|backup| backup.value("backup_id").as_str()).collect();
        assert_eq!(ids, ["c", "b", "a"]);
        assert_eq!(backups[2].read("verified"), Ok(true));
        assert_eq!(backups[0].value("instance").as_str(), Some(NAME));
        assert_eq!(data.value("backup_collection").as_str(), Some(COLLECTION));
    }
}

#[tokio::test]
async fn an_instance_without_backups_has_an_empty_list_and_a_wrong_name_is_an_error() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    created(&provider).await;
    let data = provider.read_data("valkyard_backups", by("instance", "cache")).await.expect("listed");
    assert_eq!(data.read::<Vec<Object>>("backups"), Ok(vec![]));
    let failure = provider.read_data("valkyard_backups", by("instance", "absent")).await.expect_err("there is none");
    assert_eq!(only_error(&failure).summary, "No such backups");
}

#[tokio::test]
async fn the_latest_backup_is_one_that_can_be_restored() {
    let daemon = with_backups().await;
    let provider = provider(&daemon, Object::new()).await;
    for (config, expected) in [
        (by("instance", "cache"), "b"),
        (by("backup_collection", COLLECTION), "b"),
        (by("instance", "cache").with("verified", false), "b"),
        (by("instance", "cache").with("verified", true), "a"),
        (by("name", &name_of("c")), "c"),
        (by("name", &format!("//memorystore.googleapis.com/{}", name_of("a"))).with("verified", true), "a"),
    ] {
        let data = provider.read_data("valkyard_backup", config.clone()).await.expect("found");
        assert_eq!(data.value("id").as_str(), Some(name_of(expected).as_str()), "{config:?}");
        assert_eq!(data.read("verified"), Ok(expected == "a"));
    }
}

#[tokio::test]
async fn a_search_without_success_says_what_there_is() {
    let daemon = with_backups().await;
    let provider = provider(&daemon, Object::new()).await;
    daemon.script().backups.remove(&name_of("a"));
    let latest = by("instance", "cache").with("verified", true);
    let failure = provider.read_data("valkyard_backup", latest).await.expect_err("none is verified");
    for part in ["verified", &name_of("b"), &name_of("c"), "CREATING", "2026-09-22T14:13:20Z, not verified"] {
        assert!(only_error(&failure).detail.contains(part), "{part} in {failure}");
    }
    let failure = provider.read_data("valkyard_backup", by("name", &name_of("a"))).await.expect_err("it is gone");
    let error = only_error(&failure);
    assert_eq!(path(error), "name");
    assert!(error.detail.contains(&name_of("b")), "{failure}");
    let unverified = by("name", &name_of("b")).with("verified", true);
    let failure = provider.read_data("valkyard_backup", unverified).await.expect_err("it is not verified");
    assert_eq!(path(only_error(&failure)), "verified");
}

#[tokio::test]
async fn there_is_one_way_to_look() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    for data_source in ["valkyard_backup", "valkyard_backups"] {
        let failure = provider.read_data(data_source, Object::new()).await.expect_err("nothing to look for");
        assert_eq!(only_error(&failure).summary, "Nothing to look for");
        let both = by("instance", "cache").with("backup_collection", COLLECTION);
        let failure = provider.read_data(data_source, both).await.expect_err("two ways");
        assert_eq!(only_error(&failure).summary, "More than one way to look");
    }
}
