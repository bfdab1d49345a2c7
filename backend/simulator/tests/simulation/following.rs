//! Secondaries: created, seeded anew, detached, through crashes of the daemon, deaths of nodes and sources that are away. The
//! machine objects to every engine that holds something its source never was, at every tick.

use chrono::TimeDelta;
use valkyard_model::{AppendFsync, Persistence, Role, ShardIndex};
use valkyard_simulator::{Machine, Outcome, Simulation, ZoneLoss, accepted_secondary};

use crate::crashes::crash_everywhere;
use crate::scenario::{CHANGE_TURNS_MAX, assert_complete, delete, live_for};

const MODES: [Persistence; 2] = [Persistence::Disabled, Persistence::Aof { fsync: AppendFsync::Always }];
/// Longest lag of a link that is well: some ticks of writes.
const LAG_MAX: usize = 30;

fn accepted(shards: i32, replicas: i32, persistence: Persistence, seed: u64) -> Machine {
    let mut record = accepted_secondary(shards, replicas);
    record.spec.persistence = persistence;
    let mut machine = Machine::new(record, seed);
    // The source has a past.
    let then = machine.now() + TimeDelta::seconds(20);
    machine.pass_until(then);
    machine
}

pub(crate) fn following(shards: i32, replicas: i32, persistence: Persistence, seed: u64) -> Machine {
    let mut simulation = Simulation::on(accepted(shards, replicas, persistence, seed));
    simulation.run(CHANGE_TURNS_MAX);
    assert_follows(&mut simulation);
    simulation.machine().clone()
}

/// Complete, and no more behind than a link that is well may be.
pub(crate) fn assert_follows(simulation: &mut Simulation) {
    live_for(simulation, TimeDelta::seconds(2));
    assert_complete(simulation);
    let machine = simulation.machine();
    let (writes, lag) = (machine.source_writes(), machine.unfollowed_writes());
    drop(machine);
    assert!(writes > LAG_MAX && lag <= LAG_MAX, "{lag} of {writes} writes are not here\n{}", simulation.story());
}

pub(crate) fn kill_somebody(simulation: &mut Simulation) {
    let serials = simulation.machine().serials();
    if serials.is_empty() {
        return;
    }
    let index = usize::try_from(simulation.machine().random().below(serials.len() as u64)).expect("small");
    simulation.machine().kill(serials[index]);
}

pub(crate) fn some_turns(simulation: &mut Simulation, most: u64) {
    let turns = simulation.machine().random().below(most);
    for _ in 0..turns {
        if let Outcome::Looked(look) = simulation.turn() {
            simulation.rest(&look.plan);
        }
    }
}

#[test]
fn a_crash_at_any_moment_of_the_creation_of_a_secondary_only_delays_it() {
    for persistence in MODES {
        for (shards, replicas) in [(1, 0), (2, 1)] {
            let machine = accepted(shards, replicas, persistence, 11);
            crash_everywhere(&machine, |simulation| {
                simulation.run(CHANGE_TURNS_MAX);
                assert_follows(simulation);
                assert!(simulation.machine().abandoned().is_empty(), "{}", simulation.story());
            });
        }
    }
}

#[test]
fn nodes_that_die_while_a_secondary_is_created_never_leave_a_mixture() {
    for seed in 0..80 {
        let persistence = MODES[usize::try_from(seed % 2).expect("small")];
        let mut simulation = Simulation::on(accepted(2, 1, persistence, seed));
        for _ in 0..4 {
            some_turns(&mut simulation, 60);
            kill_somebody(&mut simulation);
        }
        simulation.run(CHANGE_TURNS_MAX);
        assert_follows(&mut simulation);
    }
}

#[test]
fn nodes_that_die_under_links_are_followed_or_seeded_anew() {
    for seed in 0..80 {
        let persistence = MODES[usize::try_from(seed % 2).expect("small")];
        let mut simulation = Simulation::on(following(2, 1, persistence, seed));
        for _ in 0..3 {
            some_turns(&mut simulation, 40);
            kill_somebody(&mut simulation);
        }
        live_for(&mut simulation, TimeDelta::seconds(90));
        assert_follows(&mut simulation);
    }
}

