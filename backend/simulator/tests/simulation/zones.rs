//! Whole zones go and come back, alone and while an instance is changed.

use chrono::TimeDelta;
use valkyard_model::{ShardIndex, Zone};
use valkyard_simulator::{Simulation, ZoneLoss};

use crate::scenario::{CHANGE_TURNS_MAX, assert_complete, complete_machine, delete, live_for};

/// How long a zone is away: longer than any patience of the planner.
const ABSENCE: TimeDelta = TimeDelta::seconds(30);

fn zones(simulation: &Simulation) -> [Zone; 3] {
    Zone::all_of(&simulation.machine().record().expect("it exists").name.location)
}

#[test]
fn a_lost_zone_costs_no_shard_its_service_and_nothing_when_it_comes_back() {
    for loss in [ZoneLoss::Stop, ZoneLoss::Hang] {
        for (shards, replicas) in [(1, 1), (3, 1), (3, 2)] {
            for index in 0..3 {
                let mut simulation = Simulation::on(complete_machine(shards, replicas, 90));
                let zone = zones(&simulation)[index].clone();
                simulation.machine().take_zone(&zone, loss);
                live_for(&mut simulation, ABSENCE);
                for shard in (0..u16::try_from(shards).expect("small")).map(ShardIndex) {
                    let serving = simulation.machine().serving_primary(shard);
                    assert!(serving.is_some(), "{shard} is down, {zone:?} out by {loss:?}\n{}", simulation.machine().summary());
                }
                simulation.machine().return_zone(&zone);
                simulation.run(CHANGE_TURNS_MAX);
                assert_complete(&simulation);
            }
        }
    }
}

#[test]
fn an_instance_that_changes_while_a_zone_is_away_is_complete_when_it_is_back() {
    for loss in [ZoneLoss::Stop, ZoneLoss::Hang] {
        for index in 0..3 {
            let mut simulation = Simulation::on(complete_machine(2, 1, 91));
            let zone = zones(&simulation)[index].clone();
            simulation.machine().take_zone(&zone, loss);
            simulation.machine().update(|spec| spec.shard_count = 3);
            live_for(&mut simulation, ABSENCE);
            simulation.machine().return_zone(&zone);
            simulation.run(CHANGE_TURNS_MAX);
            assert_complete(&simulation);
            delete(&mut simulation);
        }
    }
}
