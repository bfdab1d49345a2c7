//! `valkyard_backup_policy` from its creation to its end.

use memorystore_proto::v1::automated_backup_config::AutomatedBackupMode;
use provider_framework::testing::{Action, Harness, State};
use provider_framework::{Object, Value};
use terraform_provider_valkyard::Valkyard;
use tonic::{Code, Status};

use crate::daemon::{Daemon, Ending, operation_in_progress, refusal};
use crate::{NAME, created, only_error, path, provider};

const TYPE: &str = "valkyard_backup_policy";

fn nightly() -> Object {
    Object::new().with("instance", NAME).with("start_hour", 3)
}

/// A provider, and a daemon that has the instance.
async fn with_instance(daemon: &Daemon) -> Harness<Valkyard> {
    let provider = provider(daemon, Object::new()).await;
    created(&provider).await;
    daemon.script().calls.clear();
    provider
}

async fn in_force(provider: &Harness<Valkyard>) -> State {
    provider.create(TYPE, nightly()).await.expect("the instance has none")
}

/// Hour and seconds of retention of the instance's automated backups, if they are on.
fn on_the_instance(daemon: &Daemon) -> Option<(i32, i64)> {
    use memorystore_proto::v1::automated_backup_config::Schedule;
    let script = daemon.script();
    let config = script.instances[NAME].automated_backup_config?;
    let Schedule::FixedFrequencySchedule(schedule) = config.schedule?;
    let is_on = config.automated_backup_mode() == AutomatedBackupMode::Enabled;
    is_on.then(|| (schedule.start_time.unwrap_or_default().hours, config.retention.unwrap_or_default().seconds))
}

#[tokio::test]
async fn a_policy_is_set_on_the_instance_and_leaves_nothing_to_plan() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    let plan = provider.plan(TYPE, None, nightly()).await.expect("planned");
    assert_eq!(plan.unknowns(), ["last_backup_time", "next_backup_time"]);
    let state = provider.apply(plan).await.expect("applied").expect("there is a state");
    assert_eq!(daemon.calls(), ["UpdateInstance automated_backup_config", "SetBackupPolicy false"]);
    assert_eq!(on_the_instance(&daemon), Some((3, 3_024_000)), "35 days are the default");
    for (attribute, expected) in [
        ("id", format!("{NAME}/backupPolicy")),
        ("backup_collection", "projects/local/locations/us-central1/backupCollections/cache".to_owned()),
        ("next_backup_time", "2026-09-22T03:00:00Z".to_owned()),
    ] {
        assert_eq!(state.object.value(attribute).as_str(), Some(expected.as_str()), "{attribute}");
    }
    let refreshed = provider.read(&state).await.expect("read");
    assert_eq!(refreshed.as_ref(), Some(&state));
    assert_eq!(provider.plan(TYPE, refreshed.as_ref(), nightly()).await.expect("planned").action, Action::NoOp);
}

#[tokio::test]
async fn the_instance_shows_its_automated_backups_and_plans_nothing_for_them() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let instance = created(&provider).await;
    assert_eq!(instance.object.value("automated_backup_config"), &Value::Null);
    in_force(&provider).await;
    let refreshed = provider.read(&instance).await.expect("read").expect("it exists");
    let start = Object::new().with("start_time", Object::new().with("hours", 3));
    let shown = Object::new().with("fixed_frequency_schedule", start).with("retention", "3024000s");
    assert_eq!(refreshed.object.value("automated_backup_config"), &shown.into());
    let plan = provider.plan(crate::TYPE, Some(&refreshed), crate::config()).await.expect("planned");
    assert_eq!(plan.action, Action::NoOp);
}

#[tokio::test]
async fn another_spelling_of_the_instance_or_the_retention_is_no_change() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    let state = in_force(&provider).await;
    for config in [
        nightly().with("instance", "cache"),
        nightly().with("instance", "cache").with("location", "us-central1").with("project", "local"),
        nightly().with("retention", "840h"),
    ] {
        let plan = provider.plan(TYPE, Some(&state), config.clone()).await.expect("planned");
        assert_eq!(plan.action, Action::NoOp, "{config:?}");
    }
    let plan = provider.plan(TYPE, Some(&state), nightly().with("instance", "other")).await.expect("planned");
    assert_eq!(plan.action, Action::Replace);
}

