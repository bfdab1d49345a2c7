//! `persistence_config`: what is sent, what is planned, what stays.

use memorystore_proto::v1::persistence_config::aof_config::AppendFsync;
use memorystore_proto::v1::persistence_config::{AofConfig, PersistenceMode};
use provider_framework::testing::Action;
use provider_framework::{Object, Value};

use crate::daemon::Daemon;
use crate::{NAME, TYPE, config, created, only_error, path, provider};

fn aof() -> Object {
    Object::new().with("mode", "AOF")
}

fn rdb() -> Object {
    let schedule =
        Object::new().with("rdb_snapshot_period", "ONE_HOUR").with("rdb_snapshot_start_time", "2030-01-01T06:00:00.0Z");
    Object::new().with("mode", "RDB").with("rdb_config", schedule)
}

fn part<'o>(state: &'o Object, block: &str, attribute: &str) -> &'o Value {
    let config = state.value("persistence_config").as_object().expect("it is shown");
    config.value(block).as_object().expect("it is shown").value(attribute)
}

#[tokio::test]
async fn defaults_are_known_in_the_plan_and_sent() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let state = provider.create(TYPE, config().with("persistence_config", aof())).await.expect("created");
    assert_eq!(part(&state.object, "aof_config", "append_fsync").as_str(), Some("EVERY_SEC"));
    let sent = daemon.script().instances[NAME].persistence_config.expect("it was sent");
    assert_eq!(sent.mode, i32::from(PersistenceMode::Aof));
    assert_eq!(sent.aof_config, Some(AofConfig { append_fsync: AppendFsync::EverySec.into() }));
    let plan = provider.plan(TYPE, Some(&state), config().with("persistence_config", aof())).await.expect("planned");
    assert_eq!(plan.action, Action::NoOp);
}

#[tokio::test]
async fn the_mode_changes_in_place_and_a_time_keeps_its_spelling() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let state = created(&provider).await;
    let wanted = config().with("persistence_config", rdb());
    let plan = provider.plan(TYPE, Some(&state), wanted.clone()).await.expect("planned");
    assert_eq!((plan.action, plan.unknowns()), (Action::Update, vec!["update_time"]));
    let state = provider.apply(plan).await.expect("applied").expect("it is kept");
    assert_eq!(daemon.calls(), ["CreateInstance", "UpdateInstance persistence_config"]);
    let refreshed = provider.read(&state).await.expect("it can be read").expect("it exists");
    assert_eq!(part(&refreshed.object, "rdb_config", "rdb_snapshot_start_time").as_str(), Some("2030-01-01T06:00:00.0Z"));
    let plan = provider.plan(TYPE, Some(&refreshed), wanted).await.expect("planned");
    assert_eq!(plan.action, Action::NoOp);
    let plan = provider.plan(TYPE, Some(&refreshed), config()).await.expect("planned");
    assert_eq!(plan.action, Action::NoOp, "nothing configured is nothing asked for");
}

#[tokio::test]
async fn a_block_of_another_mode_is_refused() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let mixed = rdb().with("mode", "AOF");
    let failure = provider.plan(TYPE, None, config().with("persistence_config", mixed)).await.expect_err("refused");
    assert_eq!(path(only_error(&failure)), "persistence_config.rdb_config");
}
