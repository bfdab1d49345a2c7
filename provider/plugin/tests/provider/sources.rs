//! What the first data of an instance is, and what remains of an instance.

use memorystore_proto::v1::instance::{GcsBackupSource, ImportSources, ManagedBackupSource};
use provider_framework::testing::{Action, State};
use provider_framework::{Object, Value};

use crate::daemon::{CREATED_SECONDS, Daemon, backup_of};
use crate::{NAME, TYPE, config, created, only_error, path, provider};

const BACKUP: &str = "projects/local/locations/us-central1/backupCollections/former/backups/last";
const DAY: i64 = 86_400;

fn restored_from(backup: &str) -> Object {
    config().with("managed_backup_source", Object::new().with("backup", backup))
}

fn loaded_from(uris: &[&str]) -> Object {
    let uris: Vec<Value> = uris.iter().map(|uri| Value::from(*uri)).collect();
    config().with("gcs_source", Object::new().with("uris", Value::set(uris)))
}

/// What the daemon was asked to begin with.
fn sent(daemon: &Daemon) -> Option<ImportSources> {
    daemon.script().instances[NAME].import_sources.clone()
}

#[tokio::test]
async fn a_backup_is_sent_by_its_name_and_leaves_nothing_to_plan() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let with_service = format!("//memorystore.googleapis.com/{BACKUP}");
    let state = provider.create(TYPE, restored_from(&with_service)).await.expect("created");
    let expected = ImportSources::ManagedBackupSource(ManagedBackupSource { backup: BACKUP.to_owned() });
    assert_eq!(sent(&daemon), Some(expected));
    for echo in [sent(&daemon), None] {
        daemon.script().instances.get_mut(NAME).expect("exists").import_sources = echo;
        let refreshed = provider.read(&state).await.expect("read");
        assert_eq!(refreshed.as_ref(), Some(&state), "whether or not the daemon tells it");
        for spelling in [with_service.as_str(), BACKUP] {
            let plan = provider.plan(TYPE, refreshed.as_ref(), restored_from(spelling)).await.expect("planned");
            assert_eq!(plan.action, Action::NoOp, "{spelling}");
        }
    }
}

#[tokio::test]
async fn files_are_sent_and_their_order_is_no_change() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let uris = ["gs://bucket/s0.rdb", "s3://bucket/s1.rdb", "file:///backups/s2.rdb"];
    let state = provider.create(TYPE, loaded_from(&uris)).await.expect("created");
    let Some(ImportSources::GcsSource(GcsBackupSource { uris: sent })) = sent(&daemon) else { panic!("files were sent") };
    assert_eq!(sent.len(), 3);
    let turned = loaded_from(&[uris[2], uris[0], uris[1]]);
    assert_eq!(provider.plan(TYPE, Some(&state), turned).await.expect("planned").action, Action::NoOp);
}

#[tokio::test]
async fn another_source_replaces_and_says_what_is_made_in_its_place() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let other = BACKUP.replace("last", "first");
    let restored = provider.create(TYPE, restored_from(BACKUP)).await.expect("created");
    for (wanted, part) in [(restored_from(&other), other.as_str()), (loaded_from(&["gs://b/a.rdb"]), "gs://b/a.rdb")] {
        let plan = provider.plan(TYPE, Some(&restored), wanted).await.expect("planned");
        assert_eq!(plan.action, Action::Replace);
        let warning = plan.warnings.iter().next().expect("a warning");
        assert!(warning.detail.contains(&format!("restored from {part}")), "{}", warning.detail);
    }
    let unknown = config().with("managed_backup_source", Object::new().with("backup", Value::unknown()));
    assert_eq!(provider.plan(TYPE, Some(&restored), unknown).await.expect("planned").action, Action::Replace);
}

#[tokio::test]
async fn a_source_that_comes_later_replaces_and_one_that_goes_changes_nothing() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let empty = created(&provider).await;
    let plan = provider.plan(TYPE, Some(&empty), restored_from(BACKUP)).await.expect("planned");
    assert_eq!(plan.action, Action::Replace);
    let restored = provider.apply(plan).await.expect("applied").expect("there is a state");
    let calls = daemon.calls().len();
    let plan = provider.plan(TYPE, Some(&restored), config()).await.expect("planned");
    assert_eq!((plan.action, plan.unknowns()), (Action::Update, vec![]));
    let without = provider.apply(plan).await.expect("applied").expect("there is a state");
    assert_eq!(daemon.calls().len(), calls, "nothing is sent");
    assert_eq!(provider.plan(TYPE, Some(&without), config()).await.expect("planned").action, Action::NoOp);
}

