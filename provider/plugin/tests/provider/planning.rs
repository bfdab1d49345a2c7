//! What plans say before anything happens.

use provider_framework::testing::Action;
use provider_framework::{Object, Value};

use crate::daemon::Daemon;
use crate::{NAME, TYPE, config, created, only_error, path, provider};

#[tokio::test]
async fn a_create_leaves_open_only_what_the_daemon_decides() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let plan = provider.plan(TYPE, None, config()).await.expect("planned");
    assert_eq!(
        plan.unknowns(),
        [
            "connection_url",
            "create_time",
            "discovery_endpoint",
            "discovery_endpoints",
            "engine_version",
            "state",
            "uid",
            "update_time"
        ]
    );
    let planned = plan.planned.expect("a create has a planned object");
    assert_eq!(planned.value("name").as_str(), Some(NAME));
    assert_eq!(planned.value("node_config"), &Object::new().with("size_gb", 13).into());
    assert!(daemon.calls().is_empty(), "planning calls no daemon");
}

#[tokio::test]
async fn provider_defaults_are_known_in_the_plan_and_those_of_the_resource_win() {
    let daemon = Daemon::start().await;
    let block =
        Object::new().with("project", "team-a").with("location", "europe-west4").with("deletion_protection_enabled", false);
    let provider = provider(&daemon, block).await;
    let bare = Object::new().with("instance_id", "cache").with("shard_count", 1);
    let planned = provider.plan(TYPE, None, bare.clone()).await.expect("planned").planned.expect("a create");
    assert_eq!(planned.value("id").as_str(), Some("projects/team-a/locations/europe-west4/instances/cache"));
    assert_eq!(planned.value("deletion_protection_enabled").as_bool(), Some(false));
    let own = bare.with("project", "team-b").with("deletion_protection_enabled", true);
    let planned = provider.plan(TYPE, None, own).await.expect("planned").planned.expect("a create");
    assert_eq!(planned.value("id").as_str(), Some("projects/team-b/locations/europe-west4/instances/cache"));
    assert_eq!(planned.value("deletion_protection_enabled").as_bool(), Some(true));
}

#[tokio::test]
async fn without_a_word_on_it_instances_are_protected() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let bare = Object::new().with("instance_id", "cache").with("shard_count", 1);
    let state = provider.create(TYPE, bare).await.expect("created");
    assert_eq!(state.object.value("deletion_protection_enabled").as_bool(), Some(true));
    let failure = provider.destroy(&state).await.expect_err("it is protected");
    let error = only_error(&failure);
    assert_eq!(path(error), "deletion_protection_enabled");
    assert!(error.detail.contains("terraform apply\n  terraform destroy"), "{failure}");
    assert_eq!(daemon.calls(), ["CreateInstance"], "the plan fails, so nothing is tried");
}

#[tokio::test]
async fn values_of_the_provider_block_may_be_unknown_in_a_plan() {
    let daemon = Daemon::start().await;
    let block = Object::new().with("project", Value::unknown()).with("default_labels", Value::unknown());
    let provider = provider(&daemon, block).await;
    let plan = provider.plan(TYPE, None, config()).await.expect("planned");
    for attribute in ["project", "name", "effective_labels", "terraform_labels"] {
        assert!(plan.unknowns().contains(&attribute), "{attribute} in {:?}", plan.unknowns());
    }
}

#[tokio::test]
async fn a_shape_that_is_not_known_yet_is_not_foretold() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let state = created(&provider).await;
    let plan = provider.plan(TYPE, Some(&state), config().with("shard_count", Value::unknown())).await.expect("planned");
    assert_eq!((plan.unknowns(), plan.warnings.iter().count()), (vec!["shard_count", "update_time"], 0));
}

#[tokio::test]
async fn a_change_of_what_is_fixed_replaces_and_warns_of_the_loss() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let state = created(&provider).await;
    let single = Object::new().with("mode", "SINGLE_ZONE").with("zone", "us-central1-b");
    for (attribute, value, reason) in [
        ("instance_id", Value::from("other"), "part of the instance's name"),
        ("project", "other".into(), "part of the instance's name"),
        ("location", "us-east1".into(), "lives in one region"),
        ("zone_distribution_config", single.into(), "no way to change them"),
    ] {
        // No slots move where there will be a new instance anyway.
        let wanted = config().with("shard_count", 4).with(attribute, value);
        let plan = provider.plan(TYPE, Some(&state), wanted).await.expect("planned");
        assert_eq!((plan.action, plan.warnings.iter().count()), (Action::Replace, 1), "{attribute}");
        let warning = plan.warnings.iter().next().expect("a warning");
        assert_eq!(path(warning), attribute);
        assert!(warning.detail.contains(NAME) && warning.detail.contains(reason), "{}", warning.detail);
    }
}

#[tokio::test]
async fn the_replacement_of_a_protected_instance_fails_in_the_plan() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let protected = config().with("deletion_protection_enabled", true);
    let state = provider.create(TYPE, protected.clone()).await.expect("created");
    let failure = provider.plan(TYPE, Some(&state), protected.with("instance_id", "other")).await.expect_err("protected");
    let found: Vec<_> = failure.diagnostics.iter().map(path).collect();
    assert_eq!(found, ["instance_id", "deletion_protection_enabled"], "{failure}");
}

#[tokio::test]
async fn other_timeouts_alone_change_nothing_else() {
    let daemon = Daemon::start().await;
    let provider = provider(&daemon, Object::new()).await;
    let state = created(&provider).await;
    let patient = config().with("timeouts", Object::new().with("create", "2h"));
    let plan = provider.plan(TYPE, Some(&state), patient).await.expect("planned");
    assert_eq!((plan.action, plan.unknowns()), (Action::Update, vec![]));
    provider.apply(plan).await.expect("applied");
    assert_eq!(daemon.calls(), ["CreateInstance"]);
}
