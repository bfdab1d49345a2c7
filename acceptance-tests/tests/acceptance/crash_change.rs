//! `kill -9` of the daemon at random moments of changes: every change converges, and clients see none of it.

use std::time::{Duration, Instant};

use acceptance_tests::judge::{Load, LoadOptions};
use acceptance_tests::{Random, Scene, let_pass};
use serde_json::{Value, json};

/// Moments in the life of a 9.1; with the upgrades they are the 30 of the issue.
const MOMENTS: usize = 24;
/// Upgrades, each of an instance of its own.
const UPGRADES: usize = 6;
/// A change takes about so long here: kills fall into all of it, and some just after.
const CHANGE_SPAN_MILLIS: u64 = 3_000;
const CONVERGE_LIMIT: Duration = Duration::from_secs(90);
/// A new daemon answers clients of the API after milliseconds; nodes never stop to.
const WRITES_AFTER: usize = 10;

/// Light enough to leave the machine to the changes.
fn options() -> LoadOptions {
    LoadOptions { rust_clients: 1, python_clients: 1, ..LoadOptions::default() }
}

/// Changes, kills the daemon somewhere in it, starts it again, and waits for the change's end.
fn change_with_a_kill(scene: &mut Scene, body: &Value, after: Duration) {
    let begun = Instant::now();
    let operation = scene.begin(body);
    let_pass(after.saturating_sub(begun.elapsed()));
    scene.daemon.kill_9();
    scene.daemon.restart();
    let ended = scene.api().wait(&operation, CONVERGE_LIMIT);
    assert!(ended.get("error").is_none(), "{body}, killed after {after:?}: {ended}");
    println!("{body}, killed after {after:?}, done after {:.1?}", begun.elapsed());
}

#[test]
fn changes_survive_a_killed_daemon_at_random_moments() {
    let mut random = Random::from_environment();
    let mut scene = Scene::create(&json!({"shardCount": 2, "replicaCount": 0}));
    let load = Load::start(&scene.instance(), &options());
    let changes = [
        json!({"shardCount": 3}),
        json!({"replicaCount": 1}),
        json!({"nodeType": "STANDARD_SMALL"}),
        json!({"shardCount": 2, "replicaCount": 2}),
        json!({"replicaCount": 0, "engineConfigs": {"maxmemory-policy": "allkeys-lru"}}),
        json!({"nodeType": "SHARED_CORE_NANO", "engineConfigs": {}}),
    ];
    for moment in 0..MOMENTS {
        let after = Duration::from_millis(random.below(CHANGE_SPAN_MILLIS));
        change_with_a_kill(&mut scene, &changes[moment % changes.len()], after);
        load.wait_for_more(WRITES_AFTER);
        scene.wait_until_sound();
    }
    scene.wait_until_at_rest();
    let report = load.stop().verify(&scene.instance());
    println!("{report}");
    report.flawless().unwrap_or_else(|report| panic!("{report}"));
}

#[test]
fn upgrades_survive_a_killed_daemon_at_random_moments() {
    let mut random = Random::from_environment();
    for number in 0..UPGRADES {
        let replicas = number % 2;
        let mut scene = Scene::create(&json!({"shardCount": 1, "replicaCount": replicas, "engineVersion": "VALKEY_8_0"}));
        let load = Load::start(&scene.instance(), &options());
        let after = Duration::from_millis(random.below(CHANGE_SPAN_MILLIS));
        change_with_a_kill(&mut scene, &json!({"engineVersion": "VALKEY_9_1"}), after);
        load.wait_for_more(WRITES_AFTER);
        scene.wait_until_sound();
        let report = load.stop().verify(&scene.instance());
        println!("{report}");
        report.flawless().unwrap_or_else(|report| panic!("{report}"));
    }
}
