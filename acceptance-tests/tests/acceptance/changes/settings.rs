//! `engine_configs`: set on nodes at work; what is left out goes back to the default of the node type.

use std::collections::BTreeSet;

use acceptance_tests::{Scene, info_of};
use serde_json::json;

use super::apply_under_load;

#[test]
fn settings_change_live_and_return_to_their_defaults() {
    let step = |settings: &str| format!("shard_count = 2\n  replica_count = 1\n  node_type = \"SHARED_CORE_NANO\"\n  {settings}");
    let steps = [
        step(""),
        step("engine_configs = {\n    \"maxmemory-policy\" = \"allkeys-lfu\"\n    \"maxclients\" = \"1234\"\n  }"),
        step("engine_configs = {\n    \"maxmemory-policy\" = \"noeviction\"\n  }"),
        step(""),
    ];
    let seen = std::cell::RefCell::new(Vec::new());
    let processes = std::cell::RefCell::new(BTreeSet::new());
    apply_under_load(&steps.each_ref().map(String::as_str), |scene, _| {
        let mut settings = BTreeSet::new();
        for member in scene.members().expect("every node answers") {
            let policy = info_of(&member.listed.address, "memory", "maxmemory_policy").expect("it answers");
            let clients = info_of(&member.listed.address, "clients", "maxclients").expect("it answers");
            settings.insert((policy, clients));
            processes.borrow_mut().insert(member.pid);
        }
        assert_eq!(settings.len(), 1, "nodes differ: {settings:?}");
        seen.borrow_mut().extend(settings);
    });
    let seen = seen.into_inner();
    assert_eq!(processes.into_inner().len(), 4, "no process has to be replaced for these");
    assert_eq!(seen[1], ("allkeys-lfu".to_owned(), "1234".to_owned()));
    assert_eq!(seen[2], ("noeviction".to_owned(), seen[0].1.clone()), "an unset one is not back");
    assert_eq!(seen[3], seen[0], "unset ones are not back");
}

#[test]
fn wrong_settings_are_refused_with_the_key_and_nothing_happens() {
    let scene = Scene::create(&json!({"shardCount": 1, "replicaCount": 0}));
    let before = scene.instance();
    for (key, value) in [("save", "60 1"), ("maxclients", "many"), ("maxmemory", "900gb"), ("maxmemory-policy", "oldest")] {
        let refused = scene.ask_for(&json!({"engineConfigs": {key: value}}));
        assert_eq!(refused.status, 400, "{key}: {}", refused.body);
        assert!(refused.body.to_string().contains(key), "{key}: {}", refused.body);
    }
    assert_eq!(scene.instance(), before);
}
