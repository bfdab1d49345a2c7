//! Stories that the tests begin with.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use valkyard_model::{EngineConfigs, InstanceSpec, Lifecycle};
use valkyard_simulator::{Machine, Outcome, Simulation, accepted_instance_of};

/// Turns that suffice for any transition of a small instance: a creation takes 110 (2 s in steps of 20 ms).
pub(crate) const TURNS_MAX: u32 = 600;
/// Turns that suffice for a change of a small instance: slots that move by keys take one for some hundred slots.
pub(crate) const CHANGE_TURNS_MAX: u32 = 3_000;

/// A machine with a complete instance of this shape.
pub(crate) fn complete_machine(shards: i32, replicas: i32, seed: u64) -> Machine {
    complete_machine_of("VALKEY_9_1", shards, replicas, seed)
}

/// The same with this version of the engine.
pub(crate) fn complete_machine_of(version: &str, shards: i32, replicas: i32, seed: u64) -> Machine {
    let mut simulation = Simulation::new(accepted_instance_of(version, shards, replicas), seed);
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

/// Changes an instance and sees it through; nothing acknowledged may be lost or given up.
pub(crate) fn change(simulation: &mut Simulation, change: impl FnOnce(&mut InstanceSpec)) {
    let before = simulation.machine().safe_writes();
    simulation.machine().update(change);
    simulation.run(CHANGE_TURNS_MAX);
    assert_complete(simulation);
    let machine = simulation.machine();
    assert!(machine.abandoned().is_empty(), "given up: {:?}\n{}", machine.abandoned(), simulation.story());
    assert!(machine.safe_writes() >= before, "promises were voided\n{}", simulation.story());
}

/// Settings of an engine for the type of node that an instance has.
pub(crate) fn configs(spec: &InstanceSpec, entries: &[(&str, &str)]) -> EngineConfigs {
    let entries: BTreeMap<String, String> = entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    EngineConfigs::validate(&entries, spec.node_type).expect("settings that users may have")
}

/// Turns for this long, whatever is waited for.
pub(crate) fn live_for(simulation: &mut Simulation, time: TimeDelta) {
    let end = simulation.machine().now() + time;
    while simulation.machine().now() < end {
        if let Outcome::Looked(look) = simulation.turn() {
            simulation.rest(&look.plan);
        }
    }
}
