//! Slots that come to a source and leave it while a link runs.

use valkyard_engine::render::ADMIN_USER;
use valkyard_replicator::LinkState;

use crate::client::Client;
use crate::engine::{Engine, Shard, engine_9, engines};
use crate::pair::Pair;
use crate::wait::{status, until};

/// A key in the half that moves, and one in the half that stays: slots 15,495 and 12,182 are above, 3,300 and 866 below.
const MOVING: [&str; 2] = ["a", "foo"];
const STAYING: [&str; 2] = ["b", "hello"];
const UPPER: &str = "8192-16383";
const LOWER: &str = "0-8191";

fn id(client: &mut Client) -> String {
    client.call(&["CLUSTER", "MYID"])
}

/// Two shards that know each other: one with all slots, one with none, or one with either half.
async fn cluster(engine: &Engine, slots: [&str; 2]) -> [Shard; 2] {
    let shards = [engine.part(0, None, &[], slots[0]).await, engine.part(0, None, &[], slots[1]).await];
    let [first, second] = [&shards[0], &shards[1]].map(|shard| shard.nodes[0].address);
    let bus = (second.port() + 10_000).to_string();
    shards[1].client(0).call(&["CLUSTER", "SET-CONFIG-EPOCH", "2"]);
    shards[0].client(0).call(&["CLUSTER", "MEET", &second.ip().to_string(), &second.port().to_string(), &bus]);
    for (shard, other) in [(0, first), (1, second)].map(|(shard, me)| (shard, if me == first { second } else { first })) {
        until("the shards know each other", async || {
            let nodes = shards[shard].client(0).call(&["CLUSTER", "NODES"]);
            let line = nodes.lines().find(|line| line.contains(&format!("{other}@"))).unwrap_or_default().to_owned();
            if line.contains("connected") && !line.contains("handshake") && !line.contains("disconnected") {
                Ok(())
            } else {
                Err(nodes)
            }
        })
        .await;
    }
    shards
}

/// Moves the upper half, as a whole.
async fn move_upper_half(from: &Shard, to: &Shard) {
    let (mut giver, mut taker) = (from.client(0), to.client(0));
    let reply = giver.call(&["CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", "8192", "16383", "NODE", &id(&mut taker)]);
    assert_eq!(reply, "OK");
    until("the slots moved", async || {
        let seen = giver.call(&["CLUSTER", "GETSLOTMIGRATIONS"]);
        if seen.contains("success") { Ok(()) } else { Err(seen) }
    })
    .await;
}

#[tokio::test]
async fn slots_that_leave_the_source_take_nothing_away_from_the_target() {
    let engine = engine_9();
    let [source, other] = cluster(&engine, ["0-16383", ""]).await;
    let mut client = source.client(0);
    for key in MOVING.iter().chain(&STAYING) {
        client.call(&["SET", key, "1"]);
    }
    let (file, start) = source.seed(0).await;
    let target = engine.shard(0, Some(&file), &["--import-mode", "yes"]).await;
    let pair = Pair::of(source, target, start);
    let link = pair.link(0, 0);
    pair.same(&link, 0, 0).await;
    // A key that a client removes is no slot that leaves.
    client.all(&["SET gone 1", "UNLINK gone", "INCR b"]);
    pair.same(&link, 0, 0).await;
    assert_eq!(link.status().state, LinkState::Streaming);
    move_upper_half(&pair.source, &other).await;
    status(&link, "the link to stand still", |status| status.state == LinkState::SourceResharding).await;
    let mut copy = pair.target.client(0);
    assert_eq!(copy.call(&["DBSIZE"]), "4");
    for key in MOVING {
        assert_eq!(copy.call(&["GET", key]), "1");
    }
    drop(link);
    // Nor does one that starts afterwards apply what it missed.
    let link = pair.link(0, 0);
    status(&link, "the link to stand still", |status| status.state == LinkState::SourceResharding).await;
    assert_eq!(copy.call(&["DBSIZE"]), "4");
}

