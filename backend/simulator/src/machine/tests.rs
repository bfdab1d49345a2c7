//! The world by itself: that it behaves as engines do, and that its oracle notices harm.

use chrono::TimeDelta;
use valkyard_model::{MoveTarget, MoveWay, NodeId, NodeSerial, ShardIndex, SlotSet, Step, StopManner};

use crate::driver::Simulation;
use crate::engine::Engine;
use crate::instance::accepted_instance;
use crate::machine::Machine;
use crate::slots::{CLIENT_SLOTS, client_slot};

fn complete(shards: i32, replicas: i32) -> Machine {
    let mut simulation = Simulation::new(accepted_instance(shards, replicas), 5);
    simulation.run(600);
    let mut machine = simulation.machine().clone();
    pass(&mut machine, 3_000);
    machine
}

fn pass(machine: &mut Machine, millis: i64) {
    let end = machine.now() + TimeDelta::milliseconds(millis);
    while machine.now() < end {
        machine.pass_until(end);
    }
}

fn primary(machine: &Machine, shard: u16) -> NodeSerial {
    machine.serving_primary(ShardIndex(shard)).expect("it serves")
}

fn replica(machine: &Machine, shard: u16) -> NodeSerial {
    let primary = primary(machine, shard);
    let others = machine.nodes.iter().filter(|(serial, node)| node.shard == ShardIndex(shard) && **serial != primary);
    *others.map(|(serial, _)| serial).next().expect("it has a replica")
}

fn engine(machine: &Machine, serial: NodeSerial) -> &Engine {
    machine.nodes[&serial].engine().expect("it runs")
}

fn id(machine: &Machine, serial: NodeSerial) -> NodeId {
    machine.nodes[&serial].id.clone()
}

fn move_all(machine: &mut Machine, from: NodeSerial, to: NodeSerial, way: MoveWay) {
    let slots: SlotSet = engine(machine, from).conf.own.slots.highest(4_000);
    let address = std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, machine.nodes[&to].port.0);
    let target = MoveTarget { id: id(machine, to), address };
    machine.carry_out(&Step::MoveSlots { node: from, target, slots, way }).expect("it can be done");
}

#[test]
fn slots_that_move_at_once_take_their_keys_along() {
    let mut machine = complete(2, 1);
    let (from, to) = (primary(&machine, 0), primary(&machine, 1));
    move_all(&mut machine, from, to, MoveWay::Atomic);
    assert_eq!(engine(&machine, from).migrations.len(), 1);
    pass(&mut machine, 2_000);
    assert_eq!(engine(&machine, from).conf.own.slots.count(), 4_192);
    assert_eq!(engine(&machine, to).conf.own.slots.count(), 12_192);
    assert_eq!((machine.lost_writes(), machine.objections()), (vec![], &[] as &[String]));
}

#[test]
fn a_copy_that_has_not_heard_of_a_move_claims_the_slots_back_and_loses_what_was_written_since() {
    let mut machine = complete(3, 1);
    let (from, to, heir) = (primary(&machine, 0), primary(&machine, 1), replica(&machine, 0));
    let believed = engine(&machine, heir).conf.clone();
    move_all(&mut machine, from, to, MoveWay::Atomic);
    pass(&mut machine, 3_000);
    assert_eq!(machine.lost_writes(), Vec::<String>::new());
    machine.kill(from);
    let epoch = engine(&machine, heir).conf.current_epoch;
    let deaf = machine.engine_mut(heir).expect("it runs");
    (deaf.conf, deaf.conf.current_epoch) = (believed, epoch);
    machine.carry_out(&Step::TakeOver { node: heir }).expect("its primary is dead");
    pass(&mut machine, 3_000);
    assert!(!machine.lost_writes().is_empty(), "the world forgives what no engine does\n{}", machine.summary());
}

#[test]
fn slots_moved_by_keys_are_whole_at_any_moment() {
    for seed in 0..20 {
        let mut machine = complete(2, 1);
        *machine.random() = crate::random::Random::new(seed);
        let (from, to) = (primary(&machine, 0), primary(&machine, 1));
        for _ in 0..30 {
            move_all(&mut machine, from, to, MoveWay::ByKeys { witnesses: Vec::new() });
            pass(&mut machine, 20);
            assert_eq!(machine.lost_writes(), Vec::<String>::new());
            if engine(&machine, from).conf.own.slots.count() < 5_000 {
                break;
            }
        }
        assert_eq!(machine.objections(), &[] as &[String]);
    }
}

#[test]
fn a_handover_by_agreement_loses_nothing_and_turns_the_primary_into_a_copy() {
    let mut machine = complete(1, 1);
    let (old, new) = (primary(&machine, 0), replica(&machine, 0));
    machine.carry_out(&Step::FailOver { node: new }).expect("it can be done");
    pass(&mut machine, 1_000);
    assert_eq!(primary(&machine, 0), new);
    assert!(engine(&machine, old).is_copy_of(&id(&machine, new)), "{}", machine.summary());
    assert_eq!((machine.lost_writes(), machine.objections()), (vec![], &[] as &[String]));
}

#[test]
fn a_handover_without_links_pauses_writes_and_is_objected_to() {
    let mut machine = complete(1, 1);
    let (old, new) = (primary(&machine, 0), replica(&machine, 0));
    let stranger = id(&machine, new);
    machine.engine_mut(old).expect("it runs").conf.peers.remove(&stranger);
    machine.carry_out(&Step::FailOver { node: new }).expect("the engine accepts it");
    assert_eq!(machine.objections().len(), 1);
    assert_eq!(primary(&machine, 0), old);
}

#[test]
fn a_forgotten_node_stays_forgotten_for_a_minute_and_a_primary_is_not_forgotten_by_its_copy() {
    let mut machine = complete(2, 1);
    let (one, other) = (primary(&machine, 0), replica(&machine, 1));
    let forgotten = id(&machine, other);
    machine.carry_out(&Step::Forget { node: one, peers: vec![forgotten.clone()] }).expect("it can be done");
    pass(&mut machine, 50_000);
    assert!(!engine(&machine, one).knows(&forgotten));
    let leader = id(&machine, primary(&machine, 1));
    assert!(machine.carry_out(&Step::Forget { node: other, peers: vec![leader] }).is_err());
}

#[test]
fn ending_the_only_copy_of_slots_is_objected_to() {
    let mut machine = complete(1, 0);
    let only = primary(&machine, 0);
    machine.carry_out(&Step::StopProcess { node: only, manner: StopManner::Terminate }).expect("it can be done");
    assert_eq!(machine.objections().len(), 1);
}

#[test]
fn clients_write_to_every_slot() {
    let machine = complete(2, 0);
    let written =
        (0..CLIENT_SLOTS).filter(|index| machine.oracle.safe.get(&client_slot(*index)).is_some_and(|set| !set.is_empty()));
    assert!(written.count() > usize::from(CLIENT_SLOTS) / 2);
}
