//! Configurations that are refused before anything is planned.

use provider_framework::{Object, Value};

use crate::daemon::Daemon;
use crate::{TYPE, config, path, provider};

fn map(key: &str, value: &str) -> Value {
    Value::Map([(key.to_owned(), Value::string(value))].into())
}

fn zones(mode: &str, zone: Option<&str>) -> Value {
    Object::new().with("mode", mode).with("zone", zone).into()
}

#[tokio::test]
async fn broken_rules_are_named_at_their_attribute() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let bad: [(&str, Value, &str); 17] = [
        ("instance_id", "Cache".into(), "instance_id"),
        ("instance_id", "abc".into(), "instance_id"),
        ("shard_count", 0.into(), "shard_count"),
        ("shard_count", 251.into(), "shard_count"),
        ("replica_count", 6.into(), "replica_count"),
        ("replica_count", (-1).into(), "replica_count"),
        ("node_type", "HUGE".into(), "node_type"),
        ("node_type", "CUSTOM_PICO".into(), "node_type"),
        ("engine_version", "9.1".into(), "engine_version"),
        ("engine_configs", map("save", "60 1"), "engine_configs"),
        ("location", "us-central1-a".into(), "location"),
        ("project", "My Project".into(), "project"),
        ("labels", map("Team", "a"), "labels"),
        ("labels", map("team", "A b"), "labels[\"team\"]"),
        ("zone_distribution_config", zones("SINGLE_ZONE", None), "zone_distribution_config.zone"),
        ("zone_distribution_config", zones("MULTI_ZONE", Some("us-central1-a")), "zone_distribution_config.zone"),
        ("timeouts", Object::new().with("create", "soon").into(), "timeouts.create"),
    ];
    for (attribute, value, expected) in bad {
        let shown = value.to_string();
        let failure = provider.validate(TYPE, config().with(attribute, value)).await.expect_err(&shown);
        let found: Vec<_> = failure.diagnostics.iter().map(path).collect();
        assert_eq!(found, [expected], "{attribute} = {shown}: {failure}");
    }
}

#[tokio::test]
async fn the_number_of_nodes_is_bounded_with_the_replicas() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let with = |shards: i64, replicas: i64| config().with("shard_count", shards).with("replica_count", replicas);
    provider.validate(TYPE, with(125, 1)).await.expect("250 nodes are allowed");
    let failure = provider.validate(TYPE, with(126, 1)).await.expect_err("252 nodes are not");
    assert!(failure.to_string().contains("at most 125 shards"), "{failure}");
}

#[tokio::test]
async fn a_zone_must_be_in_the_location_also_when_that_comes_from_the_provider() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new().with("location", "europe-west4")).await;
    let with = |zone| config().with("zone_distribution_config", zones("SINGLE_ZONE", Some(zone)));
    provider.plan(TYPE, None, with("europe-west4-a")).await.expect("a zone of the region");
    let failure = provider.plan(TYPE, None, with("us-central1-a")).await.expect_err("a zone of another region");
    assert!(failure.to_string().contains("europe-west4-a, europe-west4-b, europe-west4-c"), "{failure}");
}

#[tokio::test]
async fn unknown_values_are_not_judged() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    for attribute in ["instance_id", "shard_count", "replica_count", "node_type", "engine_configs", "labels", "location"] {
        let warnings = provider.validate(TYPE, config().with(attribute, Value::unknown())).await.expect(attribute);
        assert!(warnings.is_empty(), "{attribute}");
    }
}

#[tokio::test]
async fn an_endpoint_that_is_no_url_is_refused_at_the_provider_block() {
    for bad in ["not a url", "https://127.0.0.1:4590", "http://127.0.0.1:4590/v1"] {
        let failure =
            provider_framework::testing::Harness::new(terraform_provider_valkyard::Valkyard, Object::new().with("endpoint", bad));
        let failure = failure.await.expect_err(bad);
        assert_eq!(path(crate::only_error(&failure)), "endpoint");
    }
}
