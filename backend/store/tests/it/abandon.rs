//! What an instance was when it was last complete, and the way back to it.

use valkyard_model::{ByteSize, Convergence, FailureCode, Generation, Lifecycle, OperationState, Settled};
use valkyard_store::UpdateError;

use crate::scene::{Scene, at, failed_with, failure, instance_of, spec};

#[tokio::test]
async fn an_instance_is_settled_with_what_it_was_complete_with() {
    let scene = Scene::in_memory();
    let create = scene.create("cache-1", at(0)).await;
    assert_eq!(scene.instance("cache-1").await.settled, None);
    scene.converge(&create, at(1)).await;
    let complete = scene.instance("cache-1").await;
    let first = Settled { spec: spec(3), maxmemory: ByteSize(64 << 20) };
    assert_eq!(complete.settled.as_ref(), Some(&first));
    assert!(!complete.is_changing());

    let update = scene.update("cache-1", complete.generation, at(2)).await.expect("is accepted");
    let changing = scene.instance("cache-1").await;
    assert_eq!((changing.spec.shard_count, changing.maxmemory), (5, ByteSize(32 << 20)));
    assert!(changing.is_changing() && changing.settled == Some(first.clone()));
    scene.store.record_converged(&changing.name, changing.uid, Generation(1), at(3)).await.expect("is harmless");
    assert_eq!(scene.instance("cache-1").await.settled, Some(first), "an older look says nothing of the new spec");

    scene.converge(&update, at(4)).await;
    let changed = scene.instance("cache-1").await;
    assert_eq!(changed.settled, Some(Settled { spec: spec(5), maxmemory: ByteSize(32 << 20) }));
    assert!(!changed.is_changing());
}

#[tokio::test]
async fn labels_change_neither_memory_nor_nodes_and_settle_with_the_next_look() {
    let scene = Scene::in_memory();
    let before = scene.created("cache-1", at(0)).await;
    let update = scene.label("cache-1", at(1)).await;
    let labelled = scene.instance("cache-1").await;
    assert_eq!(labelled.maxmemory, before.maxmemory);
    assert!(!labelled.is_changing());
    scene.converge(&update, at(2)).await;
    assert_eq!(scene.instance("cache-1").await.settled.expect("is settled").spec, labelled.spec);
}

#[tokio::test]
async fn an_abandoned_change_goes_back_as_a_change_of_its_own() {
    let scene = Scene::in_memory();
    let before = scene.created("cache-1", at(0)).await;
    let update = scene.update("cache-1", before.generation, at(1)).await.expect("is accepted");
    for (code, now) in [(FailureCode::ResourceExhausted, at(2)), (FailureCode::Internal, at(3))] {
        scene.store.abandon_update(&before.name, before.uid, failure(code), now).await.expect("is recorded");
    }
    let ended = OperationState::Failed { end_time: at(2), failure: failure(FailureCode::ResourceExhausted) };
    assert_eq!(scene.operation(&update).await.state, ended, "the first reason stays");
    let back = scene.instance("cache-1").await;
    assert_eq!((&back.spec, back.maxmemory, &back.settled), (&before.spec, before.maxmemory, &before.settled));
    assert_eq!((back.generation, back.shape_generation, back.update_time), (Generation(3), Generation(3), at(2)));
    assert_eq!(back.convergence, Convergence::At { generation: Generation(1) });
    assert!(back.is_changing(), "going back is work too");

    let early = scene.update("cache-1", back.generation, at(4)).await;
    assert!(matches!(early, Err(UpdateError::GoingBack)), "two changes of nodes at once: {early:?}");
    assert_eq!(scene.instance("cache-1").await, back);
    scene.label("cache-1", at(4)).await;
    scene.store.record_converged(&back.name, back.uid, Generation(4), at(5)).await.expect("is recorded");
    let next = scene.update("cache-1", Generation(4), at(6)).await.expect("it is back");
    scene.converge(&next, at(7)).await;
    assert!(matches!(scene.operation(&next).await.state, OperationState::Succeeded { .. }));
}

#[tokio::test]
async fn only_changes_of_nodes_under_way_can_be_abandoned() {
    let scene = Scene::in_memory();
    let creating = scene.create("cache-1", at(0)).await;
    scene.created("cache-2", at(0)).await;
    let labels = scene.label("cache-2", at(1)).await;
    let leaving = scene.created("cache-3", at(0)).await;
    let update = scene.update("cache-3", leaving.generation, at(1)).await.expect("is accepted");
    let deletion = scene.delete("cache-3", at(1)).await.expect("is accepted");
    for operation in [&creating, &labels, &deletion] {
        let before = scene.instance(instance_of(operation).instance.as_str()).await;
        let abandoned = failure(FailureCode::Internal);
        scene.store.abandon_update(instance_of(operation), operation.target_uid, abandoned, at(2)).await.expect("is harmless");
        assert_eq!(scene.instance(instance_of(operation).instance.as_str()).await, before);
        assert_eq!(scene.operation(operation).await.state, OperationState::Running);
    }
    assert_eq!(scene.instance("cache-3").await.lifecycle, Lifecycle::Deleting);
    assert_eq!(failed_with(&scene.operation(&update).await), Some(FailureCode::Aborted));
}
