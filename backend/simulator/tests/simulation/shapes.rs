//! Creation and deletion of every shape from 1 to 8 shards with 0 to 5 replicas.

use valkyard_model::Convergence;
use valkyard_simulator::{Simulation, accepted_instance};

use crate::scenario::{TURNS_MAX, assert_complete, delete};

/// A creation waits 2 s for fresh primaries, looking every 20 ms, and takes a handful of turns for its steps.
const CREATE_TURNS_MAX: u32 = 130;
/// A deletion waits some milliseconds for processes to end, each of which wakes the loop.
const DELETE_TURNS_MAX: u32 = 70;

#[test]
fn every_shape_is_created_and_deleted_in_bounded_turns() {
    for shards in 1..=8 {
        for replicas in 0..=5 {
            let mut simulation = Simulation::new(accepted_instance(shards, replicas), 7);
            simulation.run(TURNS_MAX);
            assert_complete(&simulation);
            let created = simulation.turns();
            assert!(created <= CREATE_TURNS_MAX, "{shards} × {replicas} took {created} turns\n{}", simulation.story());
            delete(&mut simulation);
            let deleted = simulation.turns() - created;
            assert!(deleted <= DELETE_TURNS_MAX, "{shards} × {replicas} took {deleted} turns\n{}", simulation.story());
        }
    }
}

#[test]
fn a_cluster_is_writable_soon_after_the_engines_own_delay() {
    let mut simulation = Simulation::new(accepted_instance(3, 1), 1);
    simulation.run(TURNS_MAX);
    let machine = simulation.machine();
    let record = machine.record().expect("it exists");
    assert!(matches!(record.convergence, Convergence::At { .. }));
    let taken = machine.now() - record.create_time;
    assert!(taken.num_milliseconds() < 2_200, "creation took {taken}");
}
