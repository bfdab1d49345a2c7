//! An instance from its creation to its end.

use provider_framework::testing::Action;
use provider_framework::{Object, Value};

use crate::daemon::{Daemon, filled_in};
use crate::{NAME, TYPE, config, created, only_error, path, provider};

fn labels(pairs: &[(&str, &str)]) -> Value {
    Value::Map(pairs.iter().map(|(key, value)| ((*key).to_owned(), Value::string(*value))).collect())
}

#[tokio::test]
async fn a_created_instance_shows_what_the_daemon_chose() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let state = created(&provider).await.object;
    for (attribute, expected) in [
        ("name", NAME),
        ("engine_version", "VALKEY_9_1"),
        ("state", "ACTIVE"),
        ("discovery_endpoint", "127.20.0.1:6379"),
        ("connection_url", "redis://127.20.0.1:6379"),
        ("create_time", "2026-09-21T14:13:20Z"),
    ] {
        assert_eq!(state.value(attribute).as_str(), Some(expected), "{attribute}");
    }
    assert_eq!(daemon.script().instances[NAME].replica_count, Some(0), "the default is sent");
    assert_eq!(daemon.calls(), ["CreateInstance"]);
}

#[tokio::test]
async fn after_a_create_there_is_nothing_to_plan_and_a_refresh_changes_nothing() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let state = created(&provider).await;
    let refreshed = provider.read(&state).await.expect("it can be read").expect("it exists");
    assert_eq!(refreshed, state);
    let plan = provider.plan(TYPE, Some(&refreshed), config()).await.expect("it can be planned");
    assert_eq!(plan.action, Action::NoOp);
}

#[tokio::test]
async fn a_destroyed_instance_is_gone_from_daemon_and_state() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let state = created(&provider).await;
    provider.destroy(&state).await.expect("it may be destroyed");
    assert!(daemon.script().instances.is_empty());
    assert_eq!(provider.read(&state).await.expect("reading is fine"), None);
    provider.destroy(&state).await.expect("destroying what is gone is a success");
}

#[tokio::test]
async fn a_label_change_sends_only_labels_and_keeps_those_of_others() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new().with("default_labels", labels(&[("env", "ci")]))).await;
    let state = provider.create(TYPE, config().with("labels", labels(&[("team", "a")]))).await.expect("created");
    daemon.script().instances.get_mut(NAME).expect("exists").labels.insert("foreign".to_owned(), "x".to_owned());

    let state = provider.update(&state, config().with("labels", labels(&[("team", "b")]))).await.expect("updated");
    assert_eq!(state.object.value("labels"), &labels(&[("team", "b")]));
    assert_eq!(state.object.value("terraform_labels"), &labels(&[("env", "ci"), ("team", "b")]));
    assert_eq!(state.object.value("effective_labels"), &labels(&[("env", "ci"), ("foreign", "x"), ("team", "b")]));
    assert_eq!(daemon.calls(), ["CreateInstance", "UpdateInstance labels"]);
    assert_eq!(daemon.script().instances[NAME].labels.len(), 3);
}

#[tokio::test]
async fn several_changes_are_one_request_and_a_change_of_none_is_no_request() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new().with("default_labels", labels(&[("env", "ci")]))).await;
    let state = created(&provider).await;
    let changed = config().with("deletion_protection_enabled", true).with("labels", labels(&[("team", "a")]));
    let state = provider.update(&state, changed.clone()).await.expect("updated");
    assert_eq!(daemon.calls()[1..], ["UpdateInstance deletion_protection_enabled,labels"]);

    // The provider's default has the same key and value, so the instance's labels stay as they are.
    let same_on_the_instance = changed.with("labels", labels(&[("team", "a"), ("env", "ci")]));
    let plan = provider.plan(TYPE, Some(&state), same_on_the_instance).await.expect("planned");
    assert_eq!((plan.action, plan.unknowns()), (Action::Update, vec![]));
    provider.apply(plan).await.expect("applied");
    assert_eq!(daemon.calls().len(), 2);
}

