//! Hundreds of seeds of random trouble. `VALKYARD_SEED=N` runs one of them again, `VALKYARD_SEEDS=N` that many.

use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::TimeDelta;
use valkyard_model::{AppendFsync, Convergence, InstanceSpec, NodeSerial, NodeType, Persistence};
use valkyard_simulator::{CrashPoint, Machine, Moment, Outcome, Random, Simulation, accepted_instance};

use crate::scenario::{CHANGE_TURNS_MAX, TURNS_MAX, assert_complete, complete_machine_of, configs, delete};

/// Runs a story for each seed; says how to run the first failing one again.
fn for_each_seed(test: &str, count: u64, story: impl Fn(u64)) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let first = number("VALKYARD_SEED");
    let count = number("VALKYARD_SEEDS").unwrap_or(if first.is_some() { 1 } else { count });
    let first = first.unwrap_or_default();
    for seed in first..first + count {
        if let Err(cause) = catch_unwind(AssertUnwindSafe(|| story(seed))) {
            eprintln!("seed {seed} failed; again: VALKYARD_SEED={seed} cargo test -p valkyard-simulator {test}");
            std::panic::resume_unwind(cause);
        }
    }
}

fn random_shape(random: &mut Random) -> (i32, i32) {
    let shards = i32::try_from(1 + random.below(4)).expect("small");
    (shards, i32::try_from(random.below(4)).expect("small"))
}

/// One random harm.
fn harm(machine: &mut Machine) {
    let serials = machine.serials();
    let Some(node) = machine.random().pick(&serials).copied() else { return };
    let time = TimeDelta::milliseconds(i64::try_from(machine.random().below(2_000)).expect("small"));
    match machine.random().below(10) {
        0..=4 => machine.kill(node),
        5 => machine.lose_folder(node),
        6 if time.num_milliseconds() % 2 == 0 => machine.silence(node, time),
        6 => machine.hang(node, time),
        7 => machine.hide(node, time),
        8 => {
            machine.lose_folder(node);
            machine.kill(node);
        }
        _ => {
            let step = machine.steps_begun() + u32::try_from(machine.random().below(4)).expect("small");
            let moment = *machine.random().pick(&Moment::ALL).expect("there are three");
            machine.chaos.crash = Some(CrashPoint { step, moment });
        }
    }
}

/// Rests as the plan wants, with perhaps one harm at a random moment of it.
fn rest_in_danger(simulation: &mut Simulation, plan: &valkyard_model::Plan, harm_percent: u64) {
    let mut machine = simulation.machine();
    if machine.random().chance(harm_percent) {
        let whole = u64::try_from(plan.look_again_in.as_millis()).expect("seconds");
        let part = i64::try_from(machine.random().below(whole.max(1))).expect("seconds");
        let moment = machine.now() + TimeDelta::milliseconds(part);
        machine.pass_until(moment);
        harm(&mut machine);
        return;
    }
    drop(machine);
    simulation.rest(plan);
}

#[test]
fn random_trouble_during_creation_and_life_always_ends_complete_and_deletes_to_nothing() {
    for_each_seed("random_trouble", 200, |seed| {
        let mut random = Random::new(seed);
        let (shards, replicas) = random_shape(&mut random);
        let mut simulation = Simulation::new(accepted_instance(shards, replicas), seed);
        for _ in 0..150 {
            match simulation.turn() {
                Outcome::Gone => break,
                Outcome::Crashed => {}
                Outcome::Looked(look) => {
                    // A creation that is harmed all the time is rightly given up; a complete instance never is.
                    let is_created = look.desired.convergence != Convergence::Never;
                    rest_in_danger(&mut simulation, &look.plan, if is_created { 30 } else { 2 });
                }
            }
        }
        simulation.run(TURNS_MAX);
        if simulation.machine().record().is_none() {
            assert!(simulation.machine().is_bare(), "something is left\n{}", simulation.story());
            return;
        }
        assert_complete(&simulation);
        simulation.machine().chaos.crash = None;
        delete(&mut simulation);
    });
}

/// Harm that takes nothing off the disk.
fn harm_but_disks(machine: &mut Machine) {
    let serials = machine.serials();
    let Some(node) = machine.random().pick(&serials).copied() else { return };
    let time = TimeDelta::milliseconds(i64::try_from(machine.random().below(2_000)).expect("small"));
    match machine.random().below(9) {
        0..=4 => machine.kill(node),
        5 => machine.hang(node, time),
        6 => machine.hide(node, time),
        7 => serials.into_iter().for_each(|serial| machine.kill(serial)),
        _ => {
            let step = machine.steps_begun() + u32::try_from(machine.random().below(4)).expect("small");
            let moment = *machine.random().pick(&Moment::ALL).expect("there are three");
            machine.chaos.crash = Some(CrashPoint { step, moment });
        }
    }
}

#[test]
fn random_trouble_of_an_instance_with_logs_loses_nothing_that_was_on_disk() {
    for_each_seed("random_trouble_of_an_instance_with_logs", 100, |seed| {
        let mut random = Random::new(seed);
        let (shards, replicas) = random_shape(&mut random);
        let mut record = accepted_instance(shards, replicas);
        let fsync = *random.pick(&AppendFsync::ALL).expect("there are three");
        record.spec.persistence = Persistence::Aof { fsync };
        let mut simulation = Simulation::new(record, seed);
        simulation.run(TURNS_MAX);
        for _ in 0..120 {
            if let Outcome::Looked(look) = simulation.turn() {
                let is_harmed = simulation.machine().random().chance(20);
                simulation.rest(&look.plan);
                if is_harmed {
                    harm_but_disks(&mut simulation.machine());
                }
            }
        }
        simulation.run(TURNS_MAX);
        assert_complete(&simulation);
        simulation.machine().chaos.crash = None;
        delete(&mut simulation);
    });
}

