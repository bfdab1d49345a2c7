//! `kill -9` of the daemon at random moments of create and delete: it always converges, and nothing is left over.

use std::time::{Duration, Instant};

use acceptance_tests::{Daemon, DaemonOptions, Random, kill_9, node_processes, read_back, wait_until, write_keys};
use serde_json::json;

/// Kills per direction; the issue asks for 20 moments in all, this is 20 of each.
const MOMENTS: u64 = 20;
/// A create takes about 2.2 s here: kills fall into all of it, and some just after.
const CREATE_SPAN_MILLIS: u64 = 2_500;
/// A delete takes well under half a second.
const DELETE_SPAN_MILLIS: u64 = 400;
const CONVERGE_LIMIT: Duration = Duration::from_secs(40);

/// Kills the daemon `after` a moment that began at `begun`, and starts it again.
fn kill_at(daemon: &mut Daemon, begun: Instant, after: Duration) {
    wait_until("the moment", CONVERGE_LIMIT, || if begun.elapsed() >= after { Ok(()) } else { Err(String::new()) });
    daemon.kill_9();
    daemon.restart();
}

#[test]
fn creates_and_deletes_survive_a_killed_daemon_at_random_moments() {
    let mut random = Random::from_environment();
    let mut daemon = Daemon::start(DaemonOptions::default());
    let api = daemon.api();
    let mut first_address = None;
    for moment in 0..MOMENTS {
        let after = Duration::from_millis(random.below(CREATE_SPAN_MILLIS));
        let begun = Instant::now();
        let created = api.create("crash", &json!({"shardCount": 2, "replicaCount": 1, "nodeType": "SHARED_CORE_NANO"}));
        kill_at(&mut daemon, begun, after);
        let operation = api.wait(&created, CONVERGE_LIMIT);
        assert!(operation.get("error").is_none(), "moment {moment}, create killed after {after:?}: {operation}");
        let instance = api.get("/v1/projects/p/locations/us-central1/instances/crash").body;
        assert_eq!(instance["state"], "ACTIVE", "moment {moment}");
        assert_eq!(node_processes(&daemon.data_dir()).len(), 4, "moment {moment}: every node runs once");
        let address = instance["discoveryEndpoints"][0]["address"].clone();
        assert_eq!(*first_address.get_or_insert(address.clone()), address, "an address leaked");
        write_keys(&instance, "key", 40).expect("every key is written");
        // Reading all of them back takes longer than replication does, so that the kill below loses none.
        assert_eq!(read_back(&instance, "key", 40), Ok(40), "moment {moment}");

        if moment % 4 == 0 {
            let nodes = node_processes(&daemon.data_dir());
            kill_9(nodes[usize::try_from(random.below(4)).expect("small")].pid);
            wait_until("every key after a node was killed", CONVERGE_LIMIT, || match read_back(&instance, "key", 40) {
                Ok(40) if node_processes(&daemon.data_dir()).len() == 4 => Ok(()),
                other => Err(format!("{other:?}")),
            });
        }

        let after = Duration::from_millis(random.below(DELETE_SPAN_MILLIS));
        let begun = Instant::now();
        let deleted = api.delete("crash");
        kill_at(&mut daemon, begun, after);
        let operation = api.wait(&deleted, CONVERGE_LIMIT);
        assert!(operation.get("error").is_none(), "moment {moment}, delete killed after {after:?}: {operation}");
        assert_eq!(node_processes(&daemon.data_dir()), [], "moment {moment}: orphans");
        let left: Vec<_> = std::fs::read_dir(daemon.data_dir().join("instances")).into_iter().flatten().flatten().collect();
        assert!(left.is_empty(), "moment {moment}: {left:?}");
    }
}
