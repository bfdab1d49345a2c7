//! What plans say of changes to a running instance.

use provider_framework::testing::Action;
use provider_framework::{Object, Value};

use crate::daemon::Daemon;
use crate::{TYPE, config, only_error, path, provider};

fn configs(pairs: &[(&str, &str)]) -> Value {
    Value::Map(pairs.iter().map(|(key, value)| ((*key).to_owned(), Value::string(*value))).collect())
}

/// The warnings for going from one configuration to another, in order: attribute, summary, detail.
async fn foretold(before: Object, after: Object) -> Vec<(String, String, String)> {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let state = provider.create(TYPE, before).await.expect("created");
    let plan = provider.plan(TYPE, Some(&state), after).await.expect("planned");
    assert_eq!((plan.action, plan.unknowns()), (Action::Update, vec!["update_time"]), "the rest stays known");
    assert_eq!(daemon.calls(), ["CreateInstance"], "planning changes nothing");
    plan.warnings.iter().map(|warning| (path(warning), warning.summary.clone(), warning.detail.clone())).collect()
}

#[tokio::test]
async fn slots_that_move_are_counted() {
    for (before, after, part) in [
        (3, 5, "About 6554 of 16384 slots move with their keys to 2 new shards."),
        (1, 2, "About 8192 of 16384 slots move with their keys to 1 new shard."),
        (5, 2, "About 9831 slots of 3 leaving shards move with their keys to the others"),
    ] {
        let told = foretold(config().with("shard_count", before), config().with("shard_count", after)).await;
        let [(attribute, summary, detail)] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((attribute.as_str(), summary.as_str()), ("shard_count", "Slots move"));
        assert!(detail.contains(part), "{detail}");
        assert_eq!(detail.contains("refuses before anything moves"), after < before, "{detail}");
    }
}

#[tokio::test]
async fn fewer_replicas_are_told_and_none_is_a_risk() {
    for (before, after, expected) in [
        (2, 1, Some(("Replicas are removed", "3 replicas leave"))),
        (2, 0, Some(("Data at risk", "6 replicas leave. Without replicas, the data of a shard is lost when its node fails"))),
        (0, 2, None),
    ] {
        let told = foretold(config().with("replica_count", before), config().with("replica_count", after)).await;
        let found = told.first().map(|(_, summary, detail)| (summary.as_str(), detail.as_str()));
        match (found, expected) {
            (Some((summary, detail)), Some((wanted, part))) => {
                assert_eq!(summary, wanted);
                assert!(detail.contains(part), "{detail}");
            }
            (found, expected) => assert_eq!(found, expected),
        }
    }
}

#[tokio::test]
async fn another_kind_of_nodes_is_told_once_with_its_memory() {
    let before = config().with("replica_count", 1).with("engine_version", "VALKEY_8_0");
    let after = config().with("replica_count", 1).with("engine_version", "VALKEY_9_1").with("node_type", "SHARED_CORE_NANO");
    let told = foretold(before, after).await;
    let heads: Vec<_> = told.iter().map(|(attribute, summary, _)| (attribute.as_str(), summary.as_str())).collect();
    assert_eq!(heads, [("node_type", "Nodes are replaced"), ("node_type", "Memory for data changes")]);
    let start = "`node_type` goes from HIGHMEM_MEDIUM to SHARED_CORE_NANO and `engine_version` goes from VALKEY_8_0 to VALKEY_9_1. \
                 All 6 nodes are replaced, one shard at a time";
    assert!(told[0].2.starts_with(start), "{}", told[0].2);
    assert!(told[1].2.contains("from 10.40 GB to 1.12 GB"), "{}", told[1].2);
}

#[tokio::test]
async fn settings_are_quiet_unless_they_change_the_memory() {
    let before = config().with("engine_configs", configs(&[("maxmemory", "5gb"), ("maxclients", "1000")]));
    let quiet = config().with("engine_configs", configs(&[("maxmemory", "5gb"), ("maxmemory-policy", "noeviction")]));
    assert_eq!(foretold(before.clone(), quiet).await, []);
    let told = foretold(before, config()).await;
    let [(attribute, summary, detail)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((attribute.as_str(), summary.as_str()), ("engine_configs", "Memory for data changes"));
    assert!(detail.contains("from 5gb to 10.40 GB"), "{detail}");
}

#[tokio::test]
async fn an_older_engine_is_an_error_with_the_way_out() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let state = provider.create(TYPE, config().with("engine_version", "VALKEY_10_0")).await.expect("created");
    let failure = provider.plan(TYPE, Some(&state), config().with("engine_version", "VALKEY_9_1")).await.expect_err("older");
    let error = only_error(&failure);
    assert_eq!((path(error).as_str(), error.summary.as_str()), ("engine_version", "Engine versions only go up"));
    for part in ["from VALKEY_10_0 down to VALKEY_9_1", "data formats", "terraform apply -replace="] {
        assert!(error.detail.contains(part), "{part} in {failure}");
    }
}
