//! Stories that the tests begin with.

use valkyard_model::Lifecycle;
use valkyard_simulator::{Machine, Simulation, accepted_instance};

/// Turns that suffice for any transition of a small instance: a creation takes 110 (2 s in steps of 20 ms).
pub(crate) const TURNS_MAX: u32 = 600;

/// A machine with a complete instance of this shape.
pub(crate) fn complete_machine(shards: i32, replicas: i32, seed: u64) -> Machine {
    let mut simulation = Simulation::new(accepted_instance(shards, replicas), seed);
    simulation.run(TURNS_MAX);
    assert_complete(&simulation);
    simulation.machine().clone()
}

pub(crate) fn assert_complete(simulation: &Simulation) {
    let findings = simulation.machine().incompleteness();
    assert!(findings.is_empty(), "{findings:?}\n{}", simulation.story());
}

/// Asks for the deletion and sees it through to the last trace.
pub(crate) fn delete(simulation: &mut Simulation) {
    simulation.machine().accept(|record| record.lifecycle = Lifecycle::Deleting);
    simulation.run(TURNS_MAX);
    assert!(simulation.machine().is_bare(), "something is left: {:#?}\n{}", simulation.machine(), simulation.story());
}
