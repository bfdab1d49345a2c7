//! A secondary instance: what it has, what it refuses, what it outlives, and how it becomes independent.

use std::time::Duration;

use acceptance_tests::{
    Member, PRIMARY, Pair, SECONDARY, Tally, discovery_address, info_of, kill_9, listing_of, read_back, secondary_of, send,
    wait_until, write_keys,
};
use redis::Commands as _;
use rustix::process::Signal;
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// The nodes of an instance that own slots, in the order of these.
pub(crate) fn primaries(pair: &Pair, name: &str) -> Vec<Member> {
    let instance = pair.instance(name);
    wait_until("the primaries of an instance", LIMIT, || {
        let mut found = Vec::new();
        for node in listing_of(&discovery_address(&instance))? {
            if node.slots.is_empty() || node.flags.iter().any(|flag| flag.starts_with("fail")) {
                continue;
            }
            let pid = info_of(&node.address, "server", "process_id")?.parse().map_err(|_| "a pid is a number")?;
            found.push(Member { listed: node, pid });
        }
        found.sort_by_key(|member| member.listed.slots.first().copied());
        Ok(found)
    })
}

/// Waits until each primary of an instance has a replica in sync: only then is a kill no disaster.
fn wait_for_replicas(pair: &Pair, name: &str) {
    for primary in primaries(pair, name) {
        wait_until("a replica in sync", LIMIT, || acceptance_tests::replicas_in_sync(&primary, 1));
    }
}

pub(crate) fn role(instance: &Value) -> &Value {
    &instance["crossInstanceReplicationConfig"]
}

#[test]
fn a_secondary_has_what_its_primary_had_and_gets_what_it_writes() {
    let pair = Pair::with_primary(&json!({"shardCount": 2, "replicaCount": 1}));
    let primary = pair.instance(PRIMARY);
    write_keys(&primary, "before", 300).expect("writes");
    let secondary = pair.add_secondary(&json!({"replicaCount": 1}));
    assert_eq!((&secondary["shardCount"], &secondary["nodeType"]), (&json!(2), &json!("SHARED_CORE_NANO")));
    assert_eq!(read_back(&secondary, "before", 300), Ok(300));
    write_keys(&primary, "after", 300).expect("writes");
    wait_until("what was written later", LIMIT, || match read_back(&secondary, "after", 300)? {
        300 => Ok(()),
        found => Err(format!("{found} of 300")),
    });

    let (primary, secondary) = (pair.instance(PRIMARY), pair.instance(SECONDARY));
    let remote = |instance: &Value, name: &str| json!({"instance": name, "uid": instance["uid"]});
    let (leader, follower) = (remote(&primary, PRIMARY), remote(&secondary, SECONDARY));
    assert_eq!(role(&primary)["instanceRole"], "PRIMARY");
    assert_eq!(role(&primary)["secondaryInstances"], json!([follower]));
    assert_eq!(role(&secondary)["instanceRole"], "SECONDARY");
    assert_eq!(role(&secondary)["primaryInstance"], leader);
    for instance in [&primary, &secondary] {
        let membership = json!({"primaryInstance": leader, "secondaryInstances": [follower]});
        assert_eq!(role(instance)["membership"], membership, "{instance}");
    }

    let mut client = pair.client(SECONDARY);
    let refused: Result<(), _> = client.set("before:0", 1);
    let refused = refused.expect_err("a secondary takes no writes");
    assert_eq!(refused.code(), Some("NOPERM"), "{refused}");
    let scripted: Result<(), _> =
        redis::cmd("EVAL").arg("return redis.call('SET', KEYS[1], 1)").arg(1).arg("before:0").query(&mut client);
    assert!(scripted.is_err(), "a script writes on a secondary");

    let status = pair.replication();
    assert_eq!((&status["role"], &status["primary"]), (&json!("PRIMARY"), &json!(PRIMARY)));
    let shards = status["secondaries"][0]["shards"].as_array().expect("shards");
    assert_eq!(shards.len(), 2);
    for shard in shards {
        assert_eq!(shard["state"], "STREAMING", "{status}");
        assert!(shard["appliedOffset"].is_string() && shard["lagBytes"].is_string(), "{status}");
    }
}

#[test]
fn links_go_on_exactly_where_they_were_whoever_dies() {
    let logged = json!({"mode": "AOF", "aofConfig": {"appendFsync": "EVERY_SEC"}});
    for (version, persistence) in [("VALKEY_9_1", json!({"mode": "DISABLED"})), ("VALKEY_8_0", logged)] {
        outlive_deaths(&json!({
            "shardCount": 2, "replicaCount": 1, "engineVersion": version, "persistenceConfig": persistence,
        }));
    }
}

/// Kills a primary of each side and the daemon, with writes meanwhile, each of which has to be there once.
fn outlive_deaths(body: &Value) {
    let mut pair = Pair::with_primary(body);
    pair.add_secondary(&json!({"replicaCount": 1}));
    let mut tally = Tally::new(16);
    let mut client = pair.client(PRIMARY);
    tally.write(&mut client, 20);
    pair.wait_until_equal(&tally);

    for name in [PRIMARY, SECONDARY] {
        wait_for_replicas(&pair, name);
        let victim = primaries(&pair, name).remove(0);
        send(victim.pid, Signal::KILL);
        tally.write(&mut client, 20);
        pair.wait_until_streaming();
        pair.wait_until_equal(&tally);
        println!("the death of a primary of {name} was outlived");
    }

    pair.daemon.kill_9();
    tally.write(&mut client, 20);
    pair.daemon.restart();
    pair.wait_until_streaming();
    pair.wait_until_equal(&tally);
}

