use valkyard_model::{FailureCode, Generation, Lifecycle, OperationId, OperationState};
use valkyard_store::OperationError;

use crate::scene::{Scene, at, failed_with, instance_of};

#[tokio::test]
async fn a_cancelled_creation_ends_as_cancelled_when_nothing_is_left() {
    let scene = Scene::in_memory();
    let create = scene.create("cache-1", at(0)).await;
    let cancelled = scene.store.request_cancel(&create.id, at(1)).await.expect("is noted");
    assert!(cancelled.cancel_requested && cancelled.state == OperationState::Running);
    let lifecycle = scene.instance("cache-1").await.lifecycle;
    assert!(matches!(&lifecycle, Lifecycle::Abandoned { failure } if failure.code == FailureCode::Cancelled), "{lifecycle:?}");

    scene.converge(&create, at(1)).await;
    assert_eq!(scene.operation(&create).await.state, OperationState::Running, "it is too late to succeed");

    scene.store.remove_instance(instance_of(&create), create.target_uid, at(2)).await.expect("is removed");
    let ended = scene.operation(&create).await;
    assert!(ended.cancel_requested);
    assert_eq!(failed_with(&ended), Some(FailureCode::Cancelled));
}

#[tokio::test]
async fn a_cancelled_change_of_nodes_ends_at_once_and_the_instance_goes_back() {
    let scene = Scene::in_memory();
    let before = scene.created("cache-1", at(0)).await;
    let update = scene.update("cache-1", before.generation, at(1)).await.expect("is accepted");
    let cancelled = scene.store.request_cancel(&update.id, at(2)).await.expect("is noted");
    assert!(cancelled.cancel_requested);
    assert_eq!(failed_with(&cancelled), Some(FailureCode::Cancelled));
    let after = scene.instance("cache-1").await;
    assert_eq!((after.spec, after.maxmemory), (before.spec, before.maxmemory));
    assert_eq!((after.generation, after.shape_generation, after.update_time), (Generation(3), Generation(3), at(2)));
    let again = scene.store.request_cancel(&update.id, at(3)).await.expect("is harmless");
    assert_eq!(again, cancelled);
    assert_eq!(scene.instance("cache-1").await.generation, Generation(3));
}

#[tokio::test]
async fn an_update_that_concerns_no_node_goes_on_with_only_the_wish_noted() {
    let scene = Scene::in_memory();
    scene.created("cache-1", at(0)).await;
    let update = scene.label("cache-1", at(1)).await;
    scene.store.request_cancel(&update.id, at(1)).await.expect("is noted");
    assert_eq!(scene.instance("cache-1").await.generation, update.generation);
    scene.converge(&update, at(2)).await;
    let ended = scene.operation(&update).await;
    assert!(ended.cancel_requested && matches!(ended.state, OperationState::Succeeded { .. }), "{ended:?}");
}

#[tokio::test]
async fn a_deletion_goes_on() {
    let scene = Scene::in_memory();
    scene.created("cache-1", at(0)).await;
    let delete = scene.delete("cache-1", at(1)).await.expect("is accepted");
    scene.store.request_cancel(&delete.id, at(1)).await.expect("is noted");
    assert_eq!(scene.instance("cache-1").await.lifecycle, Lifecycle::Deleting);
}

#[tokio::test]
async fn a_finished_operation_cannot_be_cancelled_any_more_and_an_unknown_one_is_not_found() {
    let scene = Scene::in_memory();
    let create = scene.create("cache-1", at(0)).await;
    scene.converge(&create, at(1)).await;
    let late = scene.store.request_cancel(&create.id, at(1)).await.expect("is harmless");
    assert!(!late.cancel_requested && matches!(late.state, OperationState::Succeeded { .. }));
    assert_eq!(scene.instance("cache-1").await.lifecycle, Lifecycle::Present);
    let unknown = scene.store.request_cancel(&OperationId::from_client("operation-0-none"), at(1)).await;
    assert!(matches!(unknown, Err(OperationError::NotFound { .. })));
}
