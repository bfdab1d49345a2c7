//! Backups: accepted, made or given up, and on their way out.

use valkyard_model::{
    Backup, BackupId, BackupOrigin, BackupState, CollectionName, FailureCode, ImportSource, InstanceSpec, OperationResult,
    OperationState, OperationTarget, Verb, Verification,
};
use valkyard_store::{BackUpInstance, BackupError, CreateError, CreateInstance, Scope, UpdateError};

use crate::backup_scene::{backup_named, content, has_succeeded};
use crate::scene::{Scene, all_free, at, failed_with, failure, instance_of, key, named, spec};

#[tokio::test]
async fn a_backup_is_accepted_whole() {
    let scene = Scene::in_memory();
    let instance = scene.created("cache-1", at(0)).await;
    assert!(!instance.has_backups);
    let accepted = scene.backing_up("cache-1", "first", at(1));
    let operation = scene.store.back_up_instance(accepted.clone()).await.expect("is accepted");
    assert_eq!((operation.verb, &operation.target), (Verb::Backup, &OperationTarget::Instance(named("cache-1"))));
    let backup = scene.backup("cache-1", "first").await.expect("is there");
    assert_eq!((&backup.state, &backup.operation, backup.uid), (&BackupState::Creating, &operation.id, accepted.uid));
    assert_eq!((backup.shard_count, backup.instance_uid, &backup.verification), (3, instance.uid, &Verification::Never));
    let order = scene.instance("cache-1").await.backup.expect("its loop is told");
    assert_eq!((order.uid, order.accepted_at, order.is_cancelled), (backup.uid, at(1), false));
    let collection = scene.store.collection(&CollectionName::of(&named("cache-1"))).await.expect("reads").expect("is there");
    assert_eq!((collection.uid, collection.instance_uid), (accepted.collection_uid, instance.uid));
    assert_eq!((collection.backups, collection.bytes, collection.last_backup_time), (1, 0, None));
    assert_eq!(collection.instance(), named("cache-1"));
    assert!(scene.instance("cache-1").await.has_backups);
}

#[tokio::test]
async fn an_id_is_made_from_time_and_instance_where_none_is_given() {
    let scene = Scene::in_memory();
    let instance = scene.created("cache-1", at(0)).await;
    let accepted = BackUpInstance { backup: None, ..scene.backing_up("cache-1", "x", at(1)) };
    scene.store.back_up_instance(accepted).await.expect("is accepted");
    let order = scene.instance("cache-1").await.backup.expect("its loop is told");
    assert_eq!(order.name.backup, BackupId::at(at(1), instance.uid));
}

#[tokio::test]
async fn a_complete_backup_ends_its_operation_with_the_instance_once() {
    let scene = Scene::in_memory();
    scene.created("cache-1", at(0)).await;
    let operation = scene.back_up("cache-1", "first", at(1)).await.expect("is accepted");
    scene.complete(&operation, "first", at(2)).await;
    let backup = scene.backup("cache-1", "first").await.expect("is there");
    assert_eq!(backup.state, BackupState::Active { content: content(at(2)) });
    let ended = scene.operation(&operation).await;
    let OperationState::Succeeded { result: Some(OperationResult::Instance(result)), .. } = &ended.state else {
        panic!("{ended:?}")
    };
    assert_eq!((&result.name, &result.backup, result.has_backups), (&named("cache-1"), &None, true));
    assert_eq!(scene.instance("cache-1").await.backup, None);
    let collection = scene.store.collection(&backup.name.collection).await.expect("reads").expect("is there");
    assert_eq!((collection.bytes, collection.last_backup_time), (200, Some(at(1))));

    scene.complete(&operation, "first", at(9)).await;
    let late = failure(FailureCode::Internal);
    scene.store.abandon_backup(&backup.instance, backup.instance_uid, backup.uid, late, at(9)).await.expect("is harmless");
    assert_eq!(scene.backup("cache-1", "first").await, Some(backup));
    assert_eq!(scene.operation(&operation).await, ended);
}

