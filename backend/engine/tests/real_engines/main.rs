//! The crate against real valkey-server builds: every test runs on each build found.
//!
//! Builds come from the folders in `VALKYARD_TEST_ENGINES` (separated like PATH), or from `.tools/engines` in the
//! repository, which `acceptance-tests/setup/engines.sh` fills.

mod builds;
mod change;
mod cluster;
mod commands;
mod persistence;
mod raw;
mod slots;
mod writer;

use std::collections::BTreeSet;

use valkyard_engine::{Allocator, LinkError, NodeLink};
use valkyard_model::{AdminSecret, LinkState, NodeAddress, NodeSerial, PeerHealth, RoleSeen};

use builds::real_builds;
use cluster::{Cluster, until};
use raw::RawClient;

fn is_replica_in_sync(role: &RoleSeen) -> bool {
    matches!(role, RoleSeen::Replica { link: LinkState::Up, .. })
}

#[tokio::test]
async fn the_catalogue_tells_what_real_builds_can_do() {
    for build in real_builds().await {
        let path = build.program.display().to_string();
        let capabilities = &build.capabilities;
        assert_eq!(capabilities.atomic_slot_migration, build.version >= "9.1.2".parse().unwrap(), "{path}");
        assert_eq!(capabilities.import_mode, build.version >= "8.1.0".parse().unwrap(), "{path}");
        if path.contains("valkey-8.0.1/bin") {
            assert_eq!((capabilities.tls, &capabilities.allocator), (true, &Allocator::Jemalloc), "{path}");
        }
        if path.contains("valkey-9.1.2/bin") {
            assert_eq!((capabilities.tls, &capabilities.allocator), (false, &Allocator::Libc), "{path}");
        }
    }
}

#[tokio::test]
async fn rendered_files_make_a_complete_cluster() {
    for build in real_builds().await {
        let cluster = Cluster::start(&build, 3, 1).await;
        let seen = cluster.converged().await;
        assert_eq!(seen.len(), 6);
        for (serial, node) in &seen {
            assert_eq!(node.id, cluster.id(*serial));
            assert_eq!(node.version, build.version);
            assert!(node.peers.values().all(|peer| peer.health == PeerHealth::Ok), "{node:?}");
            let addresses: BTreeSet<_> = node.peers.values().map(|peer| peer.address).collect();
            assert_eq!(addresses, cluster.addresses_but(*serial), "as {serial} knows them");
        }
        let primaries: Vec<_> = seen.values().filter(|node| node.role == RoleSeen::Primary).collect();
        assert_eq!(primaries.len(), 3);
        assert_eq!(primaries.iter().map(|node| node.slots.count()).sum::<u16>(), 16_384);
        assert_eq!(primaries.iter().map(|node| node.epoch).collect::<BTreeSet<_>>().len(), 3, "each has an epoch of its own");
    }
}

