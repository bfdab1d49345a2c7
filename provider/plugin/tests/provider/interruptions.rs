//! Ctrl-C and time limits while the daemon works.

use provider_framework::Object;

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
