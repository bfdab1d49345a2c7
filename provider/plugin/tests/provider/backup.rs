//! `valkyard_backup` from its creation to its end.

use provider_framework::testing::{Action, Harness, State};
use provider_framework::{Object, Value};
use terraform_provider_valkyard::Valkyard;
use tonic::Status;

use crate::daemon::{CREATED_SECONDS, Daemon, Ending, Leftover, Mishap, Outage, backup_of, operation_in_progress};
use crate::{NAME, created, only_error, path, provider};

const TYPE: &str = "valkyard_backup";
const COLLECTION: &str = "projects/local/locations/us-central1/backupCollections/cache";
const BACKUP: &str = "projects/local/locations/us-central1/backupCollections/cache/backups/before-migration";

fn before_migration() -> Object {
    Object::new().with("instance", NAME).with("backup_id", "before-migration")
}

/// A provider, and a daemon that has the instance.
async fn with_instance(daemon: &Daemon) -> Harness<Valkyard> {
    let provider = provider(daemon, Object::new()).await;
    created(&provider).await;
    daemon.polled().await;
    daemon.script().calls.clear();
    provider
}

async fn made(provider: &Harness<Valkyard>) -> State {
    provider.create(TYPE, before_migration()).await.expect("the daemon makes it")
}

#[tokio::test]
async fn a_backup_is_made_and_leaves_nothing_to_plan() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    let plan = provider.plan(TYPE, None, before_migration()).await.expect("planned");
    let planned = plan.planned.clone().expect("a create");
    assert_eq!(planned.value("name").as_str(), Some(BACKUP), "known before the backup is there");
    let state = provider.apply(plan).await.expect("applied").expect("there is a state");
    assert_eq!(daemon.calls(), ["BackupInstance"]);
    for (attribute, expected) in [
        ("state", "ACTIVE"),
        ("ttl", "3153600000s"),
        ("backup_type", "ON_DEMAND"),
        ("create_time", "2026-09-21T14:13:20Z"),
        ("engine_version", "VALKEY_9_1"),
        ("backup_collection", COLLECTION),
    ] {
        assert_eq!(state.object.value(attribute).as_str(), Some(expected), "{attribute}");
    }
    assert_eq!(state.object.read::<i64>("keys"), Ok(7));
    assert_eq!((state.object.read::<i64>("shard_count"), state.object.read("verified")), (Ok(3), Ok(false)));
    let refreshed = provider.read(&state).await.expect("read");
    assert_eq!(refreshed.as_ref(), Some(&state));
    for config in [before_migration(), before_migration().with("instance", "cache"), before_migration().with("ttl", "876000h")] {
        assert_eq!(provider.plan(TYPE, Some(&state), config).await.expect("planned").action, Action::NoOp);
    }
}

#[tokio::test]
async fn a_backup_without_an_id_gets_one_of_time_and_hex_digits() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    let unnamed = Object::new().with("instance", "cache").with("ttl", "24h");
    let state = provider.create(TYPE, unnamed.clone()).await.expect("made");
    let backup_id = state.object.value("backup_id").as_str().expect("it has one");
    let (time, salt) = backup_id.split_once('_').expect("two parts");
    assert_eq!((time.len(), salt.len()), (14, 8), "{backup_id}");
    assert_eq!(daemon.script().backups.len(), 1);
    assert_eq!(state.object.value("expire_time").as_str(), Some("2026-09-22T14:13:20Z"));
    assert_eq!(provider.plan(TYPE, Some(&state), unnamed).await.expect("planned").action, Action::NoOp);
}

#[tokio::test]
async fn everything_but_verify_makes_another_backup() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    let state = made(&provider).await;
    for (attribute, value) in [("instance", "other"), ("backup_id", "another"), ("ttl", "48h")] {
        let plan = provider.plan(TYPE, Some(&state), before_migration().with(attribute, value)).await.expect("planned");
        assert_eq!(plan.action, Action::Replace, "{attribute}");
    }
    let proved = provider.update(&state, before_migration().with("verify", true)).await.expect("proved");
    assert_eq!(proved.object.value("verified_at").as_str(), Some("2026-09-21T14:14:20Z"));
    assert_eq!(daemon.calls(), ["BackupInstance", "VerifyBackup"]);
    provider.update(&proved, before_migration()).await.expect("nothing to do");
    assert_eq!(daemon.calls().len(), 2);
}

