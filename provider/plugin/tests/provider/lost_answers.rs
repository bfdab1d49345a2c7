//! Creations whose answer does not come back: what is ours gets into the state, what is somebody else's never does.

use std::time::Duration;

use provider_framework::Object;
use provider_framework::testing::Failure;
use tonic::Status;

use crate::daemon::{Daemon, Ending, Leftover, Mishap, Outage, operation_in_progress};
use crate::{NAME, TYPE, config, created, only_error, path, provider};

/// Another configuration's instance of the name that the tests use.
async fn somebody_elses(daemon: &Daemon) {
    created(&provider(daemon, Object::new()).await).await;
    daemon.script().calls.clear();
}

/// Stops Terraform when the creation met its mishap.
async fn stopped_before_the_answer(daemon: &Daemon) -> Failure {
    let provider = provider(daemon, Object::new()).await;
    let plan = provider.plan(TYPE, None, config()).await.expect("planned");
    let stopping = async {
        daemon.met().await;
        provider.stop().await;
    };
    let (outcome, ()) = tokio::join!(provider.apply(plan), stopping);
    outcome.expect_err("it was stopped")
}

fn assert_says_how_to_check(failure: &Failure) {
    let detail = &only_error(failure).detail;
    let import = format!("terraform import <address of this resource> {NAME}");
    for part in ["may or may not have been accepted", "valkyard status", import.as_str()] {
        assert!(detail.contains(part), "{part} in {failure}");
    }
    assert_eq!(failure.partial, None, "it may be somebody else's, and a tainted instance is destroyed");
}

#[tokio::test]
async fn an_accepted_creation_whose_answer_is_lost_is_followed_to_its_end() {
    for outage in [Outage::Brief, Outage::Restart] {
        let daemon = Daemon::start().await;
        daemon.script().mishaps.push_back(Mishap::Cut(outage));
        let state = created(&provider(&daemon, Object::new()).await).await;
        assert_eq!(state.object.value("state").as_str(), Some("ACTIVE"), "{outage:?}");
        assert_eq!(daemon.calls(), ["CreateInstance", "CreateInstance"], "{outage:?}");
        assert_eq!(daemon.script().operations.len(), 1, "the daemon began one operation, {outage:?}");
    }
}

#[tokio::test]
async fn a_daemon_that_says_it_is_stopping_is_asked_again() {
    let daemon = Daemon::start().await;
    daemon.script().refusals.push_back(Status::unavailable("the daemon is stopping"));
    created(&provider(&daemon, Object::new()).await).await;
    assert_eq!(daemon.calls(), ["CreateInstance", "CreateInstance"]);
}

#[tokio::test]
async fn a_taken_name_stays_somebody_elses_when_the_answer_is_lost() {
    for outage in [Outage::Brief, Outage::Restart] {
        let daemon = Daemon::start().await;
        somebody_elses(&daemon).await;
        daemon.script().mishaps.push_back(Mishap::Cut(outage));
        let failure = provider(&daemon, Object::new()).await.create(TYPE, config()).await.expect_err("the name is taken");
        assert_eq!(path(only_error(&failure)), "instance_id", "the usual error for a duplicate");
        assert_eq!(failure.partial, None, "the next apply would destroy it, {outage:?}");
        assert_eq!(daemon.calls(), ["CreateInstance", "CreateInstance"], "{outage:?}");
    }
}

#[tokio::test]
async fn a_daemon_gone_for_good_leaves_no_state_and_says_how_to_check() {
    let daemon = Daemon::start().await;
    daemon.script().mishaps.push_back(Mishap::Cut(Outage::ForGood));
    let provider = provider(&daemon, Object::new()).await;
    let (outcome, started) = tokio::join!(provider.create(TYPE, config()), async {
        daemon.gone().await;
        tokio::time::pause();
        tokio::time::Instant::now()
    });
    let failure = outcome.expect_err("nobody answers");
    assert_says_how_to_check(&failure);
    assert!(only_error(&failure).detail.contains("Connection refused"), "{failure}");
    assert!(started.elapsed() > Duration::from_secs(30), "a restart is waited for");
    assert!(started.elapsed() < Duration::from_secs(60), "not for the whole timeout");
}

#[tokio::test]
async fn a_creation_stopped_before_its_answer_is_found_again_and_cancelled() {
    let daemon = Daemon::start().await;
    daemon.script().mishaps.push_back(Mishap::Silence);
    daemon.script().ending = Ending::WhenCancelled(Leftover::Nothing);
    let failure = stopped_before_the_answer(&daemon).await;
    assert!(only_error(&failure).detail.contains("its creation was cancelled"), "{failure}");
    assert_eq!(failure.partial, None);
    assert_eq!(daemon.calls(), ["CreateInstance", "CreateInstance", "CancelOperation"]);
}

#[tokio::test]
async fn a_creation_stopped_before_its_answer_takes_nothing_of_somebody_else() {
    let daemon = Daemon::start().await;
    somebody_elses(&daemon).await;
    daemon.script().mishaps.push_back(Mishap::Silence);
    let failure = stopped_before_the_answer(&daemon).await;
    assert_eq!(path(only_error(&failure)), "instance_id", "the usual error for a duplicate");
    assert_eq!(failure.partial, None);
    assert_eq!(daemon.calls(), ["CreateInstance", "CreateInstance"]);
}

#[tokio::test]
async fn a_creation_stopped_before_its_answer_with_the_daemon_gone_leaves_no_state() {
    let daemon = Daemon::start().await;
    daemon.script().mishaps.push_back(Mishap::Cut(Outage::ForGood));
    let provider = provider(&daemon, Object::new()).await;
    let plan = provider.plan(TYPE, None, config()).await.expect("planned");
    let (outcome, ()) = tokio::join!(provider.apply(plan), async {
        daemon.gone().await;
        provider.stop().await;
        tokio::time::pause();
    });
    let failure = outcome.expect_err("it was stopped");
    assert!(only_error(&failure).summary.contains("Stopped"), "{failure}");
    assert_says_how_to_check(&failure);
}

#[tokio::test]
async fn a_creation_that_ran_out_of_time_behind_another_operation_made_nothing() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    daemon.script().refusals.extend((0..100).map(|_| operation_in_progress()));
    let impatient = config().with("timeouts", Object::new().with("create", "300ms"));
    let failure = provider.create(TYPE, impatient).await.expect_err("too slow");
    assert!(only_error(&failure).detail.contains("timeouts.create"), "{failure}");
    assert!(only_error(&failure).detail.contains("nothing was made"), "{failure}");
    assert_eq!(failure.partial, None);
}
