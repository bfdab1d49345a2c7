//! Properties of every plan: any desired instance × any observation.

use chrono::TimeDelta;
use proptest::prelude::*;
use valkyard_model::{
    ConfigEpoch, Convergence, DesiredInstance, ExitSeen, Failure, FailureCode, Generation, Lifecycle, LinkState, NodeSerial,
    Observation, Seen, Settled, StepKind, Zone, ZoneDistribution, ZoneDraft,
};
use valkyard_planner::{check, plan};

use crate::script::nodes::{NodeScript, Sight};
use crate::script::{Ownership, World, allocate, instance};

fn sight() -> impl Strategy<Value = Sight> {
    prop_oneof![3 => Just(Sight::Known), 3 => Just(Sight::Absent), 1 => Just(Sight::Unknown)]
}

/// Mostly as it should be, so that worlds are often interesting rather than always broken.
fn rarely() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.15)
}

prop_compose! {
    fn any_node()(
        (files, process, engine) in prop_oneof![
            2 => Just((Sight::Known, Sight::Known, Sight::Known)),
            2 => Just((Sight::Known, Sight::Absent, Sight::Absent)),
            3 => (sight(), sight(), sight()),
        ],
        (is_unseen, is_foreign, is_loading, is_unsettled) in (rarely(), rarely(), rarely(), rarely()),
        (is_alone, is_empty) in (rarely(), rarely()),
        link in prop_oneof![Just(LinkState::Up), Just(LinkState::Down), Just(LinkState::Syncing)],
        (offset, starts, stops, ages) in (0_u64..3, 0_u32..8, 0_u32..4, [0_i64..6_000, 0_i64..6_000, 0_i64..6_000]),
        has_exited in any::<bool>(),
    ) -> NodeScript {
        let mut node = NodeScript {
            files, process, engine, is_unseen, is_foreign, is_loading, is_unsettled, is_alone, is_empty, offset,
            link: Some(link),
            ..NodeScript::default()
        };
        let base = instance(1, 0, ZoneDraft::MultiZone).create_time + TimeDelta::seconds(10);
        let at = |age: i64| base - TimeDelta::milliseconds(age);
        node.history.starts = starts;
        node.history.stops = stops;
        node.history.last_start = (starts > 0).then(|| at(ages[0]));
        node.history.last_stop = (stops > 0).then(|| at(ages[1]));
        let exit = || ExitSeen { at: at(ages[2]), status: "exit 1".to_owned(), log_tail: String::new(), unreadable: None };
        node.history.last_exit = has_exited.then(exit);
        node
    }
}

fn any_lifecycle() -> impl Strategy<Value = Lifecycle> {
    let failure = Failure { code: FailureCode::Internal, message: "of old".to_owned() };
    prop_oneof![4 => Just(Lifecycle::Present), 1 => Just(Lifecycle::Deleting), 1 => Just(Lifecycle::Abandoned { failure })]
}