#[test]
fn a_crash_at_any_moment_of_seeding_anew_only_delays_it() {
    for persistence in MODES {
        let mut machine = following(2, 1, persistence, 5);
        machine.lose_source_history(ShardIndex(1), 7);
        crash_everywhere(&machine, |simulation| {
            live_for(simulation, TimeDelta::seconds(20));
            assert_follows(simulation);
        });
    }
}

#[test]
fn nodes_that_die_while_a_shard_is_seeded_anew_never_leave_a_mixture() {
    for seed in 0..80 {
        let persistence = MODES[usize::try_from(seed % 2).expect("small")];
        let mut machine = following(2, 1, persistence, seed);
        machine.lose_source_history(ShardIndex(0), 9);
        let mut simulation = Simulation::on(machine);
        for _ in 0..4 {
            some_turns(&mut simulation, 50);
            kill_somebody(&mut simulation);
        }
        live_for(&mut simulation, TimeDelta::seconds(90));
        assert_follows(&mut simulation);
    }
}

#[test]
fn a_shard_gives_nothing_up_for_a_copy_that_cannot_be_had() {
    let mut machine = following(2, 1, Persistence::Disabled, 6);
    let before = machine.pids();
    machine.accept(|record| drop(record.replication.reseeding.insert(ShardIndex(1), None)));
    machine.set_source_away(true);
    let mut simulation = Simulation::on(machine);
    live_for(&mut simulation, TimeDelta::seconds(10));
    assert_eq!(simulation.machine().pids(), before, "a node was stopped\n{}", simulation.story());
    simulation.machine().set_source_away(false);
    live_for(&mut simulation, TimeDelta::seconds(20));
    assert_follows(&mut simulation);
    assert_ne!(simulation.machine().pids(), before);
}

#[test]
fn a_source_that_loses_its_history_again_and_again_leaves_time_to_read() {
    let mut simulation = Simulation::on(following(1, 0, Persistence::Disabled, 2));
    let mut copies = 0;
    for _ in 0..120 {
        let before = simulation.machine().pids();
        simulation.machine().lose_source_history(ShardIndex(0), 1);
        live_for(&mut simulation, TimeDelta::seconds(1));
        copies += u32::from(simulation.machine().pids() != before);
    }
    // Two minutes: at once, and then once a minute; a node that stops in one second and starts in the next counts twice.
    assert!((2..=8).contains(&copies), "{copies}");
}

#[test]
fn a_detachment_at_any_moment_of_seeding_anew_keeps_what_came() {
    for persistence in MODES {
        for turns in (0..60).step_by(2) {
            let mut machine = following(2, 1, persistence, 5);
            machine.lose_source_history(ShardIndex(1), 7);
            let mut simulation = Simulation::on(machine);
            for _ in 0..turns {
                if let Outcome::Looked(look) = simulation.turn() {
                    simulation.rest(&look.plan);
                }
            }
            let is_served = simulation.machine().serving_primary(ShardIndex(1)).is_some();
            let was_placed = simulation.machine().is_seeded(ShardIndex(1));
            simulation.machine().set_source_away(true);
            simulation.machine().accept(|record| {
                record.replication.role = Role::Leaving;
                record.generation = record.generation.next();
                record.shape_generation = record.generation;
            });
            simulation.run(CHANGE_TURNS_MAX);
            live_for(&mut simulation, TimeDelta::seconds(5));
            assert_complete(&simulation);
            let machine = simulation.machine();
            assert_eq!(machine.record().map(|record| record.replication.role.clone()), Some(Role::None));
            if is_served || was_placed || persistence != Persistence::Disabled {
                assert!(machine.keys_of(ShardIndex(1)) > LAG_MAX, "after {turns} turns: {} keys", machine.keys_of(ShardIndex(1)));
            }
        }
    }
}