#[tokio::test]
async fn a_wrong_secret_is_denied() {
    for build in real_builds().await {
        let cluster = Cluster::start(&build, 1, 0).await;
        cluster.converged().await;
        let other = AdminSecret::from_random([1; 32]);
        let error = NodeLink::connect(cluster.address(NodeSerial(1)), &other).await.expect_err("another secret");
        assert!(matches!(error, LinkError::Denied { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn the_engine_reads_the_configuration_as_it_was_meant() {
    for build in real_builds().await {
        let configs = [("maxmemory-policy", "allkeys-lfu"), ("notify-keyspace-events", "KEA"), ("maxmemory-clients", "9%")];
        let cluster = Cluster::start_with(&build, 1, 0, &configs).await;
        cluster.converged().await;
        let mut admin = RawClient::admin(cluster.address(NodeSerial(1)), cluster.secret());
        let expected = [
            ("maxmemory", "67108864"),
            ("maxmemory-policy", "allkeys-lfu"),
            ("maxmemory-clients", "9%"),
            ("notify-keyspace-events", "AKE"),
            ("repl-backlog-size", "4194304"),
            ("availability-zone", "us-central1-a"),
            ("save", ""),
            ("enable-debug-command", "local"),
            ("cluster-announce-ip", &cluster.address(NodeSerial(1)).ip().to_string()),
        ];
        for (name, value) in expected {
            assert_eq!(admin.call(&["CONFIG", "GET", name]), format!("{name} {value}"), "on {}", build.version);
        }
    }
}

#[tokio::test]
async fn a_replica_takes_over_from_a_killed_primary_where_no_vote_can_be_won() {
    for build in real_builds().await {
        let mut cluster = Cluster::start(&build, 1, 1).await;
        cluster.converged().await;
        let (primary, replica) = (NodeSerial(1), NodeSerial(2));
        let wait = RawClient::anyone(cluster.address(primary)).calls(&[&["SET", "key", "before"], &["WAIT", "1", "1000"]]);
        assert_eq!(wait, ["OK", "1"], "the replica has the key");

        let mut link = cluster.link(replica).await;
        cluster.kill(primary).await;
        let error = NodeLink::connect(cluster.address(primary), cluster.secret()).await.expect_err("it is dead");
        assert!(matches!(error, LinkError::Refused { .. }), "{error:?}");
        link.take_over().await.expect("a replica takes over");
        until("the replica is primary", async || {
            let seen = link.observe().await.expect("answers");
            (seen.role == RoleSeen::Primary && seen.slots.count() == 16_384).then_some(()).ok_or(seen)
        })
        .await;
        let mut client = RawClient::anyone(cluster.address(replica));
        assert_eq!(client.calls(&[&["GET", "key"], &["SET", "key", "after"]]), ["before", "OK"]);
        let error = link.take_over().await.expect_err("it is a primary now");
        assert!(matches!(error, LinkError::Engine { .. }), "{error:?}");

        cluster.respawn(primary);
        until("the old primary copies the new one", async || {
            let Some(seen) = cluster.seen(primary).await else { return Err(None) };
            if is_replica_in_sync(&seen.role) { Ok(()) } else { Err(Some(seen)) }
        })
        .await;
    }
}

#[tokio::test]
async fn a_stranger_joins_by_meeting_and_then_copies_a_primary() {
    for build in real_builds().await {
        let mut cluster = Cluster::start(&build, 1, 0).await;
        cluster.converged().await;
        let stranger = cluster.add_stranger();
        let primary = NodeSerial(1);
        until("the stranger answers", async || cluster.seen(stranger).await.map(drop).ok_or("silent")).await;
        let mut link = cluster.link(stranger).await;
        let error = link.replicate(&cluster.id(primary)).await.expect_err("it knows nobody");
        assert!(matches!(&error, LinkError::Engine { message, .. } if message.contains("Unknown node")), "{error:?}");

        cluster
            .link(primary)
            .await
            .meet(&[NodeAddress { client: cluster.address(stranger), bus_port: cluster.bus_port(stranger) }])
            .await
            .expect("told");
        until("the stranger knows the primary", async || {
            let seen = link.observe().await.expect("answers");
            seen.peers.contains_key(&cluster.id(primary)).then_some(()).ok_or(seen)
        })
        .await;
        link.replicate(&cluster.id(primary)).await.expect("it may copy now");
        until("the stranger is in sync", async || {
            let seen = link.observe().await.expect("answers");
            is_replica_in_sync(&seen.role).then_some(()).ok_or(seen)
        })
        .await;
        assert_eq!(RawClient::anyone(cluster.address(primary)).call(&["CLUSTER", "COUNTKEYSINSLOT", "0"]), "0");
    }
}

#[tokio::test]
async fn a_stopped_node_is_silent_not_absent() {
    for build in real_builds().await {
        let cluster = Cluster::start(&build, 1, 0).await;
        cluster.converged().await;
        let node = NodeSerial(1);
        let mut link = cluster.link(node).await;
        cluster.stop(node);
        let error = link.observe().await.expect_err("it does not run");
        assert!(matches!(error, LinkError::Silent { .. }), "{error:?}");
        let error = NodeLink::connect(cluster.address(node), cluster.secret()).await.expect_err("it does not run");
        assert!(matches!(error, LinkError::Silent { .. }), "{error:?}");
    }
}
