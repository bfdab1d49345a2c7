//! Primaries that die, hang, hand over by agreement, and come back; zones that are taken away.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use acceptance_tests::judge::{HotKeys, Incident, Load, LoadOptions, Moment, check_losses, slot_of};
use acceptance_tests::{Member, SCENE_INSTANCE, Scene, ask, node_processes, wait_until};
use rustix::process::Signal;
use serde_json::json;

/// Replicas confirm several times a second what they have; a loss can be no older than that on a busy machine.
const LOSS_AGE_MAX: Duration = Duration::from_millis(1_500);
/// A takeover takes milliseconds, the suspicion of a hung node two seconds; the rest is a busy machine.
const TAKEOVER_LIMIT: Duration = Duration::from_secs(15);
/// Writes of each client that follow each incident.
const WRITES_AFTER: usize = 30;

fn scene(shards: u16, replicas: u16) -> Scene {
    Scene::create(&json!({"shardCount": shards, "replicaCount": replicas}))
}

/// Ends the load; losses are bounded by the incidents, nothing else is wrong with the data. Errors are told.
fn judge_unplanned(load: Load, scene: &Scene, incidents: &[Incident]) {
    let report = load.stop().verify(&scene.instance());
    println!("{report}");
    for (index, (lost, oldest)) in
        check_losses(&report, incidents, LOSS_AGE_MAX).unwrap_or_else(|loss| panic!("{loss}\n{report}"))
    {
        let lag = incidents[index].lag_bytes;
        println!("incident {index}: {lost} lost, the oldest {oldest:.1?} before; {lag} bytes behind just before");
    }
    assert!(report.altered.is_empty() && report.stale.is_empty(), "{report}");
}

#[test]
fn a_killed_primary_is_replaced_whatever_the_number_of_shards() {
    for shards in [1, 2, 3] {
        let scene = scene(shards, 1);
        let load = Load::start(&scene.instance(), &LoadOptions::default());
        let mut incidents = Vec::new();
        for _ in 0..2 {
            let victim = scene.primaries().remove(0);
            incidents.push(scene.strike(&victim, Signal::KILL));
            load.wait_for_more(WRITES_AFTER);
            scene.wait_until_sound();
        }
        println!("{shards} shards");
        judge_unplanned(load, &scene, &incidents);
    }
}

#[test]
fn a_hung_primary_is_replaced_and_cannot_acknowledge_any_more() {
    for shards in [1, 3] {
        let scene = scene(shards, 1);
        let load = Load::start(&scene.instance(), &LoadOptions::default());
        let victim = scene.primaries().remove(0);
        let key = key_of(&victim);
        let mut waiting = TcpStream::connect(&victim.listed.address).expect("it accepts");
        waiting.set_read_timeout(Some(TAKEOVER_LIMIT)).expect("a timeout");
        let begun = Instant::now();
        let incident = scene.strike(&victim, Signal::STOP);
        // The kernel takes it for the stopped process: should that go on, it would acknowledge.
        write!(waiting, "SET {key} stale\r\n").expect("the kernel takes it");
        wait_until("another primary of the slots", TAKEOVER_LIMIT, || {
            let owner = scene.members()?.into_iter().find(|member| owns(member, slot_of(&key)));
            owner.filter(|owner| owner.pid != victim.pid).map(|_| ()).ok_or_else(|| "none".to_owned())
        });
        println!("{shards} shards: another primary after {:.2?}", begun.elapsed());
        acceptance_tests::send(victim.pid, Signal::CONT);
        let mut answer = Vec::new();
        let read = waiting.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"+OK"), "the old primary acknowledged: {read:?}");
        load.wait_for_more(WRITES_AFTER);
        scene.wait_until_sound();
        judge_unplanned(load, &scene, &[incident]);
    }
}

/// A key in a slot of this primary.
fn key_of(primary: &Member) -> String {
    let mut names = (0_u32..).map(|number| format!("split:{number}"));
    names.find(|name| owns(primary, slot_of(name))).expect("every slot has a name")
}

fn owns(member: &Member, slot: u16) -> bool {
    member.listed.slots.iter().any(|(first, last)| (*first..=*last).contains(&slot))
}

#[test]
fn a_primary_that_comes_back_is_a_replica_and_takes_no_write() {
    let scene = scene(1, 1);
    let load = Load::start(&scene.instance(), &LoadOptions::default());
    let victim = scene.primaries().remove(0);
    let incident = scene.strike(&victim, Signal::KILL);
    let mut acknowledged = 0;
    wait_until("the old address as a replica", TAKEOVER_LIMIT, || match ask(&victim.listed.address, &["SET", "split", "1"]) {
        Ok(_) => {
            acknowledged += 1;
            Err("it acknowledged a write".to_owned())
        }
        Err(error) if error.contains("Moved") || error.contains("MOVED") => Ok(()),
        Err(error) => Err(error),
    });
    assert_eq!(acknowledged, 0, "two primaries at once");
    load.wait_for_more(WRITES_AFTER);
    scene.wait_until_sound();
    judge_unplanned(load, &scene, &[incident]);
}

