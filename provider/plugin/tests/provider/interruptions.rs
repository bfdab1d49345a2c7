//! Ctrl-C and time limits while the daemon works.

use memorystore_proto::rpc;
use provider_framework::Object;
use tonic::Code;

use crate::daemon::{Daemon, Ending, Leftover};
use crate::{TYPE, config, created, only_error, provider};

/// Creates with a daemon that goes on and on, and stops Terraform while it waits.
async fn stopped_create(daemon: &Daemon) -> provider_framework::testing::Failure {
    let provider = provider(daemon, Object::new()).await;
    let plan = provider.plan(TYPE, None, config()).await.expect("planned");
    let stopping = async {
        daemon.polled().await;
        provider.stop().await;
    };
    let (outcome, ()) = tokio::join!(provider.apply(plan), stopping);
    outcome.expect_err("it was stopped")
}

#[tokio::test]
async fn a_stopped_create_is_cancelled_and_leaves_no_state_when_nothing_is_left() {
    let daemon = Daemon::start().await;
    daemon.script().ending = Ending::WhenCancelled(Leftover::Nothing);
    let failure = stopped_create(&daemon).await;
    assert!(only_error(&failure).detail.contains("its creation was cancelled"), "{failure}");
    assert_eq!(failure.partial, None);
    assert_eq!(daemon.calls(), ["CreateInstance", "CancelOperation"]);
}

#[tokio::test]
async fn a_stopped_create_keeps_an_instance_that_is_still_there() {
    let daemon = Daemon::start().await;
    daemon.script().ending = Ending::WhenCancelled(Leftover::Instance);
    let failure = stopped_create(&daemon).await;
    let partial = failure.partial.expect("the instance is there");
    assert_eq!(partial.object.value("instance_id").as_str(), Some("cache"));
}

#[tokio::test]
async fn a_create_that_takes_too_long_names_the_timeout_to_raise() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    daemon.script().ending = Ending::WhenCancelled(Leftover::Nothing);
    let impatient = config().with("timeouts", Object::new().with("create", "100ms"));
    let failure = provider.create(TYPE, impatient).await.expect_err("too slow");
    let error = only_error(&failure);
    assert!(error.detail.contains("timeouts.create") && error.detail.contains("was cancelled"), "{failure}");
    assert_eq!(daemon.calls(), ["CreateInstance", "CancelOperation"]);
}

#[tokio::test]
async fn a_stopped_destroy_keeps_the_state_and_cancels_nothing() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let state = created(&provider).await;
    daemon.polled().await;
    daemon.script().ending = Ending::Never;
    let stopping = async {
        daemon.polled().await;
        provider.stop().await;
    };
    let (outcome, ()) = tokio::join!(provider.destroy(&state), stopping);
    let failure = outcome.expect_err("it was stopped");
    assert!(only_error(&failure).detail.contains("its deletion goes on"), "{failure}");
    assert_eq!(daemon.calls(), ["CreateInstance", "DeleteInstance"]);
}

/// Scales with a daemon that does not come to an end, and stops Terraform while it waits.
async fn stopped_update(daemon: &Daemon, ending: Ending) -> provider_framework::testing::Failure {
    let provider = provider(daemon, Object::new()).await;
    let state = created(&provider).await;
    daemon.polled().await;
    daemon.script().ending = Ending::Never;
    let plan = provider.plan(TYPE, Some(&state), config().with("shard_count", 5)).await.expect("planned");
    let stopping = async {
        daemon.polled().await;
        daemon.script().ending = ending;
        provider.stop().await;
    };
    let (outcome, ()) = tokio::join!(provider.apply(plan), stopping);
    outcome.expect_err("it was stopped")
}

#[tokio::test]
async fn a_stopped_update_goes_on_and_the_message_says_so_and_how_to_end_it() {
    let daemon = Daemon::start().await;
    let failure = stopped_update(&daemon, Ending::Never).await;
    let detail = &only_error(&failure).detail;
    let cancel = "POST /v1/projects/local/locations/us-central1/operations/1:cancel";
    for part in ["goes on with it (waiting for 6 nodes to answer)", "The state is as before", cancel] {
        assert!(detail.contains(part), "{part} in {failure}");
    }
    assert_eq!(failure.partial, None, "Terraform keeps the prior state");
    assert_eq!(daemon.calls()[1..], ["UpdateInstance shard_count"], "nothing is cancelled unasked");
}

#[tokio::test]
async fn a_stopped_update_that_somebody_cancelled_is_not_said_to_go_on() {
    let daemon = Daemon::start().await;
    let error = rpc::Status { code: Code::Cancelled.into(), message: "cancelled on request".to_owned(), details: vec![] };
    let failure = stopped_update(&daemon, Ending::Badly(error, Leftover::Instance)).await;
    let error = only_error(&failure);
    assert_eq!(error.summary, "The update was cancelled");
    assert!(error.detail.contains("goes back to what it was"), "{failure}");
    assert_eq!(failure.partial, None);
}

#[tokio::test]
async fn an_update_that_takes_too_long_names_the_timeout_to_raise() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let impatient = config().with("timeouts", Object::new().with("update", "100ms"));
    let state = provider.create(TYPE, impatient.clone()).await.expect("created");
    daemon.script().ending = Ending::Never;
    let failure = provider.update(&state, impatient.with("shard_count", 5)).await.expect_err("too slow");
    let detail = &only_error(&failure).detail;
    assert!(detail.contains("timeouts.update") && detail.contains("goes on with it"), "{failure}");
}