#[test]
fn a_source_that_is_away_for_long_is_caught_up_with_by_seeding_anew() {
    let mut simulation = Simulation::on(following(1, 1, Persistence::Disabled, 3));
    simulation.machine().set_source_away(true);
    live_for(&mut simulation, TimeDelta::seconds(30));
    let before = simulation.machine().source_writes();
    let nodes = simulation.machine().serials();
    // Without its source it serves what it has, and nothing of it is thrown away.
    assert_complete(&simulation);
    simulation.machine().set_source_away(false);
    simulation.machine().lose_source_history(ShardIndex(0), 5);
    live_for(&mut simulation, TimeDelta::seconds(20));
    assert_follows(&mut simulation);
    assert!(simulation.machine().source_writes() > before.saturating_sub(5));
    assert_eq!(simulation.machine().serials(), nodes, "nodes are kept");
}

#[test]
fn a_crash_at_any_moment_of_a_detachment_only_delays_it() {
    for persistence in MODES {
        let mut machine = following(2, 1, persistence, 9);
        machine.accept(|record| {
            record.replication.role = Role::Leaving;
            record.generation = record.generation.next();
            record.shape_generation = record.generation;
        });
        crash_everywhere(&machine, |simulation| {
            simulation.run(CHANGE_TURNS_MAX);
            live_for(simulation, TimeDelta::seconds(5));
            assert_complete(simulation);
            let role = simulation.machine().record().map(|record| record.replication.role.clone());
            assert_eq!(role, Some(Role::None), "{}", simulation.story());
            let writes = simulation.machine().safe_writes();
            assert!(writes > 0, "nobody could write\n{}", simulation.story());
        });
    }
}

#[test]
fn a_detachment_does_not_wait_for_a_shard_that_is_down_and_clears_it_when_it_is_back() {
    let aof = Persistence::Aof { fsync: AppendFsync::Always };
    let mut simulation = Simulation::on(following(3, 0, aof, 12));
    let zone = {
        let mut machine = simulation.machine();
        let down = machine.serving_primary(ShardIndex(2)).expect("it serves");
        let record = machine.record().expect("is there").clone();
        let zone = record.nodes[&down].zone.clone();
        assert_eq!(record.nodes.values().filter(|node| node.zone == zone).count(), 1, "only that shard is to be down");
        machine.take_zone(&zone, ZoneLoss::Stop);
        zone
    };
    live_for(&mut simulation, TimeDelta::seconds(5));
    simulation.machine().accept(|record| {
        record.replication.role = Role::Leaving;
        record.generation = record.generation.next();
        record.shape_generation = record.generation;
    });
    live_for(&mut simulation, TimeDelta::seconds(10));
    let replication = |simulation: &mut Simulation| simulation.machine().record().map(|record| record.replication.clone());
    let detached = replication(&mut simulation).expect("is there");
    assert_eq!((detached.role, detached.uncleared), (Role::None, [ShardIndex(2)].into()), "{}", simulation.story());
    assert!(simulation.machine().safe_writes() > 0, "nobody can write\n{}", simulation.story());
    simulation.machine().return_zone(&zone);
    live_for(&mut simulation, TimeDelta::seconds(20));
    assert_complete(&simulation);
    assert!(replication(&mut simulation).is_some_and(|replication| replication.uncleared.is_empty()), "{}", simulation.story());
    assert_eq!(simulation.machine().points(), 0);
}

#[test]
fn a_secondary_that_is_deleted_at_any_moment_leaves_nothing() {
    for seed in 0..40 {
        let mut simulation = Simulation::on(accepted(2, 1, Persistence::Disabled, seed));
        some_turns(&mut simulation, 200);
        simulation.machine().accept(|record| record.replication = valkyard_model::Replication::default());
        delete(&mut simulation);
    }
}