prop_compose! {
    fn any_world()(shape in (1_i32..5, 0_i32..4))(
        nodes in prop::collection::vec(any_node(), usize::try_from(shape.0 * (1 + shape.1)).expect("small")),
        owners in prop::collection::vec((0_usize..4, 1_u64..9, any::<bool>()), 4),
        lifecycle in any_lifecycle(),
        (has_converged, is_partly_allocated, seconds) in (any::<bool>(), rarely(), 0_i64..200),
        discovery in 0_u8..3,
        faults in prop::collection::vec((0_u32..6, 1_u32..12, 0_i64..6_000), 0..3),
        shape in Just(shape),
    ) -> World {
        let mut world = World::parse(&format!("instance shards={} replicas={}", shape.0, shape.1)).expect("parses");
        world.desired.lifecycle = lifecycle;
        if has_converged {
            world.desired.convergence = Convergence::At { generation: Generation::FIRST };
            let (spec, maxmemory) = (world.desired.spec.clone(), world.desired.maxmemory);
            world.desired.settled = Some(Settled { spec, maxmemory });
        }
        world.now += TimeDelta::seconds(seconds);
        world.nodes = world.desired.nodes.keys().copied().zip(nodes).collect();
        for (index, (member, epoch, is_untold)) in owners.into_iter().enumerate() {
            let members: Vec<_> = world.desired.nodes.values().filter(|node| usize::from(node.shard.0) == index).collect();
            let Some(node) = members.get(member % members.len().max(1)) else { continue };
            let owner = Ownership { node: node.serial, epoch: ConfigEpoch(epoch) };
            let owners = if is_untold { &mut world.untold } else { &mut world.owners };
            owners.insert(node.shard, owner);
        }
        if is_partly_allocated && let Some(serial) = world.nodes.keys().copied().last() {
            let is_owner = world.owners.values().chain(world.untold.values()).any(|owner| owner.node == serial);
            if !is_owner {
                world.nodes.remove(&serial);
                world.desired.nodes.remove(&serial);
                world.desired.next_serial = serial;
            }
        }
        world.apply(["discovery closed", "discovery unknown", "discovery open"][usize::from(discovery)]).expect("parses");
        for (node, attempts, ago) in faults {
            world.apply(&format!("fault start-process n{node} transient attempts={attempts} ago={ago}")).expect("parses");
        }
        world
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_plan_breaks_an_invariant(world in any_world()) {
        let (desired, observed) = world.look();
        let plan = plan(&desired, &observed, observed.at);
        prop_assert_eq!(check(&desired, &observed, &plan), Vec::new(), "{:#?}", plan.steps);
    }

    #[test]
    fn the_same_look_gives_the_same_plan_and_the_loop_never_spins(world in any_world()) {
        let (desired, observed) = world.look();
        let first = plan(&desired, &observed, observed.at);
        prop_assert_eq!(&first, &plan(&desired, &observed, observed.at));
        prop_assert!(first.look_again_in.as_millis() >= 10);
    }

    #[test]
    fn an_instance_that_should_exist_always_gets_a_step_or_a_reason_or_is_complete(world in any_world()) {
        let (mut desired, observed) = world.look();
        (desired.generation, desired.shape_generation) = (Generation(u64::MAX), Generation(u64::MAX));
        let plan = plan(&desired, &observed, observed.at);
        prop_assert!(!plan.steps.is_empty() || !plan.waiting_on.is_empty() || matches!(observed.discovery, Seen::Unknown));
    }
}

fn shapes() -> impl Iterator<Item = (i32, i32)> {
    (1..9).flat_map(|shards| (0..6).map(move |replicas| (shards, replicas)))
}

#[test]
fn a_converged_world_gets_no_steps_in_any_shape() {
    for (shards, replicas) in shapes() {
        let line = format!("instance shards={shards} replicas={replicas} converged");
        let (desired, observed) = World::parse(&line).expect("parses").look();
        let plan = plan(&desired, &observed, observed.at);
        assert_eq!((plan.steps, plan.waiting_on, plan.conditions), (vec![], vec![], vec![]), "{line}");
    }
}

#[test]
fn layouts_spread_shards_and_primaries_over_zones_up_to_the_largest_shape() {
    for (shards, replicas) in shapes().chain([(250, 0), (125, 1), (83, 2), (41, 5)]) {
        let mut desired = instance(shards, replicas, ZoneDraft::MultiZone);
        allocate(&mut desired);
        assert_eq!(u32::try_from(desired.nodes.len()), Ok(desired.spec.node_count()));
        let count = |zone: &Zone, only: Option<u16>| {
            let nodes = desired.nodes.values().filter(|node| only.is_none_or(|shard| node.shard.0 == shard));
            nodes.filter(|node| node.zone == *zone).count()
        };
        let is_even = |only: Option<u16>| {
            let counts = Zone::all_of(&desired.name.location).map(|zone| count(&zone, only));
            counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1
        };
        assert!(is_even(None), "{shards} shards × {replicas} replicas crowd a zone");
        assert!(
            (0..desired.spec.shard_count).all(|shard| is_even(Some(shard))),
            "a shard of {shards} × {replicas} crowds a zone"
        );
    }
}

#[test]
fn single_zone_layouts_stay_in_their_zone() {
    let zone = "us-central1-b".to_owned();
    let mut desired = instance(3, 2, ZoneDraft::SingleZone { zone });
    allocate(&mut desired);
    let ZoneDistribution::SingleZone { zone } = &desired.spec.zones else { panic!("not a single zone") };
    assert!(desired.nodes.values().all(|node| node.zone == *zone) && desired.nodes.len() == 9);
}

/// A plan that no planner would make, to see the invariant that forbids it.
fn violations_of(script: &[&str], steps: Vec<valkyard_model::Step>) -> Vec<valkyard_planner::Violation> {
    let mut world = World::parse(script[0]).expect("parses");
    for line in &script[1..] {
        world.apply(line).expect("parses");
    }
    let (desired, observed): (DesiredInstance, Observation) = world.look();
    let mut plan = plan(&desired, &observed, observed.at);
    plan.steps = steps;
    check(&desired, &observed, &plan)
}

#[test]
fn forbidden_plans_are_found() {
    use valkyard_model::{NodeId, Step, StopManner};
    use valkyard_planner::Violation;
    let n = NodeSerial;
    let uid = instance(1, 0, ZoneDraft::MultiZone).uid;
    let start = |node| Step::StartProcess { node, engine: "VALKEY_9_1".parse().expect("valid"), seed: None, load: None };
    let shard = ["instance shards=1 replicas=2 converged", "n1 dead"];
    assert_eq!(violations_of(&shard, vec![start(n(1))]), [Violation::WakesOverReplicas { node: n(1) }]);
    assert_eq!(violations_of(&shard, vec![start(n(9))]), [Violation::NotAllocated { node: n(9), step: StepKind::StartProcess }]);
    let both = vec![Step::TakeOver { node: n(2) }, Step::TakeOver { node: n(3) }];
    assert_eq!(violations_of(&shard, both), [Violation::TwoDisruptions { shard: valkyard_model::ShardIndex(0) }]);
    let hung = ["instance shards=1 replicas=1 converged", "n1 silent"];
    let primary = NodeId::derive(uid, n(1));
    assert_eq!(
        violations_of(&hung, vec![Step::TakeOver { node: n(2) }]),
        [Violation::PromotedOnIgnorance { node: n(2), primary }]
    );
    let kill = Step::StopProcess { node: n(1), manner: StopManner::Kill };
    assert_eq!(
        violations_of(&hung, vec![start(n(1)), kill]),
        [
            Violation::TwoStepsForNode { node: n(1) },
            Violation::NotCertainlyDead { node: n(1), step: StepKind::StartProcess },
            Violation::WakesOverReplicas { node: n(1) }
        ]
    );
    let leaving = ["instance shards=1 replicas=0 converged", "deleting"];
    assert_eq!(violations_of(&leaving, vec![Step::RemoveInstance]), [Violation::RemovedTooEarly { node: None }]);
    assert_eq!(
        violations_of(&leaving, vec![Step::RemoveFiles { node: n(1) }]),
        [Violation::NotCertainlyDead { node: n(1), step: StepKind::RemoveFiles }]
    );
    let converged = Step::RecordConverged { generation: Generation::FIRST };
    assert_eq!(
        violations_of(&["instance shards=1 replicas=0 creating"], vec![converged]),
        [Violation::ConvergedUnseen { node: n(1) }]
    );
}