#[tokio::test]
async fn drift_is_shown_and_repaired() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let wanted = config().with("labels", labels(&[("team", "a")]));
    let state = provider.create(TYPE, wanted.clone()).await.expect("created");
    daemon.script().instances.get_mut(NAME).expect("exists").labels.clear();
    let refreshed = provider.read(&state).await.expect("read").expect("exists");
    assert_eq!(refreshed.object.value("labels"), &labels(&[]));
    let plan = provider.plan(TYPE, Some(&refreshed), wanted).await.expect("planned");
    assert_eq!((plan.action, plan.unknowns()), (Action::Update, vec!["update_time"]));
    provider.apply(plan).await.expect("applied");
    assert_eq!(daemon.script().instances[NAME].labels.len(), 1);
}

#[tokio::test]
async fn an_import_by_each_form_leads_to_an_empty_plan() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    created(&provider).await;
    for id in [NAME, "local/us-central1/cache", "us-central1/cache"] {
        let state = provider.import(TYPE, id).await.expect("the instance exists");
        let plan = provider.plan(TYPE, Some(&state), config()).await.expect("planned");
        assert_eq!(plan.action, Action::NoOp, "{id}");
    }
}

#[tokio::test]
async fn an_import_id_of_another_form_is_refused_with_the_forms() {
    let daemon = Daemon::start().await;
    let failure = provider(&daemon, Object::new()).await.import(TYPE, "cache").await.expect_err("no such form");
    let error = only_error(&failure);
    assert!(error.detail.contains("projects/<project>/locations/<location>/instances/<instance_id>"), "{failure}");
}

#[tokio::test]
async fn the_data_source_shows_an_instance_that_somebody_else_made() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let mut foreign = filled_in(NAME, memorystore_proto::v1::Instance { shard_count: 5, ..Default::default() });
    foreign.labels.insert("team".to_owned(), "b".to_owned());
    daemon.script().instances.insert(NAME.to_owned(), foreign);

    let data = provider.read_data(TYPE, Object::new().with("instance_id", "cache")).await.expect("it exists");
    assert_eq!(data.read::<i64>("shard_count"), Ok(5));
    assert_eq!(data.value("labels"), &labels(&[("team", "b")]));
    assert_eq!(data.value("connection_url").as_str(), Some("redis://127.20.0.1:6379"));

    let absent = provider.read_data(TYPE, Object::new().with("instance_id", "absent")).await.expect_err("it does not exist");
    let error = only_error(&absent);
    assert_eq!((error.summary.as_str(), path(error).as_str()), ("No such instance", "instance_id"));
}

#[tokio::test]
async fn everything_about_nodes_changes_in_one_request_and_leaves_nothing_to_plan() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let state = provider.create(TYPE, config().with("engine_version", "VALKEY_8_0")).await.expect("created");
    let wanted = config()
        .with("shard_count", 5)
        .with("replica_count", 2)
        .with("node_type", "SHARED_CORE_NANO")
        .with("engine_version", "VALKEY_9_1")
        .with("engine_configs", labels(&[("maxmemory-policy", "allkeys-lru")]));
    let changed = provider.update(&state, wanted.clone()).await.expect("updated");
    let sent = "UpdateInstance shard_count,replica_count,node_type,engine_version,engine_configs";
    assert_eq!(daemon.calls()[1..], [sent]);
    let size: provider_framework::Number = "1.4".parse().expect("a number");
    assert_eq!(changed.object.value("node_config"), &Object::new().with("size_gb", size).into());
    for stays in ["name", "uid", "create_time", "discovery_endpoint", "discovery_endpoints", "connection_url"] {
        assert_eq!(changed.object.value(stays), state.object.value(stays), "{stays}");
    }
    assert_ne!(changed.object.value("update_time"), state.object.value("update_time"));
    assert_eq!(provider.read(&changed).await.expect("read"), Some(changed.clone()));
    assert_eq!(provider.plan(TYPE, Some(&changed), wanted).await.expect("planned").action, Action::NoOp);
}

#[tokio::test]
async fn settings_that_are_removed_are_cleared_on_the_instance() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let configured = config().with("engine_configs", labels(&[("maxclients", "1000")]));
    let state = provider.create(TYPE, configured).await.expect("created");
    let state = provider.update(&state, config()).await.expect("updated");
    assert_eq!(daemon.calls()[1..], ["UpdateInstance engine_configs"]);
    assert!(daemon.script().instances[NAME].engine_configs.is_empty());
    assert_eq!(provider.plan(TYPE, Some(&state), config()).await.expect("planned").action, Action::NoOp);
}