/// Imports the instance of a daemon that tells this source.
async fn imported(daemon: &Daemon, told: Option<&str>) -> State {
    let provider = provider(daemon, Object::new()).await;
    created(&provider).await;
    let source = told.map(|backup| ImportSources::ManagedBackupSource(ManagedBackupSource { backup: backup.to_owned() }));
    daemon.script().instances.get_mut(NAME).expect("exists").import_sources = source;
    provider.import(TYPE, NAME).await.expect("imported")
}

#[tokio::test]
async fn an_imported_instance_is_not_replaced_for_want_of_knowledge() {
    for told in [None, Some(BACKUP)] {
        let daemon = Daemon::start().await;
        let state = imported(&daemon, told).await;
        let provider = provider(&daemon, Object::new()).await;
        let plan = provider.plan(TYPE, Some(&state), config()).await.expect("planned");
        assert_eq!(plan.action, Action::NoOp, "nothing is configured, {told:?} is told");
        let plan = provider.plan(TYPE, Some(&state), restored_from(BACKUP)).await.expect("planned");
        assert_eq!(plan.action, Action::Update, "the state learns of it, {told:?} is told");
        let state = provider.apply(plan).await.expect("applied").expect("there is a state");
        let again = provider.plan(TYPE, Some(&state), restored_from(BACKUP)).await.expect("planned");
        assert_eq!(again.action, Action::NoOp);
    }
    let daemon = Daemon::start().await;
    let state = imported(&daemon, Some(&BACKUP.replace("last", "first"))).await;
    let plan = provider(&daemon, Object::new()).await.plan(TYPE, Some(&state), restored_from(BACKUP)).await.expect("planned");
    assert_eq!(plan.action, Action::Replace, "the daemon knows that the first data was another");
}

#[tokio::test]
async fn wrong_sources_are_refused() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let both = restored_from(BACKUP).with("gcs_source", loaded_from(&["gs://b/a"]).value("gcs_source").clone());
    for (wrong, expected) in [
        (both, "managed_backup_source"),
        (restored_from("last"), "managed_backup_source.backup"),
        (loaded_from(&[]), "gcs_source.uris"),
        (loaded_from(&["gs://"]), "gcs_source.uris"),
        (loaded_from(&["/backups/s0.rdb"]), "gcs_source.uris"),
        (loaded_from(&["file://backups/s0.rdb"]), "gcs_source.uris"),
    ] {
        let failure = provider.validate(TYPE, wrong).await.expect_err(expected);
        assert_eq!(path(only_error(&failure)), expected, "{failure}");
    }
}

#[tokio::test]
async fn the_collection_of_an_instance_is_known_in_the_plan() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let planned = provider.plan(TYPE, None, config()).await.expect("planned").planned.expect("a create");
    let collection = "projects/local/locations/us-central1/backupCollections/cache";
    assert_eq!(planned.value("backup_collection").as_str(), Some(collection));
}

#[tokio::test]
async fn a_destroyed_instance_warns_of_its_backups() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let state = created(&provider).await;
    assert!(provider.destroy(&state).await.expect("destroyed").is_empty(), "it has none");

    let state = created(&provider).await;
    for (id, created, ttl) in [("a", 0, DAY), ("b", DAY, 9 * DAY), ("c", 2 * DAY, DAY)] {
        let backup = backup_of(NAME, id, CREATED_SECONDS + created, ttl);
        daemon.script().backups.insert(backup.name.clone(), backup);
    }
    let warnings = provider.destroy(&state).await.expect("destroyed");
    let warning = warnings.iter().next().expect("a warning");
    let collection = "projects/local/locations/us-central1/backupCollections/cache";
    let newest = format!("backup = \"{collection}/backups/c\"");
    for part in ["3 backups", "(12288 bytes)", collection, "until 2026-10-01T14:13:20Z", newest.as_str(), "send DELETE /v1/"] {
        assert!(warning.detail.contains(part), "{part} in {}", warning.detail);
    }
}