#[tokio::test]
async fn a_verified_backup_says_when() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    let config = before_migration().with("verify", true);
    let state = provider.create(TYPE, config.clone()).await.expect("made and proved");
    assert_eq!((state.object.read("verified"), daemon.calls().len()), (Ok(true), 2));
    assert_eq!(provider.read(&state).await.expect("read"), Some(state.clone()));
    assert_eq!(provider.plan(TYPE, Some(&state), config).await.expect("planned").action, Action::NoOp);
}

#[tokio::test]
async fn a_backup_that_does_not_pass_fails_with_the_reason_and_is_kept_as_tainted() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    daemon.script().flaw = Some("shard s1 has 6 keys, 7 were recorded".to_owned());
    let failure = provider.create(TYPE, before_migration().with("verify", true)).await.expect_err("it does not pass");
    let error = only_error(&failure);
    assert_eq!((error.summary.as_str(), path(error).as_str()), ("Backup did not pass its verification", "verify"));
    assert!(error.detail.contains("shard s1 has 6 keys, 7 were recorded"), "{failure}");
    let partial = failure.partial.expect("the backup is there");
    assert_eq!(partial.object.value("name").as_str(), Some(BACKUP));
    provider.destroy(&partial).await.expect("Terraform replaces what is tainted");
    assert!(daemon.script().backups.is_empty());
}

#[tokio::test]
async fn an_existing_backup_is_proved_when_that_is_asked_for_and_a_flaw_keeps_the_prior_state() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    let state = made(&provider).await;
    daemon.script().flaw = Some("the digests differ".to_owned());
    let failure = provider.update(&state, before_migration().with("verify", true)).await.expect_err("it does not pass");
    assert!(only_error(&failure).detail.contains("the digests differ"), "{failure}");
    assert_eq!(failure.partial, None);
}

#[tokio::test]
async fn a_backup_is_removed_with_its_resource_unless_it_is_in_use() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    let state = made(&provider).await;
    let user = "projects/local/locations/us-central1/instances/restored";
    daemon.script().backups.get_mut(BACKUP).expect("exists").in_use_by.push(user.to_owned());
    let failure = provider.destroy(&state).await.expect_err("it is in use");
    assert!(only_error(&failure).detail.contains(&format!("is in use by {user}")), "{failure}");
    daemon.script().backups.get_mut(BACKUP).expect("exists").in_use_by.clear();
    provider.destroy(&state).await.expect("removed");
    assert!(daemon.script().backups.is_empty());
    provider.destroy(&state).await.expect("what is gone is a success");
}

#[tokio::test]
async fn an_expired_backup_leaves_the_state_with_a_warning() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    let state = provider.create(TYPE, before_migration().with("ttl", "24h")).await.expect("made");
    daemon.script().backups.clear();
    let (found, warnings) = provider.refresh(&state).await.expect("read");
    assert_eq!(found, None);
    let warning = warnings.iter().next().expect("a warning");
    assert_eq!(warning.summary, "The backup is gone");
    assert!(warning.detail.contains("2026-09-22T14:13:20Z"), "{}", warning.detail);
}

#[tokio::test]
async fn an_import_by_the_full_name_leads_to_an_empty_plan() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    provider.create(TYPE, before_migration().with("ttl", "24h")).await.expect("made");
    for id in [BACKUP.to_owned(), format!("//memorystore.googleapis.com/{BACKUP}")] {
        let state = provider.import(TYPE, &id).await.expect("it is there");
        for config in [
            before_migration(),
            before_migration().with("ttl", "86400s"),
            Object::new().with("instance", "cache").with("ttl", "24h"),
        ] {
            let plan = provider.plan(TYPE, Some(&state), config.clone()).await.expect("planned");
            assert_eq!(plan.action, Action::NoOp, "{id} {config:?}");
        }
    }
    let failure = provider.import(TYPE, "before-migration").await.expect_err("no such form");
    assert!(only_error(&failure).detail.contains("/backups/<backup_id>"), "{failure}");
}

