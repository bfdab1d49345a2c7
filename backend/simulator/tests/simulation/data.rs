//! Backups and first data, through crashes of the daemon, deaths of nodes and stores that are away.

use chrono::TimeDelta;
use valkyard_model::{AppendFsync, ImportSource, Lifecycle, Persistence};
use valkyard_simulator::{Machine, Outcome, Simulation, accepted_instance};

use crate::crashes::crash_everywhere;
use crate::scenario::{CHANGE_TURNS_MAX, TURNS_MAX, assert_complete, complete_machine, delete, live_for};

const MODES: [Persistence; 2] = [Persistence::Disabled, Persistence::Aof { fsync: AppendFsync::Always }];

/// Turns of a number drawn from a seed.
fn some_turns(simulation: &mut Simulation, most: u64) {
    let turns = simulation.machine().random().below(most);
    for _ in 0..turns {
        if let Outcome::Looked(look) = simulation.turn() {
            simulation.rest(&look.plan);
        }
    }
}

fn lively(shards: i32, replicas: i32, seed: u64) -> Machine {
    let mut simulation = Simulation::on(complete_machine(shards, replicas, seed));
    live_for(&mut simulation, TimeDelta::seconds(2));
    let machine = simulation.machine().clone();
    assert!(machine.safe_writes() > 0, "nothing was written");
    machine
}

fn importing(shards: i32, replicas: i32, persistence: Persistence, seed: u64) -> Machine {
    let mut record = accepted_instance(shards, replicas);
    record.spec.import = Some(ImportSource::Files(vec!["file:///a.rdb".to_owned()]));
    record.spec.persistence = persistence;
    let mut machine = Machine::new(record, seed);
    machine.offer_data(97);
    machine
}

#[test]
fn a_crash_at_any_moment_of_a_backup_only_delays_it() {
    for (shards, replicas) in [(1, 0), (3, 1)] {
        let mut machine = lively(shards, replicas, 1);
        let backup = machine.back_up(1);
        crash_everywhere(&machine, |simulation| {
            simulation.run(TURNS_MAX);
            let next = simulation.machine().back_up(2);
            simulation.run(TURNS_MAX);
            assert_complete(simulation);
            assert_eq!(simulation.machine().active_backups(), [backup, next], "{}", simulation.story());
        });
    }
}

#[test]
fn nodes_that_die_during_a_backup_make_it_begin_again() {
    for seed in 0..60 {
        let mut simulation = Simulation::on(lively(2, 1, seed));
        let backup = simulation.machine().back_up(1);
        for _ in 0..2 {
            some_turns(&mut simulation, 12);
            let serials = simulation.machine().serials();
            let index = usize::try_from(simulation.machine().random().below(serials.len() as u64)).expect("small");
            simulation.machine().kill(serials[index]);
        }
        simulation.run(TURNS_MAX);
        assert_complete(&simulation);
        assert_eq!(simulation.machine().active_backups(), [backup], "seed {seed}\n{}", simulation.story());
    }
}

#[test]
fn a_backup_that_is_cancelled_at_any_moment_is_whole_or_gone() {
    for seed in 0..60 {
        let mut simulation = Simulation::on(lively(2, 1, seed));
        let backup = simulation.machine().back_up(1);
        some_turns(&mut simulation, 15);
        simulation.machine().cancel_backup();
        simulation.run(TURNS_MAX);
        let machine = simulation.machine();
        let (active, gone) = (machine.active_backups(), machine.abandoned_backups());
        assert_eq!([active, gone].concat(), [backup], "seed {seed}\n{}", simulation.story());
    }
}

#[test]
fn an_instance_that_is_deleted_during_a_backup_leaves_nothing_and_no_half_backup() {
    for seed in 0..60 {
        let mut simulation = Simulation::on(lively(2, 1, seed));
        let backup = simulation.machine().back_up(1);
        some_turns(&mut simulation, 15);
        delete(&mut simulation);
        let machine = simulation.machine();
        assert_eq!([machine.active_backups(), machine.abandoned_backups()].concat(), [backup], "seed {seed}");
    }
}

#[test]
fn a_crash_at_any_moment_of_a_deletion_during_a_backup_leaves_nothing() {
    let mut simulation = Simulation::on(lively(2, 0, 5));
    simulation.machine().back_up(1);
    some_turns(&mut simulation, 3);
    let mut machine = simulation.machine().clone();
    machine.accept(|record| record.lifecycle = Lifecycle::Deleting);
    crash_everywhere(&machine, |simulation| {
        simulation.run(TURNS_MAX);
        assert!(simulation.machine().is_bare(), "something is left\n{}", simulation.story());
    });
}

#[test]
fn a_store_that_is_away_for_long_ends_a_backup_and_for_short_delays_it() {
    let mut simulation = Simulation::on(lively(1, 1, 3));
    let lost = simulation.machine().back_up(1);
    simulation.machine().chaos.store_fails = true;
    live_for(&mut simulation, TimeDelta::seconds(120));
    assert_eq!(simulation.machine().abandoned_backups(), [lost], "{}", simulation.story());
    let late = simulation.machine().back_up(2);
    live_for(&mut simulation, TimeDelta::seconds(2));
    simulation.machine().chaos.store_fails = false;
    simulation.run(TURNS_MAX);
    assert_eq!(simulation.machine().active_backups(), [late], "{}", simulation.story());
}

#[test]
fn a_crash_at_any_moment_of_a_creation_with_data_only_delays_it() {
    for persistence in MODES {
        for (shards, replicas) in [(1, 0), (3, 1)] {
            let machine = importing(shards, replicas, persistence, 7);
            crash_everywhere(&machine, |simulation| {
                simulation.run(TURNS_MAX);
                assert_complete(simulation);
                assert!(simulation.machine().abandoned().is_empty(), "{}", simulation.story());
            });
        }
    }
}

#[test]
fn nodes_that_die_during_a_creation_with_data_lose_none_of_it() {
    for seed in 0..120 {
        let persistence = MODES[usize::try_from(seed % 2).expect("small")];
        let mut simulation = Simulation::on(importing(2, 1, persistence, seed));
        for _ in 0..4 {
            some_turns(&mut simulation, 40);
            let serials = simulation.machine().serials();
            if serials.is_empty() {
                continue;
            }
            let index = usize::try_from(simulation.machine().random().below(serials.len() as u64)).expect("small");
            if simulation.machine().is_being_created() {
                simulation.machine().kill(serials[index]);
            }
        }
        simulation.run(TURNS_MAX);
        assert_complete(&simulation);
    }
}

#[test]
fn a_creation_whose_data_cannot_be_had_leaves_nothing() {
    let mut simulation = Simulation::on(importing(2, 1, Persistence::Disabled, 9));
    simulation.machine().chaos.store_fails = true;
    simulation.run(CHANGE_TURNS_MAX);
    assert!(simulation.machine().is_bare(), "something is left\n{}", simulation.story());
}

#[test]
fn an_instance_that_is_deleted_while_its_data_comes_leaves_nothing() {
    for seed in 0..40 {
        let mut simulation = Simulation::on(importing(2, 1, Persistence::Disabled, seed));
        some_turns(&mut simulation, 40);
        delete(&mut simulation);
    }
}