#[tokio::test]
async fn an_abandoned_backup_is_on_its_way_out_and_the_instance_may_be_backed_up_again() {
    let scene = Scene::in_memory();
    let instance = scene.created("cache-1", at(0)).await;
    let operation = scene.back_up("cache-1", "first", at(1)).await.expect("is accepted");
    let backup = scene.backup("cache-1", "first").await.expect("is there");
    let reason = failure(FailureCode::ResourceExhausted);
    scene.store.abandon_backup(&instance.name, instance.uid, backup.uid, reason, at(2)).await.expect("is recorded");
    assert_eq!(failed_with(&scene.operation(&operation).await), Some(FailureCode::ResourceExhausted));
    let state = scene.backup("cache-1", "first").await.expect("is still there").state;
    assert_eq!(state, BackupState::Deleting { content: None });
    scene.complete(&operation, "first", at(3)).await;
    assert_eq!(scene.backup("cache-1", "first").await.expect("is still there").state, state, "it is too late");
    let taken = scene.back_up("cache-1", "first", at(3)).await;
    assert!(matches!(taken, Err(BackupError::AlreadyExists { .. })), "its files may still be there: {taken:?}");
    scene.back_up("cache-1", "second", at(3)).await.expect("is accepted");
    scene.store.remove_backup(backup.uid, at(4)).await.expect("is removed");
    assert_eq!(scene.backup("cache-1", "first").await, None);
}

#[tokio::test]
async fn a_cancelled_backup_is_ended_by_the_loop_of_its_instance() {
    let scene = Scene::in_memory();
    scene.created("cache-1", at(0)).await;
    let operation = scene.back_up("cache-1", "first", at(1)).await.expect("is accepted");
    let cancelled = scene.store.request_cancel(&operation.id, at(2)).await.expect("is noted");
    assert_eq!((cancelled.cancel_requested, &cancelled.state), (true, &OperationState::Running));
    assert!(scene.instance("cache-1").await.backup.expect("its loop is told").is_cancelled);
}

#[tokio::test]
async fn one_thing_happens_to_an_instance_at_a_time() {
    let scene = Scene::in_memory();
    let instance = scene.created("cache-1", at(0)).await;
    let first = scene.back_up("cache-1", "first", at(1)).await.expect("is accepted");
    let second = scene.back_up("cache-1", "second", at(1)).await;
    assert!(matches!(&second, Err(BackupError::Busy { operation }) if *operation == first.id), "{second:?}");
    let update = scene.update("cache-1", instance.generation, at(1)).await;
    assert!(matches!(&update, Err(UpdateError::Busy { operation }) if *operation == first.id), "{update:?}");
    scene.complete(&first, "first", at(2)).await;
    let update = scene.update("cache-1", instance.generation, at(3)).await.expect("is accepted");
    let during = scene.back_up("cache-1", "second", at(3)).await;
    assert!(matches!(&during, Err(BackupError::Busy { operation }) if *operation == update.id), "{during:?}");
    let reason = failure(FailureCode::Internal);
    scene.store.abandon_update(&instance.name, instance.uid, reason, at(4)).await.expect("is recorded");
    let back = scene.back_up("cache-1", "second", at(4)).await;
    assert!(matches!(back, Err(BackupError::GoingBack { .. })), "{back:?}");
}

#[tokio::test]
async fn what_is_not_there_or_not_complete_is_not_backed_up() {
    let scene = Scene::in_memory();
    let missing = scene.back_up("none", "first", at(0)).await;
    assert!(matches!(&missing, Err(BackupError::NotFound { name }) if *name == named("none").to_string()), "{missing:?}");
    let creation = scene.create("cache-1", at(0)).await;
    let creating = scene.back_up("cache-1", "first", at(1)).await;
    assert!(matches!(&creating, Err(BackupError::Busy { operation }) if *operation == creation.id), "{creating:?}");
    let reason = failure(FailureCode::Internal);
    let (name, uid) = (instance_of(&creation), creation.target_uid);
    scene.store.abandon_create(name, uid, reason, at(0)).await.expect("is recorded");
    assert!(scene.back_up("cache-1", "first", at(1)).await.is_err());
    assert_eq!(scene.store.collections(&Scope::default(), None, 10).await.expect("reads"), []);
}

