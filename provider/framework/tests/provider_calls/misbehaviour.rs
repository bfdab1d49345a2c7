//! What the rules say to a provider that breaks them, and what is kept when it fails.

use provider_framework::testing::Action;
use provider_framework::{Diagnostic, Value};

use crate::cloud::{DISK, Fault, disk, summaries, terraform};

fn only(diagnostics: &provider_framework::Diagnostics) -> &Diagnostic {
    let mut all = diagnostics.iter();
    let first = all.next().expect("a diagnostic");
    assert_eq!(all.next(), None);
    first
}

#[tokio::test]
async fn a_plan_against_the_configuration_is_reported_as_a_bug_of_the_provider() {
    let terraform = terraform(Fault::PlansAnotherName).await;
    let failed = terraform.plan(DISK, None, disk("a", 2)).await.unwrap_err();
    let bug = only(&failed.diagnostics);
    assert_eq!(bug.summary, "Provider bug");
    assert!(bug.detail.contains(r#"`name`: the planned "other" is not the configured "a""#), "{}", bug.detail);
    assert_eq!(bug.path.as_ref().unwrap().to_string(), "name");
}

#[tokio::test]
async fn a_plan_that_is_no_pure_function_is_caught_before_apply() {
    let terraform = terraform(Fault::PlansAtRandom).await;
    let plan = terraform.plan(DISK, None, disk("a", 2)).await.unwrap();
    let failed = terraform.apply(plan).await.unwrap_err();
    assert_eq!(failed.violations.len(), 1);
    assert_eq!(failed.violations[0].to_string(), "`revision`: 1 was planned, but it is 2 now");
}

#[tokio::test]
async fn an_outcome_that_differs_from_the_plan_is_reported() {
    let terraform = terraform(Fault::AppliesAnotherSize).await;
    let failed = terraform.create(DISK, disk("a", 2)).await.unwrap_err();
    let bug = only(&failed.diagnostics);
    assert!(bug.detail.contains("`size`: 2 was planned, but it is 3 now"), "{}", bug.detail);
    assert!(failed.partial.is_some(), "what exists is kept nevertheless");
}

#[tokio::test]
async fn a_value_left_unknown_is_reported() {
    let terraform = terraform(Fault::LeavesUnknown).await;
    let failed = terraform.create(DISK, disk("a", 2)).await.unwrap_err();
    assert!(only(&failed.diagnostics).detail.contains("`revision`: is still unknown"));
}

#[tokio::test]
async fn an_attribute_that_the_schema_does_not_have_is_reported() {
    let terraform = terraform(Fault::InventsAttribute).await;
    let failed = terraform.create(DISK, disk("a", 2)).await.unwrap_err();
    assert!(only(&failed.diagnostics).detail.contains("`colour`: expected no such attribute"));
}

#[tokio::test]
async fn a_create_that_fails_halfway_leaves_a_state_to_clean_up() {
    let terraform = terraform(Fault::CreateFailsHalfway).await;
    let failed = terraform.create(DISK, disk("a", 2)).await.unwrap_err();
    assert_eq!(summaries(&failed), ["The cloud went away"]);
    let partial = failed.partial.expect("a half-made disk");
    assert_eq!(partial.object.value("revision"), &Value::Null, "what was unknown is null");
    terraform.destroy(&partial).await.unwrap();
    assert_eq!(terraform.read(&partial).await.unwrap(), None);
}

#[tokio::test]
async fn a_failed_update_keeps_the_state_before() {
    let terraform = terraform(Fault::UpdateFails).await;
    let state = terraform.create(DISK, disk("a", 2)).await.unwrap();
    let plan = terraform.plan(DISK, Some(&state), disk("a", 3)).await.unwrap();
    assert_eq!(plan.action, Action::Update);
    let failed = terraform.apply(plan).await.unwrap_err();
    assert_eq!(summaries(&failed), ["The cloud is busy"]);
    assert!(failed.partial.is_none(), "null tells Terraform to keep what it had");
}
