//! Switchovers, seen from the heir and from the old primary, through crashes of the daemon and deaths of nodes. The other side is
//! made up. The machine objects to a point that does not mean the data, to two sides that take writes, and to lost writes.

use chrono::TimeDelta;
use valkyard_model::{AppendFsync, Persistence, Role};
use valkyard_simulator::{Machine, Simulation, accepted_primary};

use crate::crashes::crash_everywhere;
use crate::following::{assert_follows, following, kill_somebody, some_turns};
use crate::scenario::{CHANGE_TURNS_MAX, assert_complete, live_for};

const MODES: [Persistence; 2] = [Persistence::Disabled, Persistence::Aof { fsync: AppendFsync::Always }];

fn leading(shards: i32, replicas: i32, persistence: Persistence, seed: u64) -> Machine {
    let mut record = accepted_primary(shards, replicas);
    record.spec.persistence = persistence;
    let mut simulation = Simulation::on(Machine::new(record, seed));
    simulation.run(CHANGE_TURNS_MAX);
    live_for(&mut simulation, TimeDelta::seconds(2));
    assert_complete(&simulation);
    simulation.machine().clone()
}

fn role(simulation: &mut Simulation) -> Option<Role> {
    simulation.machine().record().map(|record| record.replication.role.clone())
}

/// It is the primary, and takes writes.
fn assert_leads(simulation: &mut Simulation) {
    assert!(matches!(role(simulation), Some(Role::Primary { .. })), "{}", simulation.story());
    let before = simulation.machine().safe_writes();
    live_for(simulation, TimeDelta::seconds(3));
    assert_complete(simulation);
    assert!(simulation.machine().safe_writes() > before, "nobody can write\n{}", simulation.story());
    assert!(
        simulation.machine().record().is_some_and(|record| record.replication.switchover.is_none()),
        "{}",
        simulation.story()
    );
}

#[test]
fn a_crash_at_any_moment_only_delays_the_heir() {
    for persistence in MODES {
        for (shards, replicas) in [(1, 0), (2, 1)] {
            let mut machine = following(shards, replicas, persistence, 3);
            let written = machine.source_writes();
            machine.begin_switchover();
            crash_everywhere(&machine, |simulation| {
                simulation.run(CHANGE_TURNS_MAX);
                assert_leads(simulation);
                let machine = simulation.machine();
                assert!(machine.safe_writes() > written, "what its primary had is gone");
                let accession = machine.record().and_then(|record| record.replication.accession.clone());
                assert!(accession.is_some_and(|accession| accession.possible_loss.is_none()));
            });
        }
    }
}

#[test]
fn a_crash_at_any_moment_only_delays_the_old_primary_and_nothing_is_copied() {
    for persistence in MODES {
        for (shards, replicas) in [(1, 0), (2, 1)] {
            let mut machine = leading(shards, replicas, persistence, 4);
            let nodes = machine.pids();
            machine.begin_switchover();
            crash_everywhere(&machine, |simulation| {
                simulation.run(CHANGE_TURNS_MAX);
                live_for(simulation, TimeDelta::seconds(10));
                assert_follows(simulation);
                assert_eq!(simulation.machine().pids(), nodes, "a node was seeded anew\n{}", simulation.story());
            });
        }
    }
}

#[test]
fn an_heir_whose_nodes_die_keeps_what_lives_or_the_roles_that_were() {
    for seed in 0..120 {
        let mut machine = following(2, 1, MODES[usize::try_from(seed % 2).expect("small")], seed);
        machine.begin_switchover();
        let mut simulation = Simulation::on(machine);
        some_turns(&mut simulation, 12);
        kill_somebody(&mut simulation);
        live_for(&mut simulation, TimeDelta::seconds(40));
        if matches!(role(&mut simulation), Some(Role::Primary { .. })) {
            assert_leads(&mut simulation);
        } else {
            assert_follows(&mut simulation);
        }
    }
}

#[test]
fn an_old_primary_whose_nodes_die_follows_with_what_it_has_or_is_copied_anew() {
    for seed in 0..120 {
        let mut machine = leading(2, 1, Persistence::Disabled, seed);
        machine.begin_switchover();
        let mut simulation = Simulation::on(machine);
        for _ in 0..2 {
            some_turns(&mut simulation, 12);
            kill_somebody(&mut simulation);
        }
        live_for(&mut simulation, TimeDelta::seconds(40));
        assert!(matches!(role(&mut simulation), Some(Role::Secondary { .. })), "{}", simulation.story());
        assert_follows(&mut simulation);
    }
}

#[test]
fn without_its_primary_the_heir_leads_with_what_it_has_and_says_what_may_be_lost() {
    let mut machine = following(2, 1, Persistence::Disabled, 8);
    machine.set_source_away(true);
    machine.begin_switchover();
    crash_everywhere(&machine, |simulation| {
        simulation.run(CHANGE_TURNS_MAX);
        live_for(simulation, TimeDelta::seconds(40));
        assert_leads(simulation);
        let accession = simulation.machine().record().and_then(|record| record.replication.accession.clone());
        assert!(accession.is_some_and(|accession| accession.possible_loss.is_some()), "{}", simulation.story());
    });
}