#[tokio::test]
async fn a_deletion_of_the_instance_overtakes_its_backup_and_keeps_the_complete_ones() {
    let scene = Scene::in_memory();
    let instance = scene.created("cache-1", at(0)).await;
    let kept = scene.backed_up("cache-1", "kept", at(1)).await;
    let making = scene.back_up("cache-1", "first", at(2)).await.expect("is accepted");
    scene.delete("cache-1", at(3)).await.expect("is accepted");
    assert_eq!(failed_with(&scene.operation(&making).await), Some(FailureCode::Aborted));
    let order = scene.instance("cache-1").await.backup.expect("its loop still has to end it");
    let reason = failure(FailureCode::Aborted);
    scene.store.abandon_backup(&instance.name, instance.uid, order.uid, reason, at(4)).await.expect("is recorded");
    scene.store.remove_instance(&instance.name, instance.uid, at(5)).await.expect("is removed");
    assert_eq!(scene.backup("cache-1", "kept").await, Some(kept));
}

#[tokio::test]
async fn a_collection_goes_on_with_a_later_instance_and_ends_with_its_last_backup() {
    let scene = Scene::in_memory();
    let first = scene.created("cache-1", at(0)).await;
    let old = scene.backed_up("cache-1", "old", at(1)).await;
    scene.delete("cache-1", at(2)).await.expect("is accepted");
    scene.store.remove_instance(&first.name, first.uid, at(3)).await.expect("is removed");
    let second = scene.created("cache-1", at(4)).await;
    assert!(second.has_backups);
    let new = scene.backed_up("cache-1", "new", at(5)).await;
    let name = old.name.collection.clone();
    let collection = async || scene.store.collection(&name).await.expect("reads");
    let found = collection().await.expect("is there");
    assert_eq!((found.backups, found.bytes, found.instance_uid, found.create_time), (2, 400, second.uid, at(1)));
    for backup in [old, new] {
        scene.delete_backup(backup.name, at(6)).await.expect("is accepted");
        scene.store.remove_backup(backup.uid, at(7)).await.expect("is removed");
    }
    assert_eq!(collection().await, None);
    assert!(!scene.instance("cache-1").await.has_backups);
}

#[tokio::test]
async fn a_repeated_request_returns_the_first_operation_and_an_altered_one_is_refused() {
    let scene = Scene::in_memory();
    scene.created("cache-1", at(0)).await;
    let accepted = BackUpInstance { request: Some(key(9, "first")), ..scene.backing_up("cache-1", "first", at(1)) };
    let first = scene.store.back_up_instance(accepted.clone()).await.expect("is accepted");
    assert_eq!(scene.store.back_up_instance(accepted.clone()).await.expect("is repeated"), first);
    let altered = BackUpInstance { request: Some(key(9, "second")), ..accepted };
    assert!(matches!(scene.store.back_up_instance(altered).await, Err(BackupError::RequestReused { .. })));
}

