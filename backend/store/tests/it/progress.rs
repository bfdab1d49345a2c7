use uuid::Uuid;
use valkyard_model::{
    AdminSecret, Convergence, DataLoss, DesiredInstance, FailureCode, Generation, Lifecycle, NodeSerial, OperationResult,
    OperationState, Port, ShardIndex, Uid,
};
use valkyard_store::ProgressError;

use crate::scene::{Scene, at, failed_with, failure, instance_of, named, node};

#[tokio::test]
async fn allocated_nodes_are_durable_and_repeating_is_harmless() {
    let scene = Scene::in_memory();
    let create = scene.create("cache-1", at(0)).await;
    let (name, uid) = (instance_of(&create), create.target_uid);
    let nodes = vec![node(uid, 0), node(uid, 1)];
    for _ in 0..2 {
        scene.store.allocate_nodes(name, uid, nodes.clone()).await.expect("is recorded");
    }
    scene.store.allocate_nodes(name, uid, vec![node(uid, 1), node(uid, 2)]).await.expect("is recorded");
    let instance = scene.instance("cache-1").await;
    assert_eq!(instance.nodes.into_values().collect::<Vec<_>>(), [node(uid, 0), node(uid, 1), node(uid, 2)]);
    assert_eq!(instance.next_serial, NodeSerial(3));
}

#[tokio::test]
async fn contradicting_allocations_are_refused_whole() {
    let scene = Scene::in_memory();
    let create = scene.create("cache-1", at(0)).await;
    let (name, uid) = (instance_of(&create), create.target_uid);
    scene.store.allocate_nodes(name, uid, vec![node(uid, 0), node(uid, 3)]).await.expect("is recorded");

    let mut other_content = node(uid, 0);
    other_content.port = Port(11_900);
    let mut taken_port = node(uid, 5);
    taken_port.bus_port = node(uid, 3).bus_port;
    for (bad, serial) in [(other_content, 0), (taken_port, 5)] {
        let refused = scene.store.allocate_nodes(name, uid, vec![node(uid, 4), bad]).await;
        let conflict = matches!(refused, Err(ProgressError::AllocationConflict { serial: found }) if found == NodeSerial(serial));
        assert!(conflict, "{refused:?}");
    }
    let spent = scene.store.allocate_nodes(name, uid, vec![node(uid, 1)]).await;
    assert!(matches!(spent, Err(ProgressError::SerialSpent { serial: NodeSerial(1) })), "{spent:?}");
    assert_eq!(scene.instance("cache-1").await.nodes.len(), 2);
}

#[tokio::test]
async fn convergence_ends_the_creation_with_a_snapshot() {
    let scene = Scene::in_memory();
    let create = scene.create("cache-1", at(0)).await;
    let (name, uid) = (instance_of(&create), create.target_uid);
    scene.store.allocate_nodes(name, uid, vec![node(uid, 0)]).await.expect("is recorded");
    scene.converge(&create, at(7)).await;
    let instance = scene.instance("cache-1").await;
    assert_eq!(instance.convergence, Convergence::At { generation: Generation::FIRST });
    let snapshot = DesiredInstance { secret: AdminSecret::withheld(), ..instance };
    let expected = OperationState::Succeeded { end_time: at(7), result: Some(OperationResult::Instance(Box::new(snapshot))) };
    assert_eq!(scene.operation(&create).await.state, expected);
    scene.converge(&create, at(9)).await;
    assert_eq!(scene.operation(&create).await.state, expected, "an operation ends once");
}

#[tokio::test]
async fn convergence_never_goes_backwards_nor_ahead() {
    let scene = Scene::in_memory();
    let before = scene.created("cache-1", at(0)).await;
    let update = scene.update("cache-1", before.generation, at(1)).await.expect("is accepted");
    let record = |generation| scene.store.record_converged(&before.name, before.uid, generation, at(2));
    record(Generation(1)).await.expect("is harmless");
    assert_eq!(scene.operation(&update).await.state, OperationState::Running, "an older generation does not end it");
    record(Generation(2)).await.expect("is recorded");
    record(Generation(1)).await.expect("is harmless");
    assert_eq!(scene.instance("cache-1").await.convergence, Convergence::At { generation: Generation(2) });
    let ahead = record(Generation(3)).await;
    assert!(matches!(ahead, Err(ProgressError::Unaccepted { accepted: Generation(2), .. })), "{ahead:?}");
}