#[tokio::test]
async fn changes_send_only_what_changes() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    let state = in_force(&provider).await;
    let state = provider.update(&state, nightly().with("verify", true)).await.expect("updated");
    assert_eq!(daemon.calls()[2..], ["SetBackupPolicy true"]);
    let later = nightly().with("verify", true).with("start_hour", 4).with("retention", "24h");
    let state = provider.update(&state, later.clone()).await.expect("updated");
    assert_eq!(daemon.calls()[3..], ["UpdateInstance automated_backup_config"]);
    assert_eq!(on_the_instance(&daemon), Some((4, 86_400)));
    assert_eq!(state.object.value("next_backup_time").as_str(), Some("2026-09-22T04:00:00Z"));
    assert_eq!(provider.read(&state).await.expect("read"), Some(state.clone()));
    assert_eq!(provider.plan(TYPE, Some(&state), later).await.expect("planned").action, Action::NoOp);
}

#[tokio::test]
async fn a_shorter_retention_warns_that_backups_keep_their_expiry() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    let state = in_force(&provider).await;
    for (retention, warns) in [("24h", true), ("3024000s", false), ("840h", false), ("8760h", false)] {
        let plan = provider.plan(TYPE, Some(&state), nightly().with("retention", retention)).await.expect("planned");
        let told: Vec<&str> = plan.warnings.iter().map(|warning| warning.summary.as_str()).collect();
        assert_eq!(told == ["Backups that are there keep their expiry"], warns, "{retention}: {told:?}");
    }
    let shorter = provider.plan(TYPE, Some(&state), nightly().with("retention", "24h")).await.expect("planned");
    let warning = shorter.warnings.iter().next().expect("a warning");
    assert_eq!(path(warning), "retention");
    assert!(warning.detail.contains("86400 s instead of 3024000 s"), "{}", warning.detail);
}

#[tokio::test]
async fn a_change_made_elsewhere_is_shown_and_repaired() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    let state = in_force(&provider).await;
    daemon.script().verify.insert(NAME.to_owned(), true);
    let refreshed = provider.read(&state).await.expect("read").expect("it is in force");
    assert_eq!(refreshed.object.value("verify").as_bool(), Some(true));
    let state = provider.update(&refreshed, nightly()).await.expect("repaired");
    assert!(!daemon.script().verify[NAME]);

    daemon.script().instances.get_mut(NAME).expect("exists").automated_backup_config = None;
    assert_eq!(provider.read(&state).await.expect("read"), None, "turned off elsewhere, it is made again");
}

#[tokio::test]
async fn a_second_policy_is_refused_with_the_import_command() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    in_force(&provider).await;
    let failure = provider.create(TYPE, nightly().with("start_hour", 5)).await.expect_err("there is one");
    let error = only_error(&failure);
    assert_eq!((error.summary.as_str(), path(error).as_str()), ("Automated backups are on already", "instance"));
    for part in ["3:00 UTC", &format!("terraform import <address of this resource> {NAME}")] {
        assert!(error.detail.contains(part), "{part} in {failure}");
    }
    assert_eq!(failure.partial, None);
    assert_eq!(on_the_instance(&daemon), Some((3, 3_024_000)), "the first stays as it is");
}

#[tokio::test]
async fn of_two_policies_made_at_the_same_time_one_is_refused() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    let (first, second) = tokio::join!(provider.create(TYPE, nightly()), provider.create(TYPE, nightly().with("start_hour", 5)));
    let hour = match (first, second) {
        (Ok(_), Err(failure)) => {
            assert_eq!(failure.partial, None, "{failure}");
            3
        }
        (Err(failure), Ok(_)) => {
            assert_eq!(failure.partial, None, "{failure}");
            5
        }
        (Ok(_), Ok(_)) => panic!("both were accepted"),
        (Err(first), Err(second)) => panic!("none was accepted: {first}{second}"),
    };
    assert_eq!(on_the_instance(&daemon).map(|(hour, _)| hour), Some(hour));
}

#[tokio::test]
async fn a_policy_ends_with_its_resource_and_with_its_instance() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    let state = in_force(&provider).await;
    provider.destroy(&state).await.expect("turned off");
    assert_eq!(on_the_instance(&daemon), None);

    let state = in_force(&provider).await;
    daemon.script().instances.clear();
    assert_eq!(provider.read(&state).await.expect("read"), None);
    provider.destroy(&state).await.expect("without the instance there is nothing to turn off");
}

