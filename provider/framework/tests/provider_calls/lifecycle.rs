//! What a well-behaved provider goes through.

use std::time::{Duration, Instant};

use provider_framework::testing::Action;
use provider_framework::{Diagnostics, Object, Provider as _, Resource as _, Severity, Value};

use crate::cloud::{Cloud, DISK, Disk, Fault, disk, labels, summaries, terraform};

#[test]
fn the_example_schemas_are_sound() {
    assert_eq!(Disk.schema().check(), vec![]);
    assert_eq!(Cloud(Fault::None).schema().check(), vec![]);
}

/// The summary of the only one.
fn summary(warnings: &Diagnostics) -> &str {
    assert_eq!(warnings.iter().count(), 1, "{warnings:?}");
    warnings.iter().next().map_or("", |warning| warning.summary.as_str())
}

#[tokio::test]
async fn a_resource_is_created_planned_empty_changed_and_destroyed() {
    let terraform = terraform(Fault::None).await;
    let plan = terraform.plan(DISK, None, disk("a", 2)).await.unwrap();
    assert_eq!((plan.action, plan.unknowns()), (Action::Create, vec!["revision"]));
    let created = terraform.apply(plan).await.unwrap().unwrap();
    assert_eq!(created.object.value("path"), &Value::from("demo/a"));

    let refreshed = terraform.read(&created).await.unwrap().unwrap();
    assert_eq!(refreshed, created);
    let again = terraform.plan(DISK, Some(&refreshed), disk("a", 2)).await.unwrap();
    assert_eq!(again.action, Action::NoOp);

    let labelled = disk("a", 2).with("labels", labels("x"));
    let plan = terraform.plan(DISK, Some(&created), labelled).await.unwrap();
    assert_eq!((plan.action, plan.unknowns()), (Action::Update, vec!["revision"]));
    let grown = terraform.update(&created, disk("a", 3)).await.unwrap();
    assert_eq!(grown.object.value("bytes"), &Value::from(3000_i64));

    let warnings = terraform.destroy(&grown).await.unwrap();
    assert_eq!(summary(&warnings), "Its data remains on tape");
    let (found, warnings) = terraform.refresh(&grown).await.unwrap();
    assert_eq!((found, summary(&warnings)), (None, "Somebody removed the disk"));
}

#[tokio::test]
async fn a_replacement_deletes_the_old_object_and_makes_a_new_one() {
    let terraform = terraform(Fault::None).await;
    let old = terraform.create(DISK, disk("a", 2)).await.unwrap();
    let plan = terraform.plan(DISK, Some(&old), disk("b", 2)).await.unwrap();
    assert_eq!(plan.action, Action::Replace);
    assert_eq!(plan.replace.iter().map(ToString::to_string).collect::<Vec<_>>(), ["name"]);
    let new = terraform.apply(plan).await.unwrap().unwrap();
    assert_eq!(new.object.value("path"), &Value::from("demo/b"));
    assert_eq!(terraform.read(&old).await.unwrap(), None);
}

#[tokio::test]
async fn an_object_changed_from_outside_is_seen_and_put_right() {
    let terraform = terraform(Fault::None).await;
    let state = terraform.create(DISK, disk("a", 2)).await.unwrap();
    let stale = provider_framework::testing::State { object: state.object.clone().with("size", 7_i64), ..state.clone() };
    let refreshed = terraform.read(&stale).await.unwrap().unwrap();
    assert_eq!(refreshed.object.value("size"), &Value::from(2_i64));
    let plan = terraform.plan(DISK, Some(&refreshed), disk("a", 7)).await.unwrap();
    assert_eq!(plan.action, Action::Update);
}

#[tokio::test]
async fn a_configuration_that_becomes_known_at_apply_keeps_the_plan() {
    let terraform = terraform(Fault::None).await;
    let open = Object::new().with("name", "a").with("size", Value::unknown());
    let plan = terraform.plan(DISK, None, open).await.unwrap();
    assert_eq!(plan.unknowns(), ["bytes", "revision", "size"]);
    let state = terraform.apply_with(plan, disk("a", 4)).await.unwrap().unwrap();
    assert_eq!(state.object.value("bytes"), &Value::from(4000_i64));
}

#[tokio::test]
async fn private_data_goes_from_plan_through_apply_to_state() {
    let terraform = terraform(Fault::None).await;
    let state = terraform.create(DISK, disk("a", 2).with("key", "secret")).await.unwrap();
    let private: serde_json::Value = serde_json::from_slice(&state.private).unwrap();
    assert_eq!(private, serde_json::json!({"planned_by": "create", "seen_key": true}));
    assert!(state.object.value("key").is_null());
    let kept = terraform.update(&state, disk("a", 3)).await.unwrap();
    assert_eq!(kept.private, state.private);
}

#[tokio::test]
async fn an_import_reads_the_whole_object() {
    let terraform = terraform(Fault::None).await;
    let state = terraform.create(DISK, disk("a", 2)).await.unwrap();
    let imported = terraform.import(DISK, "disks/a").await.unwrap();
    assert_eq!(imported.object.value("bytes"), state.object.value("bytes"));
    let missing = terraform.import(DISK, "disks/none").await.unwrap_err();
    assert_eq!(missing.violations.len(), 1);
    let malformed = terraform.import(DISK, "a").await.unwrap_err();
    assert_eq!(summaries(&malformed), ["An import id is `disks/NAME`"]);
}

