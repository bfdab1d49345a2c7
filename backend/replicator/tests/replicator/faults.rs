//! What a link must not get over by itself, and what it must.

use valkyard_replicator::{LinkFault, LinkState, SeedReason, read_checkpoint};

use crate::client::Client;
use crate::engine::{Role, engine_8, engine_9, engines};
use crate::pair::{Pair, Replicas};
use crate::wait::{status, until};

fn is_diverged(state: &LinkState) -> bool {
    matches!(state, LinkState::NeedsSeed { reason: SeedReason::Diverged { message } } if message.starts_with("WRONGTYPE"))
}

#[tokio::test]
async fn a_history_that_the_source_no_longer_has_is_not_skipped() {
    for engine in engines() {
        let pair = Pair::new(&engine, Replicas::default(), &[]).await;
        let mut client = pair.source.client(0);
        client.all(&["SET a 1"]);
        let link = pair.link(0, 0);
        pair.same(&link, 0, 0).await;
        let held = link.stop().await.applied.expect("a point");
        client.all(&["CONFIG SET repl-backlog-size 16kb"]);
        for number in 0..200 {
            client.call(&["SET", &format!("key:{number}"), &"x".repeat(1_000)]);
        }
        let link = pair.link(0, 0);
        let seen = status(&link, "a need of data", |status| matches!(status.state, LinkState::NeedsSeed { .. })).await;
        let LinkState::NeedsSeed { reason: SeedReason::HistoryGone { wanted, offered } } = seen.state else { panic!("{seen:?}") };
        assert_eq!((&wanted, &wanted.replication_id), (&held, &offered.replication_id));
        assert!(offered.offset > wanted.offset + 16_384);
        let mut target = pair.target.client(0);
        assert_eq!((target.call(&["DBSIZE"]), target.call(&["GET", "a"])), ("1".to_owned(), "1".to_owned()));
        until("the source is rid of the link", async || {
            let info = client.call(&["INFO", "replication"]);
            if info.contains("connected_slaves:0") { Ok(()) } else { Err(info) }
        })
        .await;
    }
}

#[tokio::test]
async fn a_command_that_fails_stops_the_link_for_good() {
    for engine in engines() {
        let pair = Pair::new(&engine, Replicas::default(), &[]).await;
        let link = pair.link(0, 0);
        let mut source = pair.source.client(0);
        source.all(&["SET before 1"]);
        pair.same(&link, 0, 0).await;
        pair.target.client(0).all(&["SET list not-a-list"]);
        source.all(&["LPUSH list x", "SET after 1"]);
        status(&link, "the divergence", |status| is_diverged(&status.state)).await;
        until("it is noted", async || {
            let code = pair.target.client(0).call(&["FUNCTION", "LIST", "WITHCODE"]);
            if code.contains("complaint=WRONGTYPE") { Ok(()) } else { Err(code) }
        })
        .await;
        drop(link);
        // Another one, of another daemon maybe, must not go on as if nothing had happened.
        let link = pair.link(0, 0);
        status(&link, "the note", |status| is_diverged(&status.state)).await;
    }
}

#[tokio::test]
async fn a_target_without_memory_refuses_whole_batches_until_it_has_some() {
    for engine in engines() {
        let pair = Pair::new(&engine, Replicas::default(), &[]).await;
        let link = pair.link(0, 0);
        let mut source = pair.source.client(0);
        source.all(&["SET before 1"]);
        pair.same(&link, 0, 0).await;
        let held = link.status().applied;
        let mut target = pair.target.client(0);
        // Where the engine knows imports, it does not evict, whatever it is told; elsewhere nobody must tell it to.
        if engine.version.imports() {
            target.all(&["CONFIG SET maxmemory-policy allkeys-random"]);
        }
        target.all(&["CONFIG SET maxmemory 1"]);
        source.all(&["SET a 1", "INCR n"]);
        let is_refused = |state: &LinkState| matches!(state, LinkState::Broken { fault: LinkFault::Refused { message, .. } } if message.starts_with("OOM"));
        let seen = status(&link, "a refusal", |status| is_refused(&status.state)).await;
        assert_eq!((seen.applied, target.call(&["DBSIZE"])), (held, "1".to_owned()));
        target.all(&["CONFIG SET maxmemory 0"]);
        pair.same(&link, 0, 0).await;
    }
}

#[tokio::test]
async fn a_target_that_is_no_primary_takes_nothing() {
    let engine = engine_9();
    let pair = Pair::new(&engine, Replicas { source: 1, target: 1 }, &[]).await;
    for (source, target) in [(0, 1), (1, 0)] {
        let link = pair.link(source, target);
        let is_refused = |state: &LinkState| matches!(state, LinkState::Broken { fault: LinkFault::Refused { message, .. } } if message.contains("replica"));
        status(&link, "a refusal", |status| is_refused(&status.state)).await;
    }
}

