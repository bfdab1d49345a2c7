use valkyard_model::{Generation, OperationState, Verb};
use valkyard_store::{UpdateError, UpdateInstance};

use crate::scene::{Scene, at, key, spec};

#[tokio::test]
async fn an_update_bumps_the_generation_and_replaces_the_spec() {
    let scene = Scene::in_memory();
    let before = scene.created("cache-1", at(0)).await;
    let operation = scene.update("cache-1", before.generation, at(5)).await.expect("is accepted");
    let after = scene.instance("cache-1").await;
    assert_eq!((after.generation, after.spec.shard_count), (Generation(2), 5));
    assert_eq!((after.create_time, after.update_time), (at(0), at(5)));
    assert_eq!((operation.verb, operation.generation), (Verb::Update, Generation(2)));
    assert!(!after.convergence.has_reached(after.generation));
}

#[tokio::test]
async fn an_update_of_something_that_moved_is_a_conflict() {
    let scene = Scene::in_memory();
    let before = scene.created("cache-1", at(0)).await;
    let first = scene.update("cache-1", before.generation, at(1)).await.expect("is accepted");
    scene.converge(&first, at(2)).await;
    let stale = scene.update("cache-1", before.generation, at(3)).await;
    assert!(matches!(stale, Err(UpdateError::Conflict { expected: Generation(1), found: Generation(2) })), "{stale:?}");
}

#[tokio::test]
async fn an_update_waits_for_no_one_it_is_refused_while_another_operation_runs() {
    let scene = Scene::in_memory();
    let create = scene.create("cache-1", at(0)).await;
    let early = scene.update("cache-1", create.generation, at(1)).await;
    assert!(matches!(early, Err(UpdateError::Busy { operation }) if operation == create.id));
    scene.converge(&create, at(2)).await;
    let delete = scene.delete("cache-1", at(3)).await.expect("is accepted");
    let late = scene.update("cache-1", delete.generation, at(4)).await;
    assert!(matches!(late, Err(UpdateError::Busy { operation }) if operation == delete.id));
}

#[tokio::test]
async fn an_unknown_instance_is_not_updated() {
    let scene = Scene::in_memory();
    let nobody = scene.update("cache-1", Generation::FIRST, at(0)).await;
    assert!(matches!(nobody, Err(UpdateError::NotFound { .. })));
}

#[tokio::test]
async fn a_repeated_update_returns_its_operation_and_bumps_nothing() {
    let scene = Scene::in_memory();
    let before = scene.created("cache-1", at(0)).await;
    let change =
        |digest| UpdateInstance { request: Some(key(4, digest)), ..scene.change("cache-1", before.generation, spec(5), at(1)) };
    let first = scene.store.update_instance(change("to five")).await.expect("is accepted");
    let again = scene.store.update_instance(change("to five")).await.expect("is repeated");
    assert_eq!((again.id, again.state), (first.id, OperationState::Running));
    assert_eq!(scene.instance("cache-1").await.generation, Generation(2));
    let other = scene.store.update_instance(change("to six")).await;
    assert!(matches!(other, Err(UpdateError::RequestReused { .. })), "{other:?}");
}

#[tokio::test]
async fn only_an_update_that_concerns_nodes_moves_the_shape() {
    let scene = Scene::in_memory();
    let before = scene.created("cache-1", at(0)).await;
    let labels = [("team".to_owned(), "a".to_owned())].into();
    let labelled = valkyard_model::InstanceSpec { labels, deletion_protection: true, ..before.spec.clone() };
    let change = scene.change("cache-1", before.generation, labelled, at(1));
    let first = scene.store.update_instance(change).await.expect("is accepted");
    let after = scene.instance("cache-1").await;
    assert_eq!((after.generation, after.shape_generation), (Generation(2), Generation(1)));
    scene.converge(&first, at(2)).await;
    scene.update("cache-1", Generation(2), at(3)).await.expect("is accepted");
    assert_eq!(scene.instance("cache-1").await.shape_generation, Generation(3));
}