#[tokio::test]
async fn lists_are_in_order_and_go_on_after_a_name_that_is_gone() {
    let scene = Scene::in_memory();
    for (instance, backup) in [("cache-2", "bb"), ("cache-1", "cc"), ("cache-1", "aa")] {
        if scene.store.instance(&named(instance)).await.expect("reads").is_none() {
            scene.created(instance, at(0)).await;
        }
        scene.backed_up(instance, backup, at(1)).await;
    }
    let list = async |collection: Option<&str>, after| {
        let collection = collection.map(|id| id.parse().expect("an id"));
        let found = scene.store.backups(&Scope::default(), collection.as_ref(), after, 2).await.expect("reads");
        found.iter().map(|backup: &Backup| backup.name.backup.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None).await, ["aa", "cc"]);
    assert_eq!(list(None, Some(backup_named("cache-1", "cb"))).await, ["cc", "bb"]);
    assert_eq!(list(Some("cache-2"), None).await, ["bb"]);
    assert_eq!(list(Some("none"), None).await, [""; 0]);
    let names = async |after| {
        let found = scene.store.collections(&Scope::default(), after, 1).await.expect("reads");
        found.iter().map(|one| one.name.collection.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(None).await, ["cache-1"]);
    assert_eq!(names(Some(CollectionName::of(&named("cache-1")))).await, ["cache-2"]);
}

#[tokio::test]
async fn an_instance_begins_with_a_complete_backup_only_which_then_stays() {
    let scene = Scene::in_memory();
    scene.created("cache-1", at(0)).await;
    let from = |backup: &str| InstanceSpec { import: Some(ImportSource::Backup(backup_named("cache-1", backup))), ..spec(1) };
    let begin = async |id: &str, backup: &str| {
        let creation = CreateInstance { spec: from(backup), ..scene.creation(id, at(3)) };
        scene.store.create_instance(creation, all_free).await
    };
    let making = scene.back_up("cache-1", "first", at(1)).await.expect("is accepted");
    for backup in ["none", "first"] {
        let refused = begin("copy", backup).await;
        assert!(
            matches!(&refused, Err(CreateError::NoBackup { name }) if *name == backup_named("cache-1", backup)),
            "{refused:?}"
        );
    }
    scene.complete(&making, "first", at(2)).await;
    let creation = begin("copy", "first").await.expect("is accepted");
    let backup = scene.backup("cache-1", "first").await.expect("is there");
    assert_eq!(scene.store.backup_users(&backup).await.expect("reads"), [named("copy").to_string()]);
    let refused = scene.delete_backup(backup.name.clone(), at(4)).await;
    assert!(matches!(&refused, Err(BackupError::InUse { users, .. }) if *users == [named("copy").to_string()]), "{refused:?}");
    assert!(!scene.store.expire_backup(backup.uid).await.expect("reads"), "it is needed");
    scene.converge(&creation, at(5)).await;
    scene.delete_backup(backup.name, at(6)).await.expect("is accepted");
    assert!(begin("copy-2", "first").await.is_err(), "it is on its way out");
}

#[tokio::test]
async fn an_automated_backup_is_an_attempt_that_the_schedule_remembers() {
    let scene = Scene::in_memory();
    let instance = scene.scheduled("cache-1", 2, at(0)).await;
    let record = async || scene.store.schedule(instance.uid).await.expect("reads").expect("is there");
    assert_eq!((record().await.since, record().await.last_due, record().await.attempts), (Some(at(0)), None, 0));
    let due = at(100);
    for (attempt, id) in [(1, "first"), (2, "second")] {
        let now = at(100 + i64::from(attempt));
        let origin = BackupOrigin::Automated { due };
        let accepted = BackUpInstance { origin, ..scene.backing_up("cache-1", id, now) };
        scene.store.back_up_instance(accepted.clone()).await.expect("is accepted");
        let begun = record().await;
        assert_eq!(
            (begun.last_due, begun.attempts, begun.last_attempt, begun.last_failure),
            (Some(due), attempt, Some(now), None)
        );
        let reason = failure(FailureCode::Internal);
        scene.store.abandon_backup(&instance.name, instance.uid, accepted.uid, reason, now).await.expect("is recorded");
        assert_eq!(record().await.last_failure.as_deref(), Some("because"));
    }
    let later =
        BackUpInstance { origin: BackupOrigin::Automated { due: at(200) }, ..scene.backing_up("cache-1", "third", at(201)) };
    let operation = scene.store.back_up_instance(later).await.expect("is accepted");
    scene.complete(&operation, "third", at(202)).await;
    let next = record().await;
    assert_eq!((next.last_due, next.attempts, next.last_failure), (Some(at(200)), 1, None));
    assert!(has_succeeded(&scene.operation(&operation).await));
}

#[tokio::test]
async fn another_schedule_begins_anew_and_keeps_whether_to_verify() {
    let scene = Scene::in_memory();
    let instance = scene.scheduled("cache-1", 2, at(0)).await;
    scene.store.set_verify(&instance.name, true).await.expect("is recorded");
    let missing = scene.store.set_verify(&named("none"), true).await;
    assert!(matches!(missing, Err(BackupError::NotFound { .. })), "{missing:?}");
    let record = async || scene.store.schedule(instance.uid).await.expect("reads").expect("is there");
    let labelled = scene.label("cache-1", at(1)).await;
    assert_eq!(record().await.since, Some(at(0)), "labels are not a schedule");
    scene.converge(&labelled, at(2)).await;
    let before = scene.instance("cache-1").await;
    let off = InstanceSpec { automated_backups: valkyard_model::AutomatedBackups::Disabled, ..before.spec };
    let change = scene.change("cache-1", before.generation, off, at(3));
    scene.store.update_instance(change).await.expect("is accepted");
    assert_eq!((record().await.since, record().await.verify), (Some(at(3)), true));
    assert_eq!(scene.store.keeping().await.expect("reads").scheduled, [], "there is nothing to keep to");
}