#[tokio::test]
async fn convergence_does_not_end_a_deletion() {
    let scene = Scene::in_memory();
    let instance = scene.created("cache-1", at(0)).await;
    let delete = scene.delete("cache-1", at(1)).await.expect("is accepted");
    scene.store.record_converged(&instance.name, instance.uid, delete.generation, at(2)).await.expect("is harmless");
    assert_eq!(scene.operation(&delete).await.state, OperationState::Running);
    assert!(!scene.instance("cache-1").await.convergence.has_reached(delete.generation));
}

#[tokio::test]
async fn a_failed_creation_reports_its_failure_when_nothing_is_left() {
    let scene = Scene::in_memory();
    let create = scene.create("cache-1", at(0)).await;
    let (name, uid) = (instance_of(&create), create.target_uid);
    let wanted = scene.store.remove_instance(name, uid, at(1)).await;
    assert!(matches!(wanted, Err(ProgressError::StillWanted { .. })), "{wanted:?}");
    for code in [FailureCode::ResourceExhausted, FailureCode::Internal] {
        scene.store.abandon_create(name, uid, failure(code), at(0)).await.expect("is recorded");
    }
    let lifecycle = scene.instance("cache-1").await.lifecycle;
    assert_eq!(lifecycle, Lifecycle::Abandoned { failure: failure(FailureCode::ResourceExhausted) }, "the first reason stays");
    assert_eq!(scene.operation(&create).await.state, OperationState::Running);
    scene.store.remove_instance(name, uid, at(2)).await.expect("is removed");
    assert_eq!(failed_with(&scene.operation(&create).await), Some(FailureCode::ResourceExhausted));
    scene.create("cache-1", at(3)).await;
}

#[tokio::test]
async fn only_creations_under_way_can_be_given_up() {
    let scene = Scene::in_memory();
    let instance = scene.created("cache-1", at(0)).await;
    let late = scene.store.abandon_create(&instance.name, instance.uid, failure(FailureCode::Internal), at(0)).await;
    assert!(matches!(late, Err(ProgressError::AlreadyCreated { .. })), "{late:?}");
    scene.delete("cache-1", at(1)).await.expect("is accepted");
    scene.store.abandon_create(&instance.name, instance.uid, failure(FailureCode::Internal), at(0)).await.expect("is harmless");
    assert_eq!(scene.instance("cache-1").await.lifecycle, Lifecycle::Deleting);
}

#[tokio::test]
async fn progress_of_another_incarnation_is_refused() {
    let scene = Scene::in_memory();
    let create = scene.create("cache-1", at(0)).await;
    let (name, former) = (instance_of(&create), Uid(Uuid::from_u128(999)));
    let store = &scene.store;
    let refusals = [
        store.allocate_nodes(name, former, vec![node(former, 0)]).await,
        store.record_converged(name, former, Generation::FIRST, at(1)).await,
        store.abandon_create(name, former, failure(FailureCode::Internal), at(0)).await,
        store.remove_instance(name, former, at(1)).await,
        store.abandon_update(name, former, failure(FailureCode::Internal), at(1)).await,
        store.retire_nodes(name, former, Vec::new()).await,
        store.release_nodes(name, former, Vec::new()).await,
        store.record_data_loss(name, former, DataLoss { shard: ShardIndex(0), at: at(1), restored_to: None }).await,
    ];
    for refused in refusals {
        let replaced = matches!(&refused, Err(ProgressError::Replaced { expected, found, .. })
            if *expected == former && *found == create.target_uid);
        assert!(replaced, "{refused:?}");
    }
    assert_eq!(scene.instance("cache-1").await.nodes.len(), 0);
    let nobody = store.record_converged(&named("cache-2"), former, Generation::FIRST, at(1)).await;
    assert!(matches!(nobody, Err(ProgressError::Gone { .. })), "{nobody:?}");
}