#[tokio::test]
async fn an_import_by_the_name_of_the_instance_leads_to_an_empty_plan() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    in_force(&provider).await;
    for id in [NAME, "local/us-central1/cache", "us-central1/cache", &format!("{NAME}/backupPolicy")] {
        let state = provider.import(TYPE, id).await.expect("it is in force");
        for config in [nightly(), nightly().with("instance", "cache")] {
            assert_eq!(provider.plan(TYPE, Some(&state), config).await.expect("planned").action, Action::NoOp, "{id}");
        }
    }
    let failure = provider.import(TYPE, "cache").await.expect_err("no such form");
    assert!(only_error(&failure).detail.contains("<location>/<instance_id>"), "{failure}");
}

#[tokio::test]
async fn a_policy_that_is_half_made_is_kept_as_tainted() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    daemon.script().admin_refusals.push_back(Status::internal("disk I/O error"));
    let failure = provider.create(TYPE, nightly().with("verify", true)).await.expect_err("the second half fails");
    assert!(only_error(&failure).detail.contains("disk I/O error"), "{failure}");
    let partial = failure.partial.expect("the schedule is in force");
    assert!(on_the_instance(&daemon).is_some());
    provider.destroy(&partial).await.expect("Terraform replaces what is tainted");
    provider.create(TYPE, nightly().with("verify", true)).await.expect("made whole");
}

#[tokio::test]
async fn a_policy_that_was_refused_is_not_kept() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    let words = "the instance is being restored";
    daemon.script().refusals.push_back(refusal(Code::FailedPrecondition, words, vec![]));
    let failure = provider.create(TYPE, nightly()).await.expect_err("refused");
    assert!(only_error(&failure).detail.contains(words), "{failure}");
    assert_eq!(failure.partial, None);

    let failure = provider.create(TYPE, nightly().with("instance", "absent")).await.expect_err("no such instance");
    let error = only_error(&failure);
    assert_eq!((error.summary.as_str(), path(error).as_str()), ("No such instance", "instance"));
}

#[tokio::test]
async fn a_policy_waits_for_another_operation_and_for_a_daemon_that_restarts() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    daemon.script().refusals.extend([operation_in_progress(), Status::unavailable("the daemon is stopping")]);
    daemon.script().admin_refusals.extend([operation_in_progress(), Status::unavailable("the daemon is stopping")]);
    in_force(&provider).await;
    let (update, set) = ("UpdateInstance automated_backup_config", "SetBackupPolicy false");
    assert_eq!(daemon.calls(), [update, update, update, set, set, set]);
}

#[tokio::test]
async fn a_stopped_creation_keeps_what_may_be_in_force() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    daemon.polled().await;
    daemon.script().ending = Ending::Never;
    let plan = provider.plan(TYPE, None, nightly()).await.expect("planned");
    let stopping = async {
        daemon.polled().await;
        provider.stop().await;
    };
    let (outcome, ()) = tokio::join!(provider.apply(plan), stopping);
    let failure = outcome.expect_err("it was stopped");
    assert_eq!(only_error(&failure).summary, "Stopped on the way to create the backup policy");
    assert!(failure.partial.is_some());
}

#[tokio::test]
async fn wrong_values_are_refused_at_their_attribute() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let bad: [(&str, Value, &str); 10] = [
        ("start_hour", 24.into(), "start_hour"),
        ("start_hour", (-1).into(), "start_hour"),
        ("start_hour", Value::Null, "start_hour"),
        ("retention", "1h".into(), "retention"),
        ("retention", "8761h".into(), "retention"),
        ("retention", "35d".into(), "retention"),
        ("instance", "Cache".into(), "instance"),
        ("instance", "projects/local/locations/us-central1/backupCollections/cache".into(), "instance"),
        ("location", "europe-west4".into(), "location"),
        ("project", "other".into(), "project"),
    ];
    for (attribute, value, expected) in bad {
        let shown = value.to_string();
        let failure = provider.validate(TYPE, nightly().with(attribute, value)).await.expect_err(&shown);
        assert_eq!(path(only_error(&failure)), expected, "{attribute} = {shown}: {failure}");
    }
}

#[tokio::test]
async fn an_instance_that_is_not_known_yet_leaves_the_names_open() {
    let daemon = Daemon::start().await;
    let provider = with_instance(&daemon).await;
    let plan = provider.plan(TYPE, None, nightly().with("instance", Value::unknown())).await.expect("planned");
    for attribute in ["name", "project", "location", "backup_collection"] {
        assert!(plan.unknowns().contains(&attribute), "{attribute}");
    }
    provider.apply_with(plan, nightly()).await.expect("known by then");
}
