//! Changes of a complete instance while clients write: each alone, several at once, given up, and with a crash at every step.

use valkyard_model::{FailureCode, InstanceSpec, NodeType, ShardIndex};
use valkyard_simulator::{Machine, Simulation};

use crate::crashes::crash_everywhere;
use crate::scenario::{CHANGE_TURNS_MAX, assert_complete, change, complete_machine, complete_machine_of, configs, delete};

const SEEDS: std::ops::Range<u64> = 100..104;

fn version(text: &str) -> valkyard_model::EngineVersion {
    text.parse().expect("a valid version")
}

/// A change of a spec with its name.
type Change = (&'static str, fn(&mut InstanceSpec));

const CHANGES: [Change; 10] = [
    ("one shard more", |spec| spec.shard_count += 1),
    ("three shards", |spec| spec.shard_count = 3),
    ("one shard", |spec| spec.shard_count = 1),
    ("two replicas", |spec| spec.replica_count = 2),
    ("no replicas", |spec| spec.replica_count = 0),
    ("larger nodes", |spec| spec.node_type = NodeType::HighmemXlarge),
    ("smaller nodes", |spec| spec.node_type = NodeType::SharedCoreNano),
    ("newest engine", |spec| spec.engine_version = version("VALKEY_9_1")),
    ("settings", |spec| spec.engine_configs = configs(spec, &[("maxmemory-policy", "allkeys-lfu"), ("maxclients", "2000")])),
    ("everything", |spec| {
        (spec.shard_count, spec.replica_count) = (spec.shard_count + 1, spec.replica_count + 1);
        (spec.node_type, spec.engine_version) = (NodeType::HighmemXlarge, version("VALKEY_9_1"));
        spec.engine_configs = configs(spec, &[("notify-keyspace-events", "KEA")]);
    }),
];

#[test]
fn shards_come_and_go_without_losing_a_write() {
    for engine in ["VALKEY_9_1", "VALKEY_8_0"] {
        for (replicas, seed) in [(0, 20), (1, 21)] {
            let mut simulation = Simulation::on(complete_machine_of(engine, 3, replicas, seed));
            simulation.machine().load_functions(2);
            for shards in [5, 2, 1, 4] {
                change(&mut simulation, |spec| spec.shard_count = shards);
            }
            delete(&mut simulation);
        }
    }
}

#[test]
fn replicas_come_and_go_without_losing_a_write() {
    for seed in SEEDS {
        let mut simulation = Simulation::on(complete_machine(2, 0, seed));
        for replicas in [2, 1, 3, 0] {
            change(&mut simulation, |spec| spec.replica_count = replicas);
        }
    }
}

#[test]
fn nodes_of_another_kind_take_over_without_losing_a_write() {
    for (shards, replicas) in [(1, 0), (1, 1), (2, 0), (3, 1), (2, 2)] {
        let mut simulation = Simulation::on(complete_machine_of("VALKEY_8_0", shards, replicas, 30));
        simulation.machine().load_functions(1);
        change(&mut simulation, |spec| spec.node_type = NodeType::HighmemXlarge);
        change(&mut simulation, |spec| spec.engine_version = version("VALKEY_9_1"));
        change(&mut simulation, |spec| spec.node_type = NodeType::SharedCoreNano);
    }
}

#[test]
fn every_pair_of_changes_follows_each_other() {
    for (first_name, first) in CHANGES {
        for (second_name, second) in CHANGES {
            println!("{first_name}, then {second_name}");
            let mut simulation = Simulation::on(complete_machine_of("VALKEY_8_0", 2, 1, 40));
            change(&mut simulation, first);
            change(&mut simulation, second);
        }
    }
}

#[test]
fn a_crash_at_any_moment_of_a_change_only_delays_it() {
    // What happens to nodes is the same with every engine; how slots move is not.
    let by_keys = ["one shard more", "one shard", "newest engine", "everything"];
    let at_once = |name: &str| !["three shards", "newest engine"].contains(&name);
    for engine in ["VALKEY_9_1", "VALKEY_8_0"] {
        let is_of_interest = |name| if engine == "VALKEY_8_0" { by_keys.contains(&name) } else { at_once(name) };
        for (name, wish) in CHANGES.into_iter().filter(|(name, _)| is_of_interest(*name)) {
            println!("{name} from {engine}");
            let mut machine = complete_machine_of(engine, 2, 1, 50);
            machine.update(wish);
            let record = machine.record().expect("it exists");
            if record.convergence.has_reached(record.shape_generation) {
                continue;
            }
            let before = machine.safe_writes();
            crash_everywhere(&machine, |simulation| {
                simulation.run(CHANGE_TURNS_MAX);
                assert_complete(simulation);
                assert!(simulation.machine().safe_writes() >= before, "promises were voided\n{}", simulation.story());
            });
        }
    }
}

/// Turns until this many were made or the instance is at rest again.
fn turn_a_while(simulation: &mut Simulation, turns: u32) {
    for _ in 0..turns {
        if let valkyard_simulator::Outcome::Looked(look) = simulation.turn() {
            simulation.rest(&look.plan);
        }
    }
}

fn assert_back(simulation: &Simulation, before: &InstanceSpec) {
    assert_complete(simulation);
    let machine = simulation.machine();
    let record = machine.record().expect("it exists");
    assert_eq!(&record.spec, before, "not as before\n{}", simulation.story());
}

#[test]
fn a_change_cancelled_at_any_moment_goes_back_without_losing_a_write() {
    for engine in ["VALKEY_9_1", "VALKEY_8_0"] {
        for (name, wish) in CHANGES {
            for turns in [1, 3, 8, 15, 30, 60, 120] {
                println!("{name} from {engine}, cancelled after {turns} turns");
                let mut simulation = Simulation::on(complete_machine_of(engine, 2, 1, 60));
                let before = simulation.machine().record().expect("it exists").spec.clone();
                simulation.machine().update(wish);
                turn_a_while(&mut simulation, turns);
                simulation.machine().cancel_update();
                simulation.run(CHANGE_TURNS_MAX);
                if !simulation.machine().abandoned().is_empty() {
                    assert_back(&simulation, &before);
                }
                assert_complete(&simulation);
            }
        }
    }
}

/// Upgrades that also move slots between shards, some of which exist only on the way.
const UPGRADES_THAT_MOVE: [Change; 3] = [
    ("upgrade and more shards", |spec| {
        spec.engine_version = version("VALKEY_9_1");
        spec.shard_count = 4;
    }),
    ("upgrade and fewer shards", |spec| {
        spec.engine_version = version("VALKEY_9_1");
        spec.shard_count = 1;
    }),
    ("upgrade, smaller nodes and more shards", |spec| {
        spec.engine_version = version("VALKEY_9_1");
        spec.node_type = NodeType::SharedCoreNano;
        spec.shard_count = 4;
    }),
];

#[test]
fn an_upgrade_that_moves_slots_and_is_cancelled_at_any_moment_goes_back() {
    for (name, wish) in UPGRADES_THAT_MOVE {
        for turns in (5..=260).step_by(15) {
            println!("{name}, cancelled after {turns} turns");
            let mut simulation = Simulation::on(complete_machine_of("VALKEY_8_0", 2, 1, 61));
            simulation.machine().update(wish);
            turn_a_while(&mut simulation, turns);
            simulation.machine().cancel_update();
            simulation.run(CHANGE_TURNS_MAX);
            assert_complete(&simulation);
        }
    }
}

#[test]
fn a_change_that_the_disk_has_no_room_for_is_given_up_and_undone() {
    for (name, wish) in CHANGES {
        println!("{name}");
        let mut simulation = Simulation::on(complete_machine_of("VALKEY_8_0", 2, 1, 70));
        let before = simulation.machine().record().expect("it exists").spec.clone();
        let first_new = simulation.machine().record().expect("it exists").next_serial.0;
        for serial in first_new + 1..first_new + 40 {
            simulation.machine().chaos.full_disks.insert(valkyard_model::NodeSerial(serial));
        }
        simulation.machine().update(wish);
        simulation.run(CHANGE_TURNS_MAX);
        assert_complete(&simulation);
        let machine = simulation.machine();
        if let Some(failure) = machine.abandoned().first() {
            assert_eq!(failure.code, FailureCode::ResourceExhausted, "{}", failure.message);
            drop(machine);
            assert_back(&simulation, &before);
        }
    }
}

#[test]
fn a_shape_too_small_for_the_data_is_refused_before_anything_moves() {
    for (name, wish) in [CHANGES[2], CHANGES[6]] {
        let mut simulation = Simulation::on(complete_machine(3, 1, 75));
        let before = simulation.machine().record().expect("it exists").spec.clone();
        let mut machine = simulation.machine();
        let (maxmemory, keys) = (machine.record().expect("it exists").maxmemory, machine.safe_writes());
        // Three nodes are filled to six tenths.
        machine.chaos.bytes_per_key = maxmemory.0 * 3 * 6 / 10 / u64::try_from(keys).expect("few keys");
        machine.update(wish);
        drop(machine);
        simulation.run(CHANGE_TURNS_MAX);
        let failures = simulation.machine().abandoned().to_vec();
        let codes: Vec<FailureCode> = failures.iter().map(|failure| failure.code).collect();
        assert_eq!(codes, [FailureCode::FailedPrecondition], "{name}: {failures:?}\n{}", simulation.story());
        assert!(failures[0].message.contains("shards"), "{} names no shape that would do", failures[0].message);
        assert!(!simulation.story().contains("move slots"), "{}", simulation.story());
        assert_back(&simulation, &before);
    }
}

#[test]
fn a_handover_that_somebody_asks_for_loses_nothing() {
    for (shards, replicas) in [(1, 1), (2, 2), (3, 1)] {
        let mut simulation = Simulation::on(complete_machine(shards, replicas, 80));
        let shard = ShardIndex(0);
        // A reconciler serves wishes of the incarnation that it has looked at.
        turn_a_while(&mut simulation, 1);
        let before = simulation.machine().serving_primary(shard);
        let safe = simulation.machine().safe_writes();
        simulation.request_handover(shard);
        turn_a_while(&mut simulation, 60);
        simulation.run(CHANGE_TURNS_MAX);
        assert_complete(&simulation);
        assert_ne!(simulation.machine().serving_primary(shard), before, "{}", simulation.story());
        assert!(simulation.machine().safe_writes() >= safe);
    }
}

#[test]
fn migrations_that_fail_now_and_then_are_begun_again() {
    for seed in SEEDS {
        let mut machine: Machine = complete_machine(3, 1, seed);
        machine.chaos.migration_failure_percent = 40;
        let mut simulation = Simulation::on(machine);
        change(&mut simulation, |spec| spec.shard_count = 5);
        change(&mut simulation, |spec| spec.shard_count = 2);
    }
}
