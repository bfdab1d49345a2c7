//! Data on disk: what each mode promises is there after everything was restarted, and nothing is ever replaced by less.

use chrono::TimeDelta;
use valkyard_model::{
    AppendFsync, Condition, InstanceSpec, NodeSerial, NodeType, Persistence, ShardIndex, SnapshotPeriod, SnapshotSchedule,
    Timestamp, WaitingOn,
};
use valkyard_simulator::{Machine, Outcome, Simulation, accepted_instance};

use crate::crashes::crash_everywhere;
use crate::scenario::{CHANGE_TURNS_MAX, TURNS_MAX, assert_complete, change, live_for};

const EVERY_SEC: Persistence = Persistence::Aof { fsync: AppendFsync::EverySec };
const ALWAYS: Persistence = Persistence::Aof { fsync: AppendFsync::Always };

/// Due first when clients have written for some seconds.
fn hourly() -> Persistence {
    let start = Timestamp::UNIX_EPOCH + TimeDelta::seconds(6);
    Persistence::Rdb(SnapshotSchedule { period: SnapshotPeriod::OneHour, start })
}

fn complete(persistence: Persistence, shards: i32, replicas: i32, seed: u64) -> Simulation {
    let mut record = accepted_instance(shards, replicas);
    record.spec.persistence = persistence;
    let mut simulation = Simulation::new(record, seed);
    simulation.run(TURNS_MAX);
    assert_complete(&simulation);
    live_for(&mut simulation, TimeDelta::seconds(5));
    assert!(simulation.machine().safe_writes() > 0, "nothing was written");
    simulation
}

fn kill_all(simulation: &Simulation) {
    let mut machine = simulation.machine();
    for serial in machine.serials() {
        machine.kill(serial);
    }
}

fn losses(simulation: &Simulation) -> Vec<Option<Timestamp>> {
    let machine = simulation.machine();
    let record = machine.record().expect("it is there");
    record.losses.iter().map(|loss| loss.restored_to).collect()
}

#[test]
fn every_acknowledged_write_is_back_after_all_processes_were_killed() {
    for persistence in [EVERY_SEC, ALWAYS] {
        for (shards, replicas, seed) in [(1, 0, 1), (1, 1, 2), (3, 0, 3), (3, 1, 4), (2, 2, 5)] {
            let mut simulation = complete(persistence, shards, replicas, seed);
            let before = simulation.machine().safe_writes();
            kill_all(&simulation);
            let kept = simulation.machine().safe_writes();
            assert!(replicas > 0 || kept == before, "{kept} of {before} are promised");
            assert!(kept > 0, "nothing is promised");
            simulation.run(TURNS_MAX);
            assert_complete(&simulation);
            assert_eq!(losses(&simulation), [], "{}", simulation.story());
        }
    }
}

#[test]
fn an_outage_of_the_machine_costs_nothing_with_always_and_a_second_with_every_sec() {
    for (persistence, loses) in [(ALWAYS, false), (EVERY_SEC, true)] {
        let mut simulation = complete(persistence, 2, 1, 6);
        let before = simulation.machine().safe_writes();
        simulation.machine().fail_power();
        let after = simulation.machine().safe_writes();
        assert_eq!(before > after, loses, "{before} {after}");
        assert!(after > 0);
        simulation.restart_daemon();
        simulation.run(TURNS_MAX);
        assert_complete(&simulation);
    }
}

#[test]
fn a_crash_at_any_moment_of_coming_back_loses_nothing() {
    for (persistence, shards, replicas) in [(ALWAYS, 1, 1), (EVERY_SEC, 2, 0), (EVERY_SEC, 2, 1)] {
        let simulation = complete(persistence, shards, replicas, 7);
        kill_all(&simulation);
        let machine = simulation.machine().clone();
        crash_everywhere(&machine, |simulation| {
            simulation.run(TURNS_MAX);
            assert_complete(simulation);
            assert_eq!(losses(simulation), [], "{}", simulation.story());
        });
    }
}