#[tokio::test]
async fn slots_that_come_to_the_source_bring_nothing_to_the_target() {
    let engine = engine_9();
    let [source, other] = cluster(&engine, [LOWER, UPPER]).await;
    let mut client = source.client(0);
    for key in STAYING {
        client.call(&["SET", key, "1"]);
    }
    for key in MOVING {
        other.client(0).call(&["RPUSH", key, "1"]);
    }
    let (file, start) = source.seed(0).await;
    let target = engine.part(0, Some(&file), &["--import-mode", "yes"], LOWER).await;
    let pair = Pair::of(source, target, start);
    let link = pair.link(0, 0);
    pair.same(&link, 0, 0).await;
    client.all(&["INCR b"]);
    move_upper_half(&other, &pair.source).await;
    client.all(&["INCR b"]);
    let seen = status(&link, "the link to stand still", |status| status.state == LinkState::SourceResharding).await;
    let mut copy = pair.target.client(0);
    assert_eq!(copy.call(&["DBSIZE"]), "2");
    assert_eq!(copy.call(&["GET", "b"]), "2", "what came before is applied: {seen:?}");
}

/// Moves `foo` alone, as older engines do it, and leaves its slot half moved.
fn move_foo(from: &Shard, to: &Shard) {
    let (mut giver, mut taker) = (from.client(0), to.client(0));
    let (giver_id, taker_id) = (id(&mut giver), id(&mut taker));
    taker.all(&[&format!("CLUSTER SETSLOT 12182 IMPORTING {giver_id}")]);
    giver.all(&[&format!("CLUSTER SETSLOT 12182 MIGRATING {taker_id}")]);
    let at = to.nodes[0].address;
    let (ip, port) = (at.ip().to_string(), at.port().to_string());
    let words = ["MIGRATE", &ip, &port, "", "0", "5000", "AUTH2", ADMIN_USER, to.secret.expose(), "KEYS", "foo", "{foo}2"];
    assert_eq!(giver.call(&words), "OK");
}

#[tokio::test]
async fn keys_that_leave_the_source_one_by_one_stay_at_the_target() {
    for engine in engines() {
        let [source, other] = cluster(&engine, ["0-16383", ""]).await;
        source.client(0).all(&["SET foo 1", "SET {foo}2 1", "SET b 1"]);
        let (file, start) = source.seed(0).await;
        let target = engine.shard(0, Some(&file), imports(&engine)).await;
        let pair = Pair::of(source, target, start);
        let link = pair.link(0, 0);
        pair.same(&link, 0, 0).await;
        move_foo(&pair.source, &other);
        status(&link, "the link to stand still", |status| status.state == LinkState::SourceResharding).await;
        assert_eq!(pair.target.client(0).call(&["DBSIZE"]), "3");
    }
}

#[tokio::test]
async fn keys_that_come_to_the_source_one_by_one_bring_nothing_to_the_target() {
    for engine in engines() {
        let [source, other] = cluster(&engine, [LOWER, UPPER]).await;
        source.client(0).all(&["SET b 1"]);
        other.client(0).all(&["RPUSH foo 1", "SET {foo}2 1"]);
        let (file, start) = source.seed(0).await;
        let target = engine.part(0, Some(&file), imports(&engine), LOWER).await;
        let pair = Pair::of(source, target, start);
        let link = pair.link(0, 0);
        pair.same(&link, 0, 0).await;
        move_foo(&other, &pair.source);
        status(&link, "the link to stand still", |status| status.state == LinkState::SourceResharding).await;
        assert_eq!(pair.target.client(0).call(&["DBSIZE"]), "1");
    }
}

fn imports(engine: &Engine) -> &'static [&'static str] {
    if engine.version.imports() { &["--import-mode", "yes"] } else { &[] }
}