#[tokio::test]
async fn while_the_targets_cluster_is_down_nothing_is_applied_by_halves() {
    for engine in engines() {
        let mut pair = Pair::new(&engine, Replicas::default(), &["--cluster-require-full-coverage", "yes"]).await;
        let link = pair.link(0, 0);
        let mut source = pair.source.client(0);
        source.all(&["SET a 1"]);
        pair.same(&link, 0, 0).await;
        let mut target = pair.target.client(0);
        target.all(&["CLUSTER DELSLOTS 16383"]);
        source.all(&["INCR n", "SET b 1"]);
        let is_down = |state: &LinkState| match state {
            LinkState::Broken { fault: LinkFault::Refused { message, .. } } => message.starts_with("CLUSTERDOWN"),
            LinkState::SourceResharding => true,
            LinkState::Connecting | LinkState::Streaming | LinkState::Broken { .. } | LinkState::NeedsSeed { .. } => false,
        };
        status(&link, "a refusal", |status| is_down(&status.state)).await;
        assert_eq!(target.call(&["GET", "n"]), "-CLUSTERDOWN The cluster is down");
        target.all(&["CLUSTER ADDSLOTS 16383"]);
        pair.target.ready(&pair.target.nodes[0], Role::Primary).await;
        drop(link);
        let link = pair.link(0, 0);
        pair.same(&link, 0, 0).await;
        assert_eq!(target.call(&["GET", "n"]), "1");
        // It is not the engine's own word that counts: a node that starts again is down for two seconds.
        pair.target.client(0).all(&["SAVE"]);
        pair.target.kill(0);
        pair.target.respawn(0, &[]);
        source.all(&["INCR n", "INCR m"]);
        pair.same(&link, 0, 0).await;
    }
}

#[tokio::test]
async fn a_target_that_started_empty_needs_data() {
    let engine = engine_9();
    let mut pair = Pair::new(&engine, Replicas::default(), &[]).await;
    let link = pair.link(0, 0);
    let mut source = pair.source.client(0);
    source.all(&["INCR n"]);
    pair.same(&link, 0, 0).await;
    drop(link);
    pair.target.kill(0);
    std::fs::remove_file(pair.target.nodes[0].dir.path().join("dump.rdb")).expect("it was there");
    pair.target.respawn(0, &[]);
    pair.target.ready(&pair.target.nodes[0], Role::Primary).await;
    assert_eq!(read_checkpoint(&pair.target.endpoint(0)).await.expect("it answers"), None);
    // Whoever starts links gives up the seed's point as soon as something was applied.
    let link = pair.link_from(None, pair.source.endpoint(0), pair.target.endpoint(0));
    let nothing = LinkState::NeedsSeed { reason: SeedReason::NoPoint };
    status(&link, "a need of data", |status| status.state == nothing).await;
}

#[tokio::test]
async fn expiry_and_eviction_are_the_sources_business() {
    // What is kept of the history counts towards what the source may hold.
    let pair = Pair::new(&engine_9(), Replicas::default(), &["--repl-backlog-size", "1mb"]).await;
    let (mut source, mut target) = (pair.source.client(0), pair.target.client(0));
    let link = pair.link(0, 0);
    pair.drained(&link, 0).await;
    let exists = |client: &mut Client| client.call(&["DBSIZE"]);
    // The target gets it when it is over already, and what follows must find it all the same.
    pair.distance.send_modify(|distance| distance.is_cut = true);
    source.all(&[
        "DEBUG SET-ACTIVE-EXPIRE 0",
        "SET counter 5 PX 20",
        "INCR counter",
        "HSET hash a 1 b 2",
        "HPEXPIRE hash 20 FIELDS 1 a",
    ]);
    source.all(&["HINCRBY hash a 1", "PERSIST counter"]);
    until("the time is over", async || if source.call(&["HGET", "hash", "a"]).is_empty() { Ok(()) } else { Err("not yet") })
        .await;
    source.all(&["DEBUG SET-ACTIVE-EXPIRE 1"]);
    pair.distance.send_modify(|distance| distance.is_cut = false);
    pair.same(&link, 0, 0).await;
    assert_eq!((target.call(&["GET", "counter"]), exists(&mut target)), ("6".to_owned(), "2".to_owned()));
    // A target has no limit of its own: it holds what its source holds, and refuses writes when it may not.
    target.all(&["CONFIG SET maxmemory-policy allkeys-lru"]);
    source.all(&["CONFIG SET maxmemory-policy allkeys-lru", "CONFIG SET maxmemory 6mb"]);
    for number in 0..6_000 {
        source.call(&["SET", &format!("key:{number}"), &"x".repeat(2_000)]);
    }
    assert!(!source.call(&["INFO", "stats"]).contains("evicted_keys:0\r"));
    // At its limit each question, and each connection that asks one, can cost it another key while the two are compared.
    source.all(&["CONFIG SET maxmemory 0"]);
    pair.same(&link, 0, 0).await;
    assert!(target.call(&["INFO", "stats"]).contains("evicted_keys:0\r"));
}

#[tokio::test]
async fn an_engine_without_import_mode_loses_a_key_that_expires_within_the_lag() {
    let pair = Pair::new(&engine_8(), Replicas::default(), &[]).await;
    let (mut source, mut target) = (pair.source.client(0), pair.target.client(0));
    let link = pair.link(0, 0);
    pair.drained(&link, 0).await;
    pair.distance.send_modify(|distance| distance.is_cut = true);
    source.all(&["SET counter 5 PX 200", "SET witness 1 PX 200", "INCR counter", "PERSIST counter"]);
    until("the time is over", async || if source.call(&["GET", "witness"]).is_empty() { Ok(()) } else { Err("not yet") }).await;
    pair.distance.send_modify(|distance| distance.is_cut = false);
    pair.drained(&link, 0).await;
    // No remedy is known: the target counts from nothing, and nobody notices. Without PERSIST the source's own removal of the key
    // would make both equal again.
    assert_eq!((source.call(&["GET", "counter"]), target.call(&["GET", "counter"])), ("6".to_owned(), "1".to_owned()));
}
