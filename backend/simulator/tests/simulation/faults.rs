//! Faults of the machine: what a person has to repair ends a creation cleanly, everything else passes.

use chrono::TimeDelta;
use valkyard_model::{FailureCode, Lifecycle, NodeSerial, ShardIndex};
use valkyard_simulator::{Chaos, Machine, Outcome, Simulation, accepted_instance};

use crate::scenario::{TURNS_MAX, assert_complete, complete_machine, delete};

/// Creates under a fault until the creation is given up and removed; what its operation reported.
fn abandoned(chaos: Chaos) -> (FailureCode, String) {
    let mut machine = Machine::new(accepted_instance(2, 1), 11);
    machine.chaos = chaos;
    let mut simulation = Simulation::on(machine);
    let mut reported = None;
    for _ in 0..TURNS_MAX {
        match simulation.turn() {
            Outcome::Gone => {
                assert!(simulation.machine().is_bare(), "something is left\n{}", simulation.story());
                return reported.expect("it was given up before it was removed");
            }
            Outcome::Crashed => {}
            Outcome::Looked(look) => {
                if let Lifecycle::Abandoned { failure } = &look.desired.lifecycle {
                    reported = Some((failure.code, failure.message.clone()));
                }
                simulation.rest(&look.plan);
            }
        }
    }
    panic!("the creation was not given up\n{}", simulation.story());
}

#[test]
fn a_creation_that_a_person_must_help_fails_at_once_and_leaves_nothing() {
    let cases = [
        (Chaos { is_disk_full: true, ..Chaos::default() }, FailureCode::ResourceExhausted, "no space left"),
        (Chaos { is_read_only: true, ..Chaos::default() }, FailureCode::FailedPrecondition, "permission denied"),
        (Chaos { is_engine_missing: true, ..Chaos::default() }, FailureCode::FailedPrecondition, "no build"),
        (
            Chaos { taken_ports: [NodeSerial(3)].into(), ..Chaos::default() },
            FailureCode::FailedPrecondition,
            "used by somebody else",
        ),
        (Chaos { is_engine_broken: true, ..Chaos::default() }, FailureCode::FailedPrecondition, "Bad directive"),
    ];
    for (chaos, code, words) in cases {
        let (found, message) = abandoned(chaos);
        assert_eq!(found, code, "{message}");
        assert!(message.contains(words), "{message:?} does not say {words:?}");
    }
}

#[test]
fn steps_that_fail_now_and_then_only_delay() {
    for seed in 0..20 {
        let mut machine = Machine::new(accepted_instance(2, 2), seed);
        machine.chaos.transient_percent = 30;
        let mut simulation = Simulation::on(machine);
        simulation.run(TURNS_MAX);
        assert_complete(&simulation);
        delete(&mut simulation);
    }
}

#[test]
fn processes_that_ignore_being_asked_are_made_to_stop() {
    let mut simulation = Simulation::on(complete_machine(1, 1, 12));
    simulation.machine().chaos.is_stubborn = true;
    delete(&mut simulation);
}

#[test]
fn a_primary_that_cannot_be_seen_is_never_replaced_and_comes_back_as_it_was() {
    let mut simulation = Simulation::on(complete_machine(3, 1, 13));
    let shard = ShardIndex(1);
    let primary = simulation.machine().serving_primary(shard).expect("it serves");
    let silence = TimeDelta::seconds(60);
    simulation.machine().hide(primary, silence);
    let end = simulation.machine().now() + silence;
    while simulation.machine().now() < end {
        if let Outcome::Looked(look) = simulation.turn() {
            simulation.rest(&look.plan);
        }
    }
    simulation.run(TURNS_MAX);
    assert_complete(&simulation);
    assert_eq!(simulation.machine().serving_primary(shard), Some(primary), "{}", simulation.story());
}