#[test]
fn nodes_that_are_killed_again_while_they_come_back_lose_nothing() {
    for seed in 10..40 {
        let mut simulation = complete(ALWAYS, 2, 1, seed);
        for _ in 0..6 {
            kill_all(&simulation);
            let turns = simulation.machine().random().below(40);
            for _ in 0..turns {
                if let Outcome::Looked(look) = simulation.turn() {
                    simulation.rest(&look.plan);
                }
            }
        }
        simulation.run(TURNS_MAX);
        assert_complete(&simulation);
    }
}

#[test]
fn data_that_cannot_be_read_is_told_and_kept_until_it_can() {
    let mut simulation = complete(ALWAYS, 2, 0, 8);
    let node = simulation.machine().serving_primary(ShardIndex(0)).expect("it serves");
    let before = simulation.machine().safe_writes();
    simulation.machine().kill(node);
    simulation.machine().damage(node);
    live_for(&mut simulation, TimeDelta::seconds(30));
    let Outcome::Looked(look) = simulation.turn() else { panic!("nobody crashed it") };
    assert!(look.plan.waiting_on.contains(&WaitingOn::DataToBeReadable(node)), "{:?}", look.plan);
    let is_told = |condition: &Condition| matches!(condition, Condition::DataUnreadable(told, _) if *told == node);
    assert!(look.plan.conditions.iter().any(is_told), "{:?}", look.plan);
    assert_eq!(simulation.machine().serving_primary(ShardIndex(0)), None);
    assert_eq!(losses(&simulation), []);
    simulation.restart_daemon();
    live_for(&mut simulation, TimeDelta::seconds(30));
    simulation.machine().mend(node);
    simulation.run(TURNS_MAX);
    assert_complete(&simulation);
    assert!(simulation.machine().safe_writes() >= before, "promises were voided");
}

#[test]
fn a_damaged_node_is_made_anew_from_the_replica_that_took_over() {
    let mut simulation = complete(ALWAYS, 1, 1, 9);
    let node = simulation.machine().serving_primary(ShardIndex(0)).expect("it serves");
    simulation.machine().kill(node);
    simulation.machine().damage(node);
    simulation.run(TURNS_MAX);
    assert_complete(&simulation);
    assert_eq!(losses(&simulation), []);
}

#[test]
fn a_primary_whose_folder_is_gone_is_replaced_by_its_replicas_copy_and_the_loss_is_told() {
    let mut simulation = complete(ALWAYS, 2, 1, 11);
    let node = simulation.machine().serving_primary(ShardIndex(0)).expect("it serves");
    kill_all(&simulation);
    simulation.machine().lose_folder(node);
    simulation.run(TURNS_MAX);
    assert_complete(&simulation);
    assert!(matches!(losses(&simulation).as_slice(), [Some(_)]), "{:?}\n{}", losses(&simulation), simulation.story());
}

#[test]
fn a_shard_comes_back_with_its_last_snapshot_and_the_loss_is_told() {
    for replicas in [0, 1] {
        let mut simulation = complete(hourly(), 2, replicas, 12);
        live_for(&mut simulation, TimeDelta::seconds(10));
        kill_all(&simulation);
        assert!(simulation.machine().safe_writes() > 0, "no snapshot was written");
        simulation.run(TURNS_MAX);
        assert_complete(&simulation);
        let losses = losses(&simulation);
        assert!(losses.len() == 2 && losses.iter().all(Option::is_some), "{losses:?}");
    }
}

#[test]
fn the_last_snapshot_of_a_shard_outlives_a_takeover_at_any_moment() {
    for seed in 20..50 {
        let mut simulation = complete(hourly(), 1, 1, seed);
        let node = simulation.machine().serving_primary(ShardIndex(0)).expect("it serves");
        simulation.machine().kill(node);
        let turns = simulation.machine().random().below(30);
        for _ in 0..turns {
            if let Outcome::Looked(look) = simulation.turn() {
                simulation.rest(&look.plan);
            }
        }
        kill_all(&simulation);
        let kept = simulation.machine().safe_writes();
        assert!(kept > 0, "no snapshot is promised");
        simulation.run(TURNS_MAX);
        assert_complete(&simulation);
        assert!(simulation.machine().safe_writes() >= kept);
    }
}