#[test]
fn a_single_primary_killed_at_any_moment_loses_no_replicated_write() {
    for_each_seed("a_single_primary", 100, |seed| {
        let mut random = Random::new(seed);
        let (shards, replicas) = random_shape(&mut random);
        let mut simulation = Simulation::new(accepted_instance(shards, replicas.max(1)), seed);
        simulation.run(TURNS_MAX);
        for _ in 0..3 {
            let mut machine = simulation.machine();
            let moment =
                machine.now() + TimeDelta::milliseconds(300 + i64::try_from(machine.random().below(500)).expect("small"));
            machine.pass_until(moment);
            let primaries: Vec<NodeSerial> = (0..u16::try_from(shards).expect("small"))
                .filter_map(|shard| machine.serving_primary(valkyard_model::ShardIndex(shard)))
                .collect();
            let victim = *machine.random().pick(&primaries).expect("all shards serve");
            let safe = machine.safe_writes();
            machine.kill(victim);
            assert!(safe > 0, "nothing was written");
            drop(machine);
            simulation.run(TURNS_MAX);
            assert_complete(&simulation);
        }
    });
}

#[test]
fn deletion_amid_random_trouble_leaves_nothing() {
    for_each_seed("deletion_amid", 150, |seed| {
        let mut random = Random::new(seed);
        let (shards, replicas) = random_shape(&mut random);
        let mut simulation = Simulation::new(accepted_instance(shards, replicas), seed);
        let delete_at = random.below(60);
        for turn in 0.. {
            if turn == delete_at {
                simulation.machine().accept(|record| record.lifecycle = valkyard_model::Lifecycle::Deleting);
            }
            match simulation.turn() {
                Outcome::Gone => break,
                Outcome::Crashed => {}
                Outcome::Looked(look) => rest_in_danger(&mut simulation, &look.plan, 15),
            }
            assert!(turn < 1_000, "still there\n{}", simulation.story());
        }
        assert!(simulation.machine().is_bare(), "something is left\n{}", simulation.story());
    });
}

/// A random change of shape, kind or settings.
fn random_change(random: &mut Random, spec: &mut InstanceSpec) {
    for _ in 0..=random.below(3) {
        match random.below(5) {
            0 => spec.shard_count = u16::try_from(1 + random.below(5)).expect("small"),
            1 => spec.replica_count = u16::try_from(random.below(4)).expect("small"),
            2 => spec.node_type = *random.pick(&NODE_TYPES).expect("there are some"),
            3 => spec.engine_version = "VALKEY_9_1".parse().expect("a valid version"),
            _ => {
                let policy = if random.chance(50) { "allkeys-lru" } else { "noeviction" };
                spec.engine_configs = configs(spec, &[("maxmemory-policy", policy)]);
            }
        }
    }
}

const NODE_TYPES: [NodeType; 3] = [NodeType::SharedCoreNano, NodeType::HighmemMedium, NodeType::HighmemXlarge];

/// Lives through this many turns, with a harm now and then.
fn live(simulation: &mut Simulation, turns: u32, harm_percent: u64) {
    for _ in 0..turns {
        if let Outcome::Looked(look) = simulation.turn() {
            rest_in_danger(simulation, &look.plan, harm_percent);
        }
    }
}

#[test]
fn changes_amid_random_trouble_always_end_complete() {
    for_each_seed("changes_amid", 60, |seed| {
        let mut random = Random::new(seed ^ 0xc4a9);
        let (shards, replicas) = random_shape(&mut random);
        let engine = if random.chance(50) { "VALKEY_8_0" } else { "VALKEY_9_1" };
        let mut simulation = Simulation::on(complete_machine_of(engine, shards, replicas, seed));
        simulation.machine().chaos.migration_failure_percent = 10;
        for _ in 0..3 {
            simulation.machine().update(|spec| random_change(&mut random, spec));
            let turns = 10 + u32::try_from(random.below(150)).expect("small");
            live(&mut simulation, turns, 6);
            if random.chance(20) {
                simulation.machine().cancel_update();
            }
            simulation.run(CHANGE_TURNS_MAX);
            assert_complete(&simulation);
        }
        simulation.machine().chaos.crash = None;
        delete(&mut simulation);
    });
}

#[test]
fn a_daemon_that_dies_often_during_changes_loses_nothing() {
    for_each_seed("a_daemon_that_dies", 60, |seed| {
        let mut random = Random::new(seed ^ 0xdae0);
        let (shards, replicas) = random_shape(&mut random);
        let engine = if random.chance(50) { "VALKEY_8_0" } else { "VALKEY_9_1" };
        let mut simulation = Simulation::on(complete_machine_of(engine, shards, replicas, seed));
        simulation.machine().chaos.migration_failure_percent = 10;
        simulation.machine().chaos.transient_percent = 5;
        let safe = simulation.machine().safe_writes();
        for _ in 0..3 {
            simulation.machine().update(|spec| random_change(&mut random, spec));
            for _ in 0..random.below(12) {
                let mut machine = simulation.machine();
                let step = machine.steps_begun() + u32::try_from(random.below(6)).expect("small");
                let moment = *random.pick(&Moment::ALL).expect("there are three");
                machine.chaos.crash = Some(CrashPoint { step, moment });
                drop(machine);
                live(&mut simulation, 1 + u32::try_from(random.below(8)).expect("small"), 0);
            }
            if random.chance(20) {
                simulation.machine().cancel_update();
            }
            simulation.run(CHANGE_TURNS_MAX);
            assert_complete(&simulation);
        }
        assert!(simulation.machine().safe_writes() >= safe, "promises were voided\n{}", simulation.story());
    });
}