#[tokio::test]
async fn a_stored_state_is_upgraded_or_passed_through() {
    let terraform = terraform(Fault::None).await;
    let old = terraform.upgrade(DISK, 1, r#"{"name": "a", "size_text": "12", "gone": 1}"#).await.unwrap();
    assert_eq!(old.object.value("size"), &Value::from(12_i64));
    assert_eq!(old.object.value("labels"), &Value::Null);
    let current = terraform.upgrade(DISK, 2, r#"{"name":"a","size":"3","key":"secret","extra":{}}"#).await.unwrap();
    assert_eq!(current.object.value("size"), &Value::from(3_i64));
    assert!(current.object.value("key").is_null());
    let unknown = terraform.upgrade(DISK, 7, "{}").await.unwrap_err();
    assert_eq!(summaries(&unknown), ["State version cannot be upgraded"]);
    let broken = terraform.upgrade(DISK, 2, r#"{"size": [}"#).await.unwrap_err();
    assert_eq!(summaries(&broken), ["Value does not fit the schema"]);
}

#[tokio::test]
async fn validation_names_what_is_wrong_and_warnings_let_pass() {
    let terraform = terraform(Fault::None).await;
    let wrong = terraform.validate(DISK, disk("much_too_long", 2)).await.unwrap_err();
    let first = wrong.diagnostics.iter().next().unwrap();
    assert_eq!(first.path.as_ref().map(ToString::to_string).as_deref(), Some("name"));
    assert_eq!(first.detail, r#"`name` must have 1 to 8 characters; it is "much_too_long"."#);
    let warnings = terraform.validate(DISK, disk("a", 99)).await.unwrap();
    assert_eq!(warnings.iter().map(|d| d.severity).collect::<Vec<_>>(), [Severity::Warning]);
    let missing = terraform.plan(DISK, None, Object::new()).await.unwrap_err();
    assert_eq!(summaries(&missing), ["Missing required attribute"]);
    let timeouts = Value::Object(Object::from([("create", "soon")]));
    let wrong = terraform.validate(DISK, disk("a", 1).with("timeouts", timeouts)).await.unwrap_err();
    assert_eq!(wrong.diagnostics.iter().next().unwrap().path.as_ref().unwrap().to_string(), "timeouts.create");
}

#[tokio::test]
async fn a_destroy_can_be_refused_when_it_is_planned() {
    let terraform = terraform(Fault::None).await;
    let state = terraform.create(DISK, disk("a", 2).with("labels", labels("keep"))).await.unwrap();
    let refused = terraform.plan_destroy(&state).await.unwrap_err();
    assert_eq!(summaries(&refused), ["Disk is protected"]);
}

#[tokio::test]
async fn a_data_source_finds_what_exists() {
    let terraform = terraform(Fault::None).await;
    terraform.create(DISK, disk("a", 2)).await.unwrap();
    let found = terraform.read_data(DISK, Object::from([("name", "a")])).await.unwrap();
    assert_eq!(found.value("size"), &Value::from(2_i64));
    let missing = terraform.read_data(DISK, Object::from([("name", "b")])).await.unwrap_err();
    assert_eq!(summaries(&missing), ["No such disk"]);
}

#[tokio::test(start_paused = true)]
async fn an_operation_ends_at_its_timeout() {
    let terraform = terraform(Fault::CreateHangs).await;
    let timeouts = Value::Object(Object::from([("create", "1m30s")]));
    let started = tokio::time::Instant::now();
    let failed = terraform.create(DISK, disk("a", 2).with("timeouts", timeouts)).await.unwrap_err();
    assert_eq!(summaries(&failed), ["Operation timed out"]);
    assert_eq!(started.elapsed().as_secs(), 90);
}

#[tokio::test]
async fn stopping_cancels_work_in_flight_and_nothing_later() {
    let terraform = terraform(Fault::CreateHangs).await;
    let (failed, ()) = tokio::join!(terraform.create(DISK, disk("a", 2)), async {
        // The create runs until it hangs before this side of the join is polled.
        terraform.stop().await;
    });
    assert_eq!(summaries(&failed.unwrap_err()), ["Operation cancelled"]);
    assert!(terraform.plan(DISK, None, disk("b", 2)).await.is_ok());
}

/// A plan without change must cost far less than a millisecond; a debug build on a busy machine gets ten times that.
const NO_OP_PLAN_MAX: Duration = Duration::from_millis(10);

#[tokio::test]
async fn a_plan_without_change_is_quick() {
    let terraform = terraform(Fault::None).await;
    let state = terraform.create(DISK, disk("a", 2)).await.unwrap();
    let mut fastest = Duration::MAX;
    for _ in 0..20 {
        let started = Instant::now();
        terraform.plan(DISK, Some(&state), disk("a", 2)).await.unwrap();
        fastest = fastest.min(started.elapsed());
    }
    assert!(fastest < NO_OP_PLAN_MAX, "{fastest:?}");
}