#[tokio::test]
async fn a_taken_id_is_refused_with_the_import_command_and_nothing_is_sent() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    daemon.script().backups.insert(BACKUP.to_owned(), backup_of(NAME, "before-migration", CREATED_SECONDS, 86_400));
    let failure = provider.create(TYPE, before_migration()).await.expect_err("the id is taken");
    let error = only_error(&failure);
    assert_eq!(path(error), "backup_id");
    assert!(error.detail.contains(&format!("terraform import <address of this resource> {BACKUP}")), "{failure}");
    assert_eq!((failure.partial, daemon.calls()), (None, vec![]));
}

#[tokio::test]
async fn an_accepted_backup_whose_answer_is_lost_is_followed_to_its_end() {
    for outage in [Outage::Brief, Outage::Restart] {
        let daemon = Daemon::start().await;
        let provider = with_instance(&daemon).await;
        daemon.script().mishaps.push_back(Mishap::Cut(outage));
        let finishing = async {
            daemon.met().await;
            let mut script = daemon.script();
            let backup = script.backups.get_mut(BACKUP).expect("it was accepted");
            backup.state = admin_proto::v1::backup_details::State::Active.into();
        };
        let (state, ()) = tokio::join!(provider.create(TYPE, before_migration()), finishing);
        let state = state.expect("found by its name");
        assert_eq!(state.object.value("state").as_str(), Some("ACTIVE"), "{outage:?}");
        assert_eq!(daemon.calls(), ["BackupInstance", "BackupInstance"], "{outage:?}");
        assert_eq!(daemon.script().backups.len(), 1, "one backup, {outage:?}");
    }
}

#[tokio::test]
async fn a_backup_waits_for_another_operation_and_for_a_daemon_that_restarts() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    daemon.script().refusals.extend([operation_in_progress(), Status::unavailable("the daemon is stopping")]);
    daemon.script().admin_refusals.push_back(operation_in_progress());
    provider.create(TYPE, before_migration().with("verify", true)).await.expect("made and proved");
    let expected = ["BackupInstance", "BackupInstance", "BackupInstance", "VerifyBackup", "VerifyBackup"];
    assert_eq!(daemon.calls(), expected);
}

#[tokio::test]
async fn a_failed_backup_leaves_no_state_when_nothing_is_left() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    let code = tonic::Code::ResourceExhausted.into();
    let error = memorystore_proto::rpc::Status { code, message: "the disk is full".to_owned(), details: vec![] };
    daemon.script().ending = Ending::Badly(error.clone(), Leftover::Nothing);
    let failure = provider.create(TYPE, before_migration()).await.expect_err("it fails");
    assert!(only_error(&failure).detail.contains("the disk is full"), "{failure}");
    assert_eq!(failure.partial, None);

    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    daemon.script().ending = Ending::Badly(error, Leftover::Instance);
    let failure = provider.create(TYPE, before_migration()).await.expect_err("it fails");
    assert_eq!(failure.partial.expect("it is there").object.value("state").as_str(), Some("CREATING"));
}

#[tokio::test]
async fn a_stopped_backup_is_cancelled_and_leaves_no_state() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    daemon.script().ending = Ending::WhenCancelled(Leftover::Nothing);
    let plan = provider.plan(TYPE, None, before_migration()).await.expect("planned");
    let stopping = async {
        daemon.polled().await;
        provider.stop().await;
    };
    let (outcome, ()) = tokio::join!(provider.apply(plan), stopping);
    let failure = outcome.expect_err("it was stopped");
    let error = only_error(&failure);
    assert_eq!(error.summary, "Stopped on the way to create the backup");
    assert!(error.detail.contains("it was cancelled"), "{failure}");
    assert_eq!((failure.partial, daemon.calls()), (None, vec!["BackupInstance".to_owned(), "CancelOperation".to_owned()]));
}

#[tokio::test]
async fn wrong_values_are_refused_at_their_attribute() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let bad: [(&str, Value); 7] = [
        ("backup_id", "_a".into()),
        ("backup_id", "A".into()),
        ("ttl", "23h".into()),
        ("ttl", "876001h".into()),
        ("ttl", "soon".into()),
        ("instance", "c".into()),
        ("location", "europe-west4".into()),
    ];
    for (attribute, value) in bad {
        let shown = value.to_string();
        let failure = provider.validate(TYPE, before_migration().with(attribute, value)).await.expect_err(&shown);
        assert_eq!(path(only_error(&failure)), attribute, "{attribute} = {shown}: {failure}");
    }
}
