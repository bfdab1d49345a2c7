//! Slots that move from one living primary to another, as a whole and key by key.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use valkyard_engine::{EngineBuild, LinkError, NodeLink, SlotsByKeys};
use valkyard_model::{MigrationDirection, MigrationState, NodeSerial, OpenSlot, RoleSeen, Slot, SlotRange, SlotSet};

use crate::builds::real_builds;
use crate::cluster::{Cluster, until};
use crate::raw::RawClient;
use crate::writer::Writer;

const SOURCE: NodeSerial = NodeSerial(1);
const TARGET: NodeSerial = NodeSerial(2);
/// The last of three shards: neither gives nor gets.
const WITNESS: NodeSerial = NodeSerial(3);

fn slot(number: u16) -> Slot {
    Slot::new(number).expect("a slot")
}

fn range(first: u16, last: u16) -> SlotSet {
    [SlotRange::new(first, last).expect("a range")].into_iter().collect()
}

fn has_atomic_migration(build: &EngineBuild) -> bool {
    build.capabilities.atomic_slot_migration
}

/// One step of a move by keys, over new links as after a restart of the daemon.
async fn move_step(cluster: &Cluster, slots: &SlotSet) -> Result<(), LinkError> {
    let (mut source, mut target, mut witness) =
        (cluster.link(SOURCE).await, cluster.link(TARGET).await, cluster.link(WITNESS).await);
    moving(cluster, &mut source, &mut target, &mut witness).move_some(slots).await
}

fn moving<'l>(
    cluster: &'l Cluster,
    source: &'l mut NodeLink,
    target: &'l mut NodeLink,
    witness: &'l mut NodeLink,
) -> SlotsByKeys<'l> {
    SlotsByKeys {
        source,
        source_id: cluster.id_of(SOURCE),
        target,
        target_id: cluster.id_of(TARGET),
        target_address: cluster.address(TARGET),
        witnesses: vec![witness],
        secret: cluster.secret(),
    }
}

/// Repeats the step until the target has the slots and nothing is open; gives how often.
async fn move_by_keys(cluster: &Cluster, slots: &SlotSet) -> u32 {
    let mut steps = 0;
    until("the slots have moved", async || {
        steps += 1;
        move_step(cluster, slots).await.map_err(|error| format!("{error:?}"))?;
        let (from, to) = (cluster.seen(SOURCE).await.ok_or("silent")?, cluster.seen(TARGET).await.ok_or("silent")?);
        let is_there = slots.without(&to.slots).is_empty() && !from.slots.overlaps(slots);
        let is_open = !from.open_slots.is_empty() || !to.open_slots.is_empty();
        if is_there && !is_open { Ok(()) } else { Err(format!("{:?} {:?}", from.open_slots, to.open_slots)) }
    })
    .await;
    steps
}

/// A name of a key in this slot.
fn key_in(admin: &mut RawClient, number: u16) -> String {
    let is_there = |tag: &u32| admin.call(&["CLUSTER", "KEYSLOT", &tag.to_string()]) == number.to_string();
    let tag = (0..).find(is_there).expect("every slot has names");
    format!("{{{tag}}}")
}