#[test]
fn snapshots_that_fail_are_tried_again_and_told() {
    let mut simulation = complete(hourly(), 1, 0, 13);
    simulation.machine().chaos.saves_fail = true;
    live_for(&mut simulation, TimeDelta::seconds(3_700));
    let Outcome::Looked(look) = simulation.turn() else { panic!("nobody crashed it") };
    assert_eq!(look.plan.conditions, [Condition::NotSaved(NodeSerial(1))]);
    simulation.machine().chaos.saves_fail = false;
    live_for(&mut simulation, TimeDelta::seconds(310));
    let Outcome::Looked(look) = simulation.turn() else { panic!("nobody crashed it") };
    assert_eq!(look.plan.conditions, []);
}

#[test]
fn every_mode_is_switched_to_every_other_while_clients_write() {
    let modes = [Persistence::Disabled, EVERY_SEC, hourly(), ALWAYS, Persistence::Disabled, hourly(), EVERY_SEC];
    let mut simulation = complete(Persistence::Disabled, 2, 1, 14);
    for mode in modes {
        change(&mut simulation, |spec| spec.persistence = mode);
    }
    kill_all(&simulation);
    assert!(simulation.machine().safe_writes() > 0, "nothing is promised");
    simulation.run(TURNS_MAX);
    assert_complete(&simulation);
}

#[test]
fn a_crash_at_any_moment_of_a_switch_loses_nothing_that_was_promised_before() {
    for (from, to) in [(EVERY_SEC, hourly()), (hourly(), EVERY_SEC), (Persistence::Disabled, ALWAYS)] {
        let mut simulation = complete(from, 1, 1, 15);
        live_for(&mut simulation, TimeDelta::seconds(1));
        simulation.machine().update(|spec| spec.persistence = to);
        let machine: Machine = simulation.machine().clone();
        crash_everywhere(&machine, |simulation| {
            simulation.run(TURNS_MAX);
            assert_complete(simulation);
        });
    }
}

#[test]
fn what_a_change_of_shape_moved_is_back_after_all_processes_were_killed() {
    let changes: [fn(&mut InstanceSpec); 5] = [
        |spec| spec.shard_count = 3,
        |spec| spec.replica_count = 2,
        |spec| spec.shard_count = 1,
        |spec| spec.node_type = NodeType::HighmemXlarge,
        |spec| spec.replica_count = 0,
    ];
    let mut simulation = complete(ALWAYS, 2, 1, 16);
    for asked in changes {
        change(&mut simulation, asked);
        kill_all(&simulation);
        assert!(simulation.machine().safe_writes() > 0, "nothing is promised");
        simulation.run(CHANGE_TURNS_MAX);
        assert_complete(&simulation);
        assert_eq!(losses(&simulation), [], "{}", simulation.story());
    }
}

#[test]
fn nodes_killed_at_any_moment_of_a_change_of_shape_bring_their_data_back() {
    for seed in 50..70 {
        let mut simulation = complete(EVERY_SEC, 2, 1, seed);
        simulation.machine().update(|spec| spec.shard_count = 3);
        let turns = simulation.machine().random().below(200);
        for _ in 0..turns {
            if let Outcome::Looked(look) = simulation.turn() {
                simulation.rest(&look.plan);
            }
        }
        kill_all(&simulation);
        simulation.run(CHANGE_TURNS_MAX);
        assert_complete(&simulation);
    }
}

#[test]
fn a_log_that_cannot_be_replaced_by_a_snapshot_is_kept_and_the_change_given_up() {
    let mut simulation = complete(EVERY_SEC, 1, 0, 17);
    simulation.machine().chaos.saves_fail = true;
    simulation.machine().update(|spec| spec.persistence = hourly());
    live_for(&mut simulation, TimeDelta::seconds(120));
    let abandoned = simulation.machine().abandoned().to_vec();
    assert!(matches!(abandoned.as_slice(), [failure] if failure.message.contains("cannot write")), "{abandoned:?}");
    simulation.run(TURNS_MAX);
    assert_complete(&simulation);
    kill_all(&simulation);
    simulation.run(TURNS_MAX);
    assert_complete(&simulation);
    assert_eq!(losses(&simulation), []);
}
