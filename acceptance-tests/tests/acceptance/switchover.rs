//! A secondary and its primary change places under writes: nothing is lost, nothing repeated, nothing copied; and what happens when
//! the primary is away or the daemon dies.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use acceptance_tests::{PRIMARY, Pair, SECONDARY, Tally, binary, secondary_of, wait_until, write_keys};
use redis::Commands as _;
use redis::cluster::ClusterConnection;
use serde_json::{Value, json};

use crate::replication::{primaries, role};

const LIMIT: Duration = Duration::from_secs(60);
const THIRD: &str = "projects/p/locations/asia-east1/instances/third";
/// Counters that are raised in turn: enough for every shard.
const COUNTERS: usize = 16;

/// One client of an application that follows the primary: what one instance refuses is written to the other.
struct Writer {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Written>,
}

/// What a writer saw.
struct Written {
    counts: Vec<i64>,
    longest_gap: Duration,
    refused: u64,
}

impl Writer {
    /// Begins with counters at zero.
    fn start(pair: &Pair, names: &[&str]) -> Self {
        let clients: Vec<ClusterConnection> = names.iter().map(|name| pair.client(name)).collect();
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        Self { stop, task: std::thread::spawn(move || write(clients, &told)) }
    }

    fn end(self) -> Written {
        self.stop.store(true, Ordering::Release);
        self.task.join().expect("the writer ends")
    }
}

fn write(mut clients: Vec<ClusterConnection>, stop: &AtomicBool) -> Written {
    let mut written = Written { counts: vec![0; COUNTERS], longest_gap: Duration::ZERO, refused: 0 };
    let (mut current, mut last) = (0, Instant::now());
    while !stop.load(Ordering::Acquire) {
        for number in 0..COUNTERS {
            loop {
                let raised: Result<i64, _> = clients[current].incr(format!("count:{number}"), 1);
                match raised {
                    Ok(count) => {
                        assert_eq!(count, written.counts[number] + 1, "counter {number} lost or repeated a write");
                        written.counts[number] = count;
                        break;
                    }
                    // Only a refusal is certain not to have been carried out.
                    Err(error) if error.code() == Some("NOPERM") => {
                        written.refused += 1;
                        current = (current + 1) % clients.len();
                    }
                    Err(error) => panic!("a planned switchover breaks no connection: {error}"),
                }
            }
            written.longest_gap = written.longest_gap.max(last.elapsed());
            last = Instant::now();
        }
    }
    written
}

fn lead(pair: &Pair, name: &str, others: &[&str]) -> Value {
    let listed: Vec<Value> = others.iter().map(|name| json!({"instance": name})).collect();
    let config = json!({"instanceRole": "PRIMARY", "secondaryInstances": listed});
    let asked = pair.ask_for(name, &json!({"crossInstanceReplicationConfig": config}));
    assert_eq!(asked.status, 200, "{}", asked.body);
    asked.body
}

fn pids(pair: &Pair, name: &str) -> BTreeSet<i32> {
    primaries(pair, name).iter().map(|member| member.pid).collect()
}

fn wait_for_counts(pair: &Pair, name: &str, counts: &[i64]) {
    let mut client = pair.client(name);
    wait_until(&format!("the counters of {name}"), LIMIT, || {
        let mut found = Vec::new();
        for number in 0..COUNTERS {
            let count: Option<i64> = client.get(format!("count:{number}")).map_err(|error| error.to_string())?;
            found.push(count.unwrap_or(0));
        }
        if found == counts { Ok(()) } else { Err(format!("{found:?} in place of {counts:?}\n{}", pair.replication())) }
    });
}

#[test]
fn members_change_places_and_back_without_a_copy_and_no_write_is_lost_or_repeated() {
    for version in ["VALKEY_9_1", "VALKEY_8_0"] {
        change_places(version);
    }
}

fn change_places(version: &str) {
    let pair = Pair::with_primary(&json!({"shardCount": 2, "replicaCount": 1, "engineVersion": version}));
    pair.add_secondary(&json!({"replicaCount": 1}));
    let third = pair.create(THIRD, &secondary_of(PRIMARY));
    pair.done(&third);
    let all = [PRIMARY, SECONDARY, THIRD];
    let before: Vec<_> = all.iter().map(|name| pids(&pair, name)).collect();
    let writer = Writer::start(&pair, &all);
    let orders: [(&str, [&str; 2]); 3] =
        [(SECONDARY, [PRIMARY, THIRD]), (THIRD, [PRIMARY, SECONDARY]), (PRIMARY, [SECONDARY, THIRD])];
    for (heir, others) in orders {
        pair.wait_until_streaming();
        let operation = lead(&pair, heir, &others);
        let leading = pair.done(&operation);
        assert_eq!(role(&leading)["instanceRole"], "PRIMARY");
        assert_eq!(role(&leading)["membership"]["primaryInstance"]["instance"], heir);
        for other in others {
            let config = role(&pair.instance(other)).clone();
            assert_eq!((&config["instanceRole"], &config["primaryInstance"]["instance"]), (&json!("SECONDARY"), &json!(heir)));
        }
    }
    pair.wait_until_streaming();
    let written = writer.end();
    println!("{version}: the longest gap was {:?}, {} writes were refused", written.longest_gap, written.refused);
    assert!(written.refused > 0, "nobody was ever refused");
    for (name, before) in all.iter().zip(before) {
        wait_for_counts(&pair, name, &written.counts);
        assert_eq!(pids(&pair, name), before, "a node of {name} was seeded anew");
    }
    let replication = pair.replication();
    assert_eq!(replication["lastSwitchover"]["from"], THIRD, "{replication}");
    assert!(replication["lastSwitchover"].get("possibleLoss").is_none(), "{replication}");
}