#[test]
fn nothing_is_promoted_on_ignorance_after_a_restart_of_the_daemon() {
    let mut scene = scene(2, 1);
    let primaries = scene.primaries();
    let load = Load::start(&scene.instance(), &LoadOptions::default());
    scene.daemon.kill_9();
    scene.daemon.restart();
    load.wait_for_more(WRITES_AFTER);
    assert_eq!(scene.primaries(), primaries, "a restart changes no role");
    let report = load.stop().verify(&scene.instance());
    report.flawless().unwrap_or_else(|report| panic!("{report}"));
}

#[test]
fn a_planned_failover_loses_nothing_and_one_register_explains_every_answer() {
    for shards in [1, 3] {
        let scene = scene(shards, 1);
        let load = Load::start(&scene.instance(), &LoadOptions::default());
        let hot = HotKeys::start(&scene.instance(), &["{hot}:1".to_owned(), "{hot}:2".to_owned(), "{hot}:3".to_owned()]);
        for _ in 0..3 {
            let before = scene.primaries();
            let answer = scene.api().call("POST", &format!("/v1/admin/{SCENE_INSTANCE}:failOver"), "{}");
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert_eq!(answer.body["shards"].as_array().map(Vec::len), Some(usize::from(shards)), "{}", answer.body);
            let after = scene.primaries();
            assert!(before.iter().zip(&after).all(|(old, new)| old.pid != new.pid), "{before:?}\n{after:?}");
            load.wait_for_more(WRITES_AFTER);
        }
        scene.wait_until_sound();
        let operations = hot.check().unwrap_or_else(|(key, violation)| panic!("{key}: {violation}"));
        let report = load.stop().verify(&scene.instance());
        println!("{shards} shards: {report}; {operations} operations on hot keys");
        report.flawless().unwrap_or_else(|report| panic!("{report}"));
    }
}

#[test]
fn a_shard_without_a_replica_comes_back_and_says_that_its_data_is_lost() {
    let scene = scene(2, 0);
    acceptance_tests::write_keys(&scene.instance(), "key", 100).expect("every key is written");
    let victim = scene.primaries().remove(0);
    acceptance_tests::send(victim.pid, Signal::KILL);
    wait_until("another process", TAKEOVER_LIMIT, || {
        let nodes = node_processes(&scene.data_dir());
        let new = nodes.len() == 2 && nodes.iter().all(|node| node.pid != victim.pid);
        if new { Ok(()) } else { Err(format!("{nodes:?}")) }
    });
    scene.wait_until_sound();
    let kept = acceptance_tests::read_back(&scene.instance(), "key", 100).expect("it answers");
    assert!((1..100).contains(&kept), "{kept} of 100 keys are left");
    wait_until("the loss in the topology", TAKEOVER_LIMIT, || {
        let topology = scene.api().get(&format!("/v1/admin/{SCENE_INSTANCE}/topology")).body;
        if topology["losses"][0]["time"].is_string() { Ok(()) } else { Err(topology.to_string()) }
    });
    assert!(scene.daemon.log().contains("data"), "the log says nothing of the loss");
}

#[test]
fn a_zone_is_taken_away_and_given_back() {
    for manner in ["STOP", "HANG"] {
        let scene = scene(3, 1);
        let load = Load::start(&scene.instance(), &LoadOptions::default());
        let primaries = scene.primaries();
        let lag_bytes = 0;
        let slots = primaries.iter().flat_map(|primary| primary.listed.slots.clone()).collect();
        let incident = Incident { at: Moment::now(), slots, lag_bytes, slots_were_moving: false };
        let zone = "/v1/admin/zones/us-central1-a";
        let taken = scene.api().call("POST", &format!("{zone}:take"), &json!({"manner": manner}).to_string());
        assert_eq!(taken.status, 200, "{}", taken.body);
        let away = taken.body["nodes"].as_array().map_or(0, Vec::len);
        assert_eq!(away, 2, "{}", taken.body);
        load.wait_for_more(WRITES_AFTER);
        wait_until("primaries outside the zone", TAKEOVER_LIMIT, || {
            let info = ask(&acceptance_tests::discovery_address(&scene.instance()), &["CLUSTER", "INFO"])?;
            if info.contains("cluster_state:ok") { Ok(()) } else { Err(info) }
        });
        let given = scene.api().call("POST", &format!("{zone}:give"), "{}");
        assert_eq!(given.status, 200, "{}", given.body);
        scene.wait_until_sound();
        load.wait_for_more(WRITES_AFTER);
        println!("{manner}");
        judge_unplanned(load, &scene, &[incident]);
    }
}