#[test]
fn a_primary_that_hangs_is_ended_and_replaced_in_bounded_time() {
    // One that was stopped by a signal can be told at once; one that runs without answering may only be busy.
    for (is_stopped, seconds) in [(true, 2), (false, 12)] {
        for (shards, seed) in [(1, 13), (2, 14), (3, 15)] {
            let mut simulation = Simulation::on(complete_machine(shards, 1, seed));
            let shard = ShardIndex(0);
            let mut machine = simulation.machine();
            let primary = machine.serving_primary(shard).expect("it serves");
            let silence = TimeDelta::seconds(60);
            if is_stopped {
                machine.hang(primary, silence);
            } else {
                machine.silence(primary, silence);
            }
            let end = machine.now() + TimeDelta::seconds(seconds);
            drop(machine);
            while simulation.machine().serving_primary(shard).is_none_or(|now| now == primary) {
                assert!(simulation.machine().now() < end, "not replaced in time\n{}", simulation.story());
                if let Outcome::Looked(look) = simulation.turn() {
                    simulation.rest(&look.plan);
                }
            }
            simulation.run(TURNS_MAX);
            assert_complete(&simulation);
        }
    }
}

#[test]
fn a_short_blindness_does_not_cost_the_newest_replica() {
    for seed in 0..30 {
        let mut simulation = Simulation::on(complete_machine(1, 2, seed));
        let mut machine = simulation.machine();
        let primary = machine.serving_primary(ShardIndex(0)).expect("it serves");
        let replicas: Vec<NodeSerial> = machine.serials().into_iter().filter(|serial| *serial != primary).collect();
        let hidden = *machine.random().pick(&replicas).expect("there are two");
        machine.hide(hidden, TimeDelta::milliseconds(300));
        machine.kill(primary);
        drop(machine);
        simulation.run(TURNS_MAX);
        assert_complete(&simulation);
    }
}

#[test]
fn a_dead_shard_comes_back_empty_and_whole() {
    let mut simulation = Simulation::on(complete_machine(2, 2, 14));
    for serial in [1, 2, 3] {
        simulation.machine().kill(NodeSerial(serial));
    }
    simulation.run(TURNS_MAX);
    assert_complete(&simulation);
}

#[test]
fn every_folder_lost_together_with_every_process_comes_back() {
    let mut simulation = Simulation::on(complete_machine(2, 1, 15));
    let serials = simulation.machine().serials();
    for serial in serials {
        simulation.machine().lose_folder(serial);
        simulation.machine().kill(serial);
    }
    simulation.run(TURNS_MAX);
    assert_complete(&simulation);
    delete(&mut simulation);
}

#[test]
fn a_hung_process_without_its_folder_is_not_taken_for_dead() {
    for is_deleted in [false, true] {
        let mut simulation = Simulation::on(complete_machine(1, 1, 16));
        let primary = simulation.machine().serving_primary(ShardIndex(0)).expect("it serves");
        let silence = TimeDelta::seconds(20);
        simulation.machine().hang(primary, silence);
        simulation.machine().lose_folder(primary);
        simulation.restart_daemon();
        if is_deleted {
            delete(&mut simulation);
        } else {
            let end = simulation.machine().now() + silence;
            while simulation.machine().now() < end {
                if let Outcome::Looked(look) = simulation.turn() {
                    simulation.rest(&look.plan);
                }
            }
            simulation.run(TURNS_MAX);
            assert_complete(&simulation);
        }
    }
}

#[test]
fn a_change_of_labels_is_done_while_a_replica_is_away() {
    let mut simulation = Simulation::on(complete_machine(1, 1, 17));
    let mut machine = simulation.machine();
    let primary = machine.serving_primary(ShardIndex(0)).expect("it serves");
    let replica = machine.serials().into_iter().find(|serial| *serial != primary).expect("there are two");
    machine.hang(replica, TimeDelta::seconds(60));
    machine.accept(|record| record.generation = record.generation.next());
    drop(machine);
    simulation.turn();
    let machine = simulation.machine();
    let record = machine.record().expect("it exists");
    assert!(record.convergence.has_reached(record.generation), "{}", simulation.story());
}
