//! What users read when the daemon refuses, fails or is away.

use memorystore_proto::rpc;
use provider_framework::Object;
use provider_framework::testing::Harness;
use terraform_provider_valkyard::Valkyard;
use tonic::{Code, Status};

use crate::daemon::{Daemon, Ending, Leftover, operation_in_progress, refusal, violations};
use crate::{NAME, TYPE, config, created, only_error, path, provider};

#[tokio::test]
async fn a_missing_daemon_is_one_diagnostic_that_says_what_to_start() {
    let url = Daemon::absent().await;
    let provider = Harness::new(Valkyard, Object::new().with("endpoint", url.as_str())).await.expect("configuring calls nobody");
    let failure = provider.create(TYPE, config()).await.expect_err("nobody listens");
    let error = only_error(&failure);
    for part in [url.as_str(), "Connection refused", "valkyard serve", "VALKYARD_ENDPOINT", NAME] {
        assert!(error.detail.contains(part), "{part} in {failure}");
    }
    assert_eq!(failure.partial, None, "nothing was sent, so nothing is kept");
    let data = provider.read_data(TYPE, Object::new().with("instance_id", "cache")).await.expect_err("nobody listens");
    assert_eq!(only_error(&data).summary, "No Valkyard daemon");
}

#[tokio::test]
async fn field_violations_point_at_the_attributes_they_come_from() {
    let daemon = Daemon::start().await;
    let details = violations(&[
        ("instance.engine_version", "VALKEY_7_2 cannot be started on this machine; installed here: VALKEY_9_1"),
        ("instance.engine_configs", "value \"7tb\" of engine config maxmemory is not an amount of memory"),
        ("request_id", "must be a UUID"),
    ]);
    daemon.script().refusals.push_back(refusal(Code::InvalidArgument, "3 fields are invalid", vec![details]));
    let failure = provider(&daemon, Object::new()).await.create(TYPE, config()).await.expect_err("refused");
    let found: Vec<_> = failure.diagnostics.iter().map(path).collect();
    assert_eq!(found, ["engine_version", "engine_configs", ""]);
    assert!(failure.to_string().contains("installed here: VALKEY_9_1"), "{failure}");
    assert!(failure.to_string().contains("field `request_id`"), "{failure}");
    assert_eq!(failure.partial, None);
}

#[tokio::test]
async fn an_instance_that_exists_already_comes_with_the_import_command() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    created(&provider).await;
    let failure = provider.create(TYPE, config()).await.expect_err("it exists");
    let error = only_error(&failure);
    assert_eq!(path(error), "instance_id");
    assert!(error.detail.contains(&format!("terraform import <address of this resource> {NAME}")), "{failure}");
    assert_eq!(failure.partial, None, "the other instance is not ours");
}

#[tokio::test]
async fn a_failed_operation_keeps_what_it_left_behind() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let error = rpc::Status { code: Code::ResourceExhausted.into(), message: "no address is free".to_owned(), details: vec![] };

    daemon.script().ending = Ending::Badly(error.clone(), Leftover::Instance);
    let failure = provider.create(TYPE, config()).await.expect_err("it fails");
    assert!(only_error(&failure).detail.contains("no address is free"), "{failure}");
    let partial = failure.partial.expect("the instance is there");
    assert_eq!(partial.object.value("state").as_str(), Some("CREATING"));

    daemon.script().instances.clear();
    daemon.script().ending = Ending::Badly(error, Leftover::Nothing);
    let failure = provider.create(TYPE, config()).await.expect_err("it fails");
    assert_eq!(failure.partial, None, "nothing is there");
}

#[tokio::test]
async fn a_mutation_waits_for_another_operation_to_end() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let state = created(&provider).await;
    daemon.script().refusals.extend([operation_in_progress(), operation_in_progress()]);
    provider.destroy(&state).await.expect("destroyed in the end");
    assert_eq!(daemon.calls(), ["CreateInstance", "DeleteInstance", "DeleteInstance", "DeleteInstance"]);
}

#[tokio::test]
async fn a_daemon_that_restarts_during_the_wait_is_waited_for() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    daemon.script().outages.extend([Status::unavailable("shutting down"), Status::unavailable("starting")]);
    let state = created(&provider).await;
    assert_eq!(state.object.value("state").as_str(), Some("ACTIVE"));
    assert_eq!(daemon.calls(), ["CreateInstance"]);
}

#[tokio::test]
async fn protection_that_was_turned_on_elsewhere_is_named() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let state = created(&provider).await;
    daemon.script().instances.get_mut(NAME).expect("exists").deletion_protection_enabled = Some(true);
    let failure = provider.destroy(&state).await.expect_err("it is protected by now");
    assert_eq!(path(only_error(&failure)), "deletion_protection_enabled");
}

#[tokio::test]
async fn a_refused_update_keeps_the_prior_state() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let state = created(&provider).await;
    daemon.script().refusals.push_back(Status::internal("disk I/O error"));
    let wanted = config().with("deletion_protection_enabled", true);
    let failure = provider.update(&state, wanted).await.expect_err("refused");
    assert!(only_error(&failure).detail.contains("disk I/O error"), "{failure}");
    assert_eq!(failure.partial, None, "without a new state Terraform keeps the prior one");
}

#[tokio::test]
async fn a_change_that_the_daemon_gave_up_keeps_the_prior_state() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let state = created(&provider).await;
    let error = rpc::Status { code: Code::ResourceExhausted.into(), message: "the disk is full".to_owned(), details: vec![] };
    daemon.script().ending = Ending::Badly(error, Leftover::Instance);
    let failure = provider.update(&state, config().with("replica_count", 1)).await.expect_err("it fails");
    let error = only_error(&failure);
    assert_eq!(error.summary, "The update was given up");
    assert!(error.detail.contains("the disk is full") && error.detail.contains("goes back"), "{failure}");
    assert_eq!(failure.partial, None);
}

#[tokio::test]
async fn a_shape_too_small_for_the_data_is_refused_in_the_daemons_words() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let state = created(&provider).await;
    let words = "the data is 800.0 MiB, and 1 shard can hold 512.0 MiB: 2 shards would do";
    daemon.script().refusals.push_back(refusal(Code::FailedPrecondition, words, vec![]));
    let failure = provider.update(&state, config().with("shard_count", 1)).await.expect_err("refused");
    assert!(only_error(&failure).detail.contains(words), "{failure}");
}

#[tokio::test]
async fn an_update_that_meets_a_stopping_daemon_is_sent_again() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let state = created(&provider).await;
    daemon.script().refusals.push_back(Status::unavailable("the daemon is stopping"));
    provider.update(&state, config().with("shard_count", 4)).await.expect("updated by the next daemon");
    assert_eq!(daemon.calls()[1..], ["UpdateInstance shard_count", "UpdateInstance shard_count"]);
}