#[tokio::test]
async fn slots_move_as_a_whole_under_writes_and_both_ends_tell_of_it() {
    for build in real_builds().await.into_iter().filter(has_atomic_migration) {
        let cluster = Cluster::start(&build, 3, 0).await;
        cluster.converged().await;
        let writer = Writer::start(&cluster);
        let slots: SlotSet = [SlotRange::new(0, 1_000), SlotRange::new(2_000, 2_000)].into_iter().flatten().collect();
        let mut source = cluster.link(SOURCE).await;
        source.migrate_slots(&slots, cluster.id_of(TARGET)).await.expect("begins");
        until("the target has them", async || {
            let seen = cluster.seen(TARGET).await.ok_or("silent")?;
            if slots.without(&seen.slots).is_empty() { Ok(()) } else { Err("not yet") }
        })
        .await;
        let told = |direction, peer| move |one: &&valkyard_model::MigrationSeen| one.direction == direction && one.peer == peer;
        for (node, direction, peer) in
            [(SOURCE, MigrationDirection::Export, TARGET), (TARGET, MigrationDirection::Import, SOURCE)]
        {
            until("it is told as done", async || {
                let seen = cluster.seen(node).await.ok_or("silent".to_owned())?;
                let one = seen.migrations.iter().find(told(direction, cluster.id(peer)));
                let is_done = one.is_some_and(|one| one.state == MigrationState::Succeeded && one.slots == slots);
                if is_done && seen.migrations.len() == 1 { Ok(()) } else { Err(format!("{:?}", seen.migrations)) }
            })
            .await;
        }
        writer.stop_and_check(&cluster);
        let error = source.migrate_slots(&slots, cluster.id_of(TARGET)).await.expect_err("they are gone");
        assert!(matches!(error, LinkError::Engine { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn slots_move_by_keys_under_writes_without_losing_any() {
    for build in real_builds().await {
        let cluster = Cluster::start(&build, 3, 1).await;
        cluster.converged().await;
        let writer = Writer::start(&cluster);
        let slots = range(0, 700);
        move_by_keys(&cluster, &slots).await;
        writer.stop_and_check(&cluster);
        let witness = cluster.seen(WITNESS).await.expect("answers");
        assert!(slots.without(&witness.peers[cluster.id_of(TARGET)].slots).is_empty(), "the witness was told");
    }
}

/// Sets one key of each kind in a slot, and gives what they are.
fn fill(client: &mut RawClient, tag: &str, with_field_ttl: bool) -> BTreeMap<String, String> {
    // Beyond what clients may use, and not to be packed into less: a link that carries it is evicted unless it is spared.
    let big = "local t = {} for i = 1, 400000 do t[i] = redis.sha1hex(i) end redis.call('SET', KEYS[1], table.concat(t))";
    let key = |name: &str| format!("{tag}{name}");
    let far = "99999999999";
    client.call(&["SET", &key("string"), "value"]);
    client.call(&["SET", &key("with ttl"), "value", "EXAT", far]);
    client.call(&["EVAL", big, "1", &key("big")]);
    client.call(&["RPUSH", &key("list"), "a", "b", "c"]);
    client.call(&["HSET", &key("hash"), "f", "1", "g", "2"]);
    client.call(&["SADD", &key("set"), "m"]);
    client.call(&["ZADD", &key("sorted"), "1.5", "m"]);
    client.call(&["XADD", &key("stream"), "1-1", "f", "v"]);
    if with_field_ttl {
        assert_eq!(client.call(&["HEXPIREAT", &key("hash"), far, "FIELDS", "1", "f"]), "1");
    }
    told(client, tag, with_field_ttl)
}

fn told(client: &mut RawClient, tag: &str, with_field_ttl: bool) -> BTreeMap<String, String> {
    let mut told = BTreeMap::new();
    for name in ["string", "with ttl", "big", "list", "hash", "set", "sorted", "stream"] {
        let key = format!("{tag}{name}");
        told.insert(format!("digest of {name}"), client.call(&["DEBUG", "DIGEST-VALUE", &key]));
        told.insert(format!("expiry of {name}"), client.call(&["EXPIRETIME", &key]));
    }
    if with_field_ttl {
        told.insert("expiry of field".to_owned(), client.call(&["HEXPIRETIME", &format!("{tag}hash"), "FIELDS", "1", "f"]));
    }
    told
}

#[tokio::test]
async fn keys_of_every_kind_move_whole() {
    for build in real_builds().await {
        let cluster = Cluster::start(&build, 3, 0).await;
        cluster.converged().await;
        let mut source = RawClient::admin(cluster.address(SOURCE), cluster.secret());
        let mut target = RawClient::admin(cluster.address(TARGET), cluster.secret());
        let tag = key_in(&mut source, 77);
        let with_field_ttl = build.version.major >= 9;
        let before = fill(&mut source, &tag, with_field_ttl);
        assert_ne!(before["digest of big"], "0000000000000000000000000000000000000000");
        assert_eq!(before["expiry of with ttl"], "99999999999");
        move_by_keys(&cluster, &range(70, 80)).await;
        assert_eq!(told(&mut target, &tag, with_field_ttl), before, "on {}", build.version);
        let limit = |admin: &mut RawClient| admin.call(&["CONFIG", "GET", "maxmemory-clients"]);
        assert_eq!(limit(&mut target), limit(&mut source));
        assert_eq!((source.call(&["DBSIZE"]), target.call(&["DBSIZE"])), ("0".to_owned(), "8".to_owned()));
    }
}

#[tokio::test]
async fn whatever_an_interruption_left_is_finished() {
    for build in real_builds().await {
        let cluster = Cluster::start(&build, 3, 0).await;
        cluster.converged().await;
        let mut source = RawClient::admin(cluster.address(SOURCE), cluster.secret());
        let mut target = RawClient::admin(cluster.address(TARGET), cluster.secret());
        let ids = (cluster.id(SOURCE), cluster.id(TARGET));
        let (source_id, target_id) = (ids.0.as_str(), ids.1.as_str());
        let keys: Vec<String> = (0..6).map(|number| format!("{}k", key_in(&mut source, number))).collect();
        for key in &keys {
            assert_eq!(source.call(&["SET", key, "new"]), "OK");
        }
        // Slot 0: nothing was done yet. Slot 1: only the target knows.
        assert_eq!(target.call(&["CLUSTER", "SETSLOT", "1", "IMPORTING", source_id]), "OK");
        // Slot 2: only the source knows.
        assert_eq!(source.call(&["CLUSTER", "SETSLOT", "2", "MIGRATING", target_id]), "OK");
        // Slot 3: the key was copied, and not deleted at the source.
        // Slot 4: the key has gone. Slot 5: the target owns the slot, and the source has not heard of it.
        for number in ["3", "4", "5"] {
            assert_eq!(target.call(&["CLUSTER", "SETSLOT", number, "IMPORTING", source_id]), "OK");
            assert_eq!(source.call(&["CLUSTER", "SETSLOT", number, "MIGRATING", target_id]), "OK");
        }
        assert_eq!(target.calls(&[&["ASKING"], &["SET", &keys[3], "old"]]), ["OK", "OK"]);
        for key in &keys[4..] {
            let to = cluster.address(TARGET);
            let secret = cluster.secret().expose();
            let admin = valkyard_engine::render::ADMIN_USER;
            let (ip, port) = (to.ip().to_string(), to.port().to_string());
            assert_eq!(source.call(&["MIGRATE", &ip, &port, key, "0", "1000", "AUTH2", admin, secret]), "OK");
        }
        assert_eq!(target.call(&["CLUSTER", "SETSLOT", "5", "NODE", target_id]), "OK");

        let seen = cluster.seen(SOURCE).await.expect("answers");
        assert_eq!(seen.open_slots.get(&slot(2)), Some(&OpenSlot::MigratingTo(cluster.id(TARGET))));
        let seen = cluster.seen(TARGET).await.expect("answers");
        assert_eq!(seen.open_slots.get(&slot(1)), Some(&OpenSlot::ImportingFrom(cluster.id(SOURCE))));

        move_by_keys(&cluster, &range(0, 5)).await;
        for key in &keys {
            assert_eq!(target.call(&["GET", key]), "new", "on {}", build.version);
        }
        assert_eq!(source.call(&["DBSIZE"]), "0");
        move_step(&cluster, &range(0, 5)).await.expect("slots that have moved are left alone");
        assert_eq!(target.call(&["DBSIZE"]), "6");
    }
}

#[tokio::test]
async fn a_step_ends_in_time_and_the_next_goes_on() {
    for build in real_builds().await {
        let cluster = Cluster::start(&build, 3, 0).await;
        cluster.converged().await;
        let mut source = RawClient::admin(cluster.address(SOURCE), cluster.secret());
        let tag = key_in(&mut source, 9);
        let (count, keys) = (40_000, "for i = 1, 40000 do redis.call('SET', KEYS[1] .. i, i) end");
        source.call(&["EVAL", keys, "1", &tag]);
        let begun = Instant::now();
        move_step(&cluster, &range(9, 9)).await.expect("moves some");
        let took = begun.elapsed();
        let left: u32 = source.call(&["CLUSTER", "COUNTKEYSINSLOT", "9"]).parse().expect("a number");
        assert!(left > 0 && left < count, "{left} of {count} left after {took:?}");
        /// The step's time, links, and what a loaded machine adds.
        const TIME_MAX: Duration = Duration::from_secs(1);
        assert!(took < TIME_MAX, "{took:?}");
        assert!(move_by_keys(&cluster, &range(9, 9)).await > 1);
        let mut target = RawClient::admin(cluster.address(TARGET), cluster.secret());
        assert_eq!(target.call(&["DBSIZE"]), count.to_string());
    }
}

#[tokio::test]
async fn slots_of_a_shard_that_is_gone_can_be_claimed() {
    for build in real_builds().await {
        let mut cluster = Cluster::start(&build, 3, 0).await;
        cluster.converged().await;
        cluster.kill(TARGET).await;
        let before = cluster.seen(SOURCE).await.expect("answers");
        let lost = before.peers[cluster.id_of(TARGET)].slots.clone();
        cluster.link(SOURCE).await.claim_slots(cluster.id_of(SOURCE), &lost).await.expect("claims");
        let seen = cluster.seen(SOURCE).await.expect("answers");
        assert_eq!(seen.slots, before.slots.union(&lost));
        assert!(seen.epoch > before.peers[cluster.id_of(TARGET)].epoch, "{seen:?}");
        until("the other believes it", async || {
            let other = cluster.seen(WITNESS).await.ok_or("silent".to_owned())?;
            let believed = &other.peers[cluster.id_of(SOURCE)].slots;
            if *believed == seen.slots && other.role == RoleSeen::Primary { Ok(()) } else { Err(believed.to_string()) }
        })
        .await;
    }
}
