use valkyard_model::{FailureCode, Generation, Lifecycle, OperationId, OperationState, Verb};
use valkyard_store::{CreateInstance, DeleteError, DeleteInstance, OperationError};

use crate::scene::{Scene, all_free, at, failed_with, failure, instance_of, key, named, protected};

#[tokio::test]
async fn a_deletion_overtakes_the_creation() {
    let scene = Scene::in_memory();
    let create = scene.create("cache-1", at(0)).await;
    let delete = scene.delete("cache-1", at(1)).await.expect("is accepted");
    let instance = scene.instance("cache-1").await;
    assert_eq!((instance.lifecycle, instance.generation, instance.update_time), (Lifecycle::Deleting, Generation(2), at(1)));
    assert_eq!((delete.verb, &delete.state), (Verb::Delete, &OperationState::Running));
    assert_eq!(failed_with(&scene.operation(&create).await), Some(FailureCode::Aborted));
}

#[tokio::test]
async fn a_deletion_overtakes_an_update() {
    let scene = Scene::in_memory();
    let before = scene.created("cache-1", at(0)).await;
    let update = scene.update("cache-1", before.generation, at(1)).await.expect("is accepted");
    scene.delete("cache-1", at(2)).await.expect("is accepted");
    assert_eq!(failed_with(&scene.operation(&update).await), Some(FailureCode::Aborted));
}

#[tokio::test]
async fn deleting_a_failed_creation_keeps_the_reason_of_its_failure() {
    let scene = Scene::in_memory();
    let create = scene.create("cache-1", at(0)).await;
    let reason = failure(FailureCode::ResourceExhausted);
    scene.store.abandon_create(instance_of(&create), create.target_uid, reason, at(0)).await.expect("is recorded");
    scene.delete("cache-1", at(1)).await.expect("is accepted");
    assert_eq!(failed_with(&scene.operation(&create).await), Some(FailureCode::ResourceExhausted));
}

#[tokio::test]
async fn a_deletion_succeeds_when_the_record_goes() {
    let scene = Scene::in_memory();
    let instance = scene.created("cache-1", at(0)).await;
    let delete = scene.delete("cache-1", at(1)).await.expect("is accepted");
    scene.store.remove_instance(&instance.name, instance.uid, at(2)).await.expect("is removed");
    assert_eq!(scene.operation(&delete).await.state, OperationState::Succeeded { end_time: at(2), result: None });
    assert_eq!(scene.store.instance(&instance.name).await.expect("reads"), None);
    scene.store.remove_instance(&instance.name, instance.uid, at(3)).await.expect("again is fine");
    assert_eq!(scene.operation(&delete).await.state, OperationState::Succeeded { end_time: at(2), result: None });
}

#[tokio::test]
async fn protected_unknown_and_deleting_instances_are_not_deleted() {
    let scene = Scene::in_memory();
    let creation = CreateInstance { spec: protected(), ..scene.creation("cache-1", at(0)) };
    scene.store.create_instance(creation, all_free).await.expect("is accepted");
    assert!(matches!(scene.delete("cache-1", at(1)).await, Err(DeleteError::Protected { .. })));
    assert_eq!(scene.instance("cache-1").await.lifecycle, Lifecycle::Present);

    assert!(matches!(scene.delete("cache-2", at(1)).await, Err(DeleteError::NotFound { .. })));

    scene.create("cache-3", at(1)).await;
    let first = scene.delete("cache-3", at(2)).await.expect("is accepted");
    let second = scene.delete("cache-3", at(3)).await;
    assert!(matches!(second, Err(DeleteError::AlreadyDeleting { operation }) if operation == first.id));
}

#[tokio::test]
async fn a_repeated_deletion_returns_its_operation_even_after_the_end() {
    let scene = Scene::in_memory();
    let instance = scene.created("cache-1", at(0)).await;
    let delete = |now, digest| DeleteInstance {
        name: named("cache-1"),
        operation_id: OperationId::new(now, uuid::Uuid::from_u128(77)),
        request: Some(key(3, digest)),
        now,
    };
    let first = scene.store.delete_instance(delete(at(1), "delete")).await.expect("is accepted");
    scene.store.remove_instance(&instance.name, instance.uid, at(2)).await.expect("is removed");
    let again = scene.store.delete_instance(delete(at(3), "delete")).await.expect("is repeated");
    assert_eq!(again.id, first.id);
    assert!(matches!(again.state, OperationState::Succeeded { .. }));
    let other = scene.store.delete_instance(delete(at(4), "delete another")).await;
    assert!(matches!(other, Err(DeleteError::RequestReused { .. })), "{other:?}");
}

#[tokio::test]
async fn only_finished_operations_can_be_forgotten() {
    let scene = Scene::in_memory();
    let create = scene.create("cache-1", at(0)).await;
    let early = scene.store.delete_operation(&create.id).await;
    assert!(matches!(early, Err(OperationError::Running { id }) if id == create.id));
    scene.converge(&create, at(1)).await;
    scene.store.delete_operation(&create.id).await.expect("is forgotten");
    assert_eq!(scene.store.operation(&create.id).await.expect("reads"), None);
    assert!(matches!(scene.store.delete_operation(&create.id).await, Err(OperationError::NotFound { .. })));
}
