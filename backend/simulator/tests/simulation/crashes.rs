//! The daemon dies before, during and after every step; the next one finishes what was begun.

use valkyard_model::{Lifecycle, ShardIndex};
use valkyard_simulator::{CrashPoint, Downtime, Machine, Moment, Simulation, accepted_instance};

use crate::scenario::{TURNS_MAX, assert_complete, complete_machine, delete};

/// Runs a story once unharmed to count its steps, then once for every moment of every step.
pub(crate) fn crash_everywhere(begin: &Machine, finish: impl Fn(&mut Simulation)) {
    crash_everywhere_for(Downtime::Short, begin, finish);
}

fn crash_everywhere_for(downtime: Downtime, begin: &Machine, finish: impl Fn(&mut Simulation)) {
    let mut unharmed = Simulation::on(begin.clone());
    finish(&mut unharmed);
    let steps = begin.steps_begun()..unharmed.machine().steps_begun();
    assert!(steps.len() > 2, "the story has only {} steps", steps.len());
    for step in steps {
        for moment in Moment::ALL {
            let mut simulation = Simulation::on(begin.clone());
            simulation.set_downtime(downtime);
            simulation.machine().chaos.crash = Some(CrashPoint { step, moment });
            finish(&mut simulation);
            assert_eq!(simulation.crashes(), 1, "no crash {moment:?} step {step}");
        }
    }
}

#[test]
fn a_crash_at_any_moment_of_a_creation_only_delays_it() {
    for downtime in [Downtime::Short, Downtime::Long] {
        for (shards, replicas) in [(1, 0), (2, 1), (1, 2)] {
            let machine = Machine::new(accepted_instance(shards, replicas), 3);
            crash_everywhere_for(downtime, &machine, |simulation| {
                simulation.run(TURNS_MAX);
                assert_complete(simulation);
            });
        }
    }
}

#[test]
fn an_instance_whose_creation_crashed_leaves_nothing_when_deleted() {
    let machine = Machine::new(accepted_instance(2, 1), 4);
    crash_everywhere(&machine, |simulation| {
        for _ in 0..6 {
            if let valkyard_simulator::Outcome::Looked(look) = simulation.turn() {
                simulation.rest(&look.plan);
            }
        }
        delete(simulation);
    });
}

#[test]
fn a_crash_at_any_moment_of_a_deletion_leaves_nothing() {
    let mut machine = complete_machine(2, 1, 5);
    machine.accept(|record| record.lifecycle = Lifecycle::Deleting);
    crash_everywhere(&machine, |simulation| {
        simulation.run(TURNS_MAX);
        assert!(simulation.machine().is_bare(), "something is left\n{}", simulation.story());
    });
}

#[test]
fn a_crash_at_any_moment_of_a_failover_loses_neither_data_nor_redundancy() {
    for (shards, replicas) in [(1, 1), (3, 2)] {
        let mut machine = complete_machine(shards, replicas, 6);
        assert!(machine.safe_writes() > 0, "nothing was written");
        for shard in 0..shards.min(2) {
            let primary = machine.serving_primary(ShardIndex(u16::try_from(shard).unwrap())).expect("it serves");
            machine.kill(primary);
        }
        crash_everywhere(&machine, |simulation| {
            simulation.run(TURNS_MAX);
            assert_complete(simulation);
        });
    }
}

#[test]
fn a_crash_at_any_moment_of_bringing_back_a_lost_node_only_delays_it() {
    let mut machine = complete_machine(2, 1, 8);
    let primary = machine.serving_primary(ShardIndex(1)).expect("it serves");
    machine.lose_folder(primary);
    crash_everywhere(&machine, |simulation| {
        simulation.run(TURNS_MAX);
        assert_complete(simulation);
    });
}