#[test]
fn a_shard_whose_source_lost_its_history_is_seeded_anew() {
    let pair = Pair::with_primary(&json!({"shardCount": 2}));
    write_keys(&pair.instance(PRIMARY), "old", 200).expect("writes");
    pair.add_secondary(&json!({}));
    assert_eq!(read_back(&pair.instance(SECONDARY), "old", 200), Ok(200));
    // Without replicas and files a shard that dies comes back empty.
    kill_9(primaries(&pair, PRIMARY).remove(0).pid);
    wait_until("an empty shard", LIMIT, || match read_back(&pair.instance(PRIMARY), "old", 200)? {
        200 => Err("all is there".to_owned()),
        left => Ok(left),
    });
    write_keys(&pair.instance(PRIMARY), "new", 200).expect("writes");
    pair.wait_until_streaming();
    wait_until("the same on both", LIMIT, || {
        let of = |name: &str| -> Result<(u32, u32), String> {
            let instance = pair.instance(name);
            Ok((read_back(&instance, "old", 200)?, read_back(&instance, "new", 200)?))
        };
        let (primary, secondary) = (of(PRIMARY)?, of(SECONDARY)?);
        if primary == secondary && primary.1 == 200 { Ok(()) } else { Err(format!("{primary:?}, {secondary:?}")) }
    });
}

#[test]
fn a_detached_secondary_keeps_its_data_and_takes_writes() {
    let pair = Pair::with_primary(&json!({"shardCount": 1}));
    pair.add_secondary(&json!({}));
    write_keys(&pair.instance(PRIMARY), "shared", 100).expect("writes");
    wait_until("the shared keys", LIMIT, || match read_back(&pair.instance(SECONDARY), "shared", 100)? {
        100 => Ok(()),
        found => Err(format!("{found}")),
    });
    let refused = pair.api().call("DELETE", &format!("/v1/{PRIMARY}"), "");
    assert_eq!(refused.status, 400, "{}", refused.body);
    let text = refused.body["error"]["message"].as_str().unwrap_or_default();
    assert!(text.contains("cannot be deleted because it still has secondary instances"), "{text}");

    let detached = pair.ask_for(SECONDARY, &json!({"crossInstanceReplicationConfig": {"instanceRole": "NONE"}}));
    assert_eq!(detached.status, 200, "{}", detached.body);
    let detached = pair.done(&detached.body);
    assert_eq!(role(&detached)["instanceRole"], "NONE");
    assert_eq!(role(&pair.instance(PRIMARY))["instanceRole"], "NONE");
    write_keys(&detached, "own", 50).expect("a detached instance takes writes");
    assert_eq!(read_back(&detached, "shared", 100), Ok(100));
    write_keys(&pair.instance(PRIMARY), "later", 50).expect("writes");
    assert_eq!(read_back(&pair.instance(PRIMARY), "own", 50), Ok(0));
    assert_eq!(read_back(&detached, "later", 50), Ok(0));
    let mut client = pair.client(SECONDARY);
    let libraries: Vec<redis::Value> = redis::cmd("FUNCTION").arg("LIST").query(&mut client).unwrap_or_default();
    assert!(libraries.is_empty(), "a point is left: {libraries:?}");
}

#[test]
fn a_primary_detaches_and_members_are_deleted_in_order() {
    let pair = Pair::with_primary(&json!({"shardCount": 1}));
    pair.add_secondary(&json!({}));
    let detached = pair.ask_for(PRIMARY, &json!({"crossInstanceReplicationConfig": {"instanceRole": "NONE"}}));
    assert_eq!(detached.status, 200, "{}", detached.body);
    pair.done(&detached.body);
    wait_until("the detached instance", LIMIT, || {
        let instance = pair.instance(SECONDARY);
        let is_free = role(&instance)["instanceRole"] == "NONE" && instance["state"] == "ACTIVE";
        if is_free { write_keys(&instance, "own", 10) } else { Err(instance.to_string()) }
    });
    // A secondary leaves the replication with its deletion.
    let third = "projects/p/locations/asia-east1/instances/third";
    let operation = pair.create(third, &secondary_of(PRIMARY));
    pair.done(&operation);
    assert_eq!(role(&pair.instance(PRIMARY))["instanceRole"], "PRIMARY");
    let deleted = pair.api().call("DELETE", &format!("/v1/{third}"), "");
    assert_eq!(deleted.status, 200, "{}", deleted.body);
    pair.api().wait(deleted.body["name"].as_str().expect("a name"), LIMIT);
    assert_eq!(role(&pair.instance(PRIMARY))["instanceRole"], "NONE");
    let deleted = pair.api().call("DELETE", &format!("/v1/{PRIMARY}"), "");
    assert_eq!(deleted.status, 200, "{}", deleted.body);
    pair.api().wait(deleted.body["name"].as_str().expect("a name"), LIMIT);
}