#[test]
fn a_daemon_that_dies_at_any_moment_of_a_switchover_ends_it_when_it_is_back() {
    let mut pair = Pair::with_primary(&json!({"shardCount": 2, "replicaCount": 1}));
    pair.add_secondary(&json!({"replicaCount": 1}));
    let mut tally = Tally::new(COUNTERS);
    let (mut leader, mut other) = (PRIMARY, SECONDARY);
    for round in 0..8_u32 {
        tally.write(&mut pair.client(leader), 3);
        pair.wait_until_streaming();
        let operation = lead(&pair, other, &[leader]);
        let begun = Instant::now();
        // At another moment each time.
        wait_until("the moment of death", LIMIT, || match begun.elapsed() {
            passed if passed >= Duration::from_millis(25) * round => Ok(()),
            passed => Err(format!("{passed:?}")),
        });
        pair.daemon.kill_9();
        pair.daemon.restart();
        pair.done(&operation);
        std::mem::swap(&mut leader, &mut other);
        assert_eq!(role(&pair.instance(leader))["instanceRole"], "PRIMARY");
        tally.write(&mut pair.client(leader), 3);
        pair.wait_until_streaming();
        pair.wait_until_equal(&tally);
    }
}

#[test]
fn without_its_primary_a_secondary_takes_over_and_says_what_may_be_lost() {
    let pair = Pair::with_primary(&json!({"shardCount": 1}));
    pair.add_secondary(&json!({}));
    write_keys(&pair.instance(PRIMARY), "shared", 100).expect("writes");
    pair.wait_until_streaming();
    let zones = ["us-central1-a", "us-central1-b", "us-central1-c"];
    let zone = |zone: &str, verb: &str, body: Value| {
        let answer = pair.api().call("POST", &format!("/v1/admin/zones/{zone}:{verb}"), &body.to_string());
        assert_eq!(answer.status, 200, "{}", answer.body);
    };
    zones.iter().for_each(|name| zone(name, "take", json!({"manner": "STOP"})));
    let operation = lead(&pair, SECONDARY, &[PRIMARY]);
    let leading = pair.done(&operation);
    write_keys(&leading, "own", 50).expect("it takes writes");
    let replication = pair.replication();
    assert!(replication["lastSwitchover"]["possibleLoss"].is_object(), "{replication}");
    zones.iter().for_each(|name| zone(name, "give", json!({})));
    pair.wait_until_streaming();
    wait_until("the old primary with everything", LIMIT, || {
        let old = pair.instance(PRIMARY);
        let found = (acceptance_tests::read_back(&old, "shared", 100)?, acceptance_tests::read_back(&old, "own", 50)?);
        if found == (100, 50) { Ok(()) } else { Err(format!("{found:?}")) }
    });
    let refused: Result<(), _> = pair.client(PRIMARY).set("own:0", 1);
    assert_eq!(refused.expect_err("it follows").code(), Some("NOPERM"));
}

/// A verb of the command line, and what it says.
fn verb(pair: &Pair, arguments: &[&str]) -> String {
    let mut command = Command::new(binary("valkyard"));
    command.arg("replication").args(arguments).env("VALKYARD_ENDPOINT", pair.daemon.endpoint());
    let ended = command.output().expect("the verb runs");
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(ended.status.success(), "{arguments:?}: {said}{}", String::from_utf8_lossy(&ended.stderr));
    said
}

#[test]
fn the_command_line_shows_the_replication_and_changes_it() {
    let pair = Pair::with_primary(&json!({"shardCount": 1}));
    pair.add_secondary(&json!({}));
    let shown = verb(&pair, &["status", SECONDARY]);
    assert!(shown.contains(&format!("a secondary of {PRIMARY}")) && shown.contains("streaming"), "{shown}");
    let set = verb(&pair, &["distance", "set", "us-central1", "europe-west1", "--round-trip", "20ms"]);
    assert!(set.contains("round trip 20ms"), "{set}");
    assert!(verb(&pair, &["distance", "list"]).contains("round trip 20ms"));
    let switched = verb(&pair, &["switchover", SECONDARY]);
    assert!(switched.contains("is the primary and takes writes") && switched.contains("nothing was lost"), "{switched}");
    assert_eq!(role(&pair.instance(PRIMARY))["instanceRole"], "SECONDARY");
    let detached = verb(&pair, &["detach", PRIMARY]);
    assert!(detached.contains("follows nobody any more"), "{detached}");
    write_keys(&pair.instance(PRIMARY), "own", 20).expect("it takes writes");
}
