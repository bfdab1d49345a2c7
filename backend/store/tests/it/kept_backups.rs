//! What is done to complete backups: deleted, expired, exported, verified.

use valkyard_model::{BackupState, FailureCode, OperationResult, OperationState, OperationTarget, Verb, Verification};
use valkyard_store::BackupError;

use crate::backup_scene::{backup_named, has_succeeded};
use crate::scene::{Scene, at, failed_with, failure, key, named};

async fn with_backup() -> Scene {
    let scene = Scene::in_memory();
    scene.created("cache-1", at(0)).await;
    scene.backed_up("cache-1", "first", at(1)).await;
    scene
}

#[tokio::test]
async fn a_deletion_is_accepted_once_and_ends_with_the_record() {
    let scene = with_backup().await;
    let name = backup_named("cache-1", "first");
    let before = scene.backup("cache-1", "first").await.expect("is there");
    let deletion = scene.delete_backup_as(name.clone(), key(9, "first"), at(2)).await.expect("is accepted");
    assert_eq!((deletion.verb, &deletion.target), (Verb::Delete, &OperationTarget::Backup(name.clone())));
    assert_eq!(scene.operation(&deletion).await, deletion, "it is read as it was written");
    let going = scene.backup("cache-1", "first").await.expect("is still there");
    assert_eq!(going.state, BackupState::Deleting { content: before.content().cloned() });
    let again = scene.delete_backup_as(name.clone(), key(9, "first"), at(3)).await.expect("is repeated");
    assert_eq!(again, deletion);
    let altered = scene.delete_backup_as(name.clone(), key(9, "second"), at(3)).await;
    assert!(matches!(altered, Err(BackupError::RequestReused { .. })), "{altered:?}");
    let second = scene.delete_backup(name.clone(), at(3)).await;
    assert!(matches!(&second, Err(BackupError::Busy { operation }) if *operation == deletion.id), "{second:?}");
    scene.store.remove_backup(going.uid, at(4)).await.expect("is removed");
    scene.store.remove_backup(going.uid, at(5)).await.expect("is harmless");
    let ended = scene.operation(&deletion).await;
    assert_eq!(ended.state, OperationState::Succeeded { end_time: at(4), result: None });
    let missing = scene.delete_backup(name, at(6)).await;
    assert!(matches!(missing, Err(BackupError::NotFound { .. })), "{missing:?}");
}

#[tokio::test]
async fn a_backup_in_the_making_is_not_deleted_and_a_complete_one_not_removed() {
    let scene = with_backup().await;
    let making = scene.back_up("cache-1", "second", at(2)).await.expect("is accepted");
    let refused = scene.delete_backup(backup_named("cache-1", "second"), at(3)).await;
    assert!(matches!(&refused, Err(BackupError::Busy { operation }) if *operation == making.id), "{refused:?}");
    for id in ["first", "second"] {
        let uid = scene.backup("cache-1", id).await.expect("is there").uid;
        scene.store.remove_backup(uid, at(3)).await.expect("is harmless");
        assert!(scene.backup("cache-1", id).await.is_some(), "{id}");
    }
}

#[tokio::test]
async fn an_expired_backup_is_on_its_way_out_unless_it_is_needed() {
    let scene = with_backup().await;
    let backup = scene.backup("cache-1", "first").await.expect("is there");
    let export = scene.export(backup.name.clone(), at(2)).await.expect("is accepted");
    assert!(!scene.store.expire_backup(backup.uid).await.expect("reads"));
    scene.store.finish_export(&export.id, backup.uid, Ok(()), at(3)).await.expect("is ended");
    assert!(scene.store.expire_backup(backup.uid).await.expect("is recorded"));
    assert!(!scene.store.expire_backup(backup.uid).await.expect("is harmless"), "it was before");
    let refused = scene.export(backup.name.clone(), at(4)).await;
    assert!(matches!(refused, Err(BackupError::NotActive { .. })), "{refused:?}");
    let deletion = scene.delete_backup(backup.name, at(4)).await.expect("somebody wants to wait for it");
    scene.store.remove_backup(backup.uid, at(5)).await.expect("is removed");
    assert!(has_succeeded(&scene.operation(&deletion).await));
}

#[tokio::test]
async fn exports_are_told_to_the_keeper_and_end_with_the_backup_or_a_failure() {
    let scene = with_backup().await;
    let backup = scene.backup("cache-1", "first").await.expect("is there");
    let (good, bad) = (scene.export(backup.name.clone(), at(2)).await, scene.export(backup.name.clone(), at(3)).await);
    let (good, bad) = (good.expect("is accepted"), bad.expect("several at once are fine"));
    scene.store.request_cancel(&bad.id, at(4)).await.expect("is noted");
    let exports = scene.store.keeping().await.expect("reads").exports;
    let told: Vec<_> =
        exports.iter().map(|export| (&export.operation, export.destination.as_str(), export.is_cancelled)).collect();
    assert_eq!(told, [(&good.id, "gs://bucket", false), (&bad.id, "gs://bucket", true)]);
    assert!(exports.iter().all(|export| export.uid == backup.uid && export.backup == backup.name));
    let used = scene.delete_backup(backup.name.clone(), at(4)).await;
    assert!(
        matches!(&used, Err(BackupError::InUse { users, .. }) if users.len() == 2 && users[0].ends_with(good.id.as_str())),
        "{used:?}"
    );
    scene.store.finish_export(&good.id, backup.uid, Ok(()), at(5)).await.expect("is ended");
    scene.store.finish_export(&bad.id, backup.uid, Err(failure(FailureCode::Cancelled)), at(5)).await.expect("is ended");
    scene.store.finish_export(&bad.id, backup.uid, Ok(()), at(6)).await.expect("is harmless");
    let ended = scene.operation(&good).await;
    let result = Some(OperationResult::Backup(Box::new(backup)));
    assert_eq!(ended.state, OperationState::Succeeded { end_time: at(5), result });
    assert_eq!(failed_with(&scene.operation(&bad).await), Some(FailureCode::Cancelled));
    assert_eq!(scene.store.keeping().await.expect("reads").exports, []);
}

#[tokio::test]
async fn a_verification_runs_once_at_a_time_and_leaves_its_outcome() {
    let scene = with_backup().await;
    let name = backup_named("cache-1", "first");
    let verification = scene.verify(name.clone(), "scratch-1", at(2)).await.expect("is accepted");
    let during = scene.backup("cache-1", "first").await.expect("is there");
    assert_eq!(during.verification, Verification::Running { at: at(2) });
    let second = scene.verify(name.clone(), "scratch-2", at(3)).await;
    assert!(matches!(&second, Err(BackupError::Busy { operation }) if *operation == verification.id), "{second:?}");
    let used = scene.delete_backup(name.clone(), at(3)).await;
    assert!(matches!(used, Err(BackupError::InUse { .. })), "{used:?}");
    scene.store.request_cancel(&verification.id, at(3)).await.expect("is noted");
    let keeping = scene.store.keeping().await.expect("reads");
    assert_eq!(keeping.cancelled, std::slice::from_ref(&verification.id));
    assert_eq!(keeping.verifications.iter().map(|row| &row.scratch).collect::<Vec<_>>(), [&named("scratch-1")]);

    let failed = Verification::Failed { at: at(4), detail: "3 keys differ".to_owned() };
    let reason = Some(failure(FailureCode::FailedPrecondition));
    scene.store.finish_verification(during.uid, failed.clone(), reason, at(4)).await.expect("is ended");
    assert_eq!(failed_with(&scene.operation(&verification).await), Some(FailureCode::FailedPrecondition));
    let passed = Verification::Passed { at: at(5), detail: "20 keys".to_owned() };
    scene.store.finish_verification(during.uid, passed.clone(), None, at(5)).await.expect("is harmless");
    assert_eq!(scene.backup("cache-1", "first").await.expect("is there").verification, failed, "none was under way");

    let again = scene.verify(name, "scratch-1", at(6)).await.expect("is accepted");
    scene.store.finish_verification(during.uid, passed.clone(), None, at(7)).await.expect("is ended");
    assert!(has_succeeded(&scene.operation(&again).await));
    assert_eq!(scene.backup("cache-1", "first").await.expect("is there").verification, passed);
}

#[tokio::test]
async fn only_complete_backups_are_exported_and_verified() {
    let scene = with_backup().await;
    scene.back_up("cache-1", "second", at(2)).await.expect("is accepted");
    for (id, is_there) in [("second", true), ("none", false)] {
        let name = backup_named("cache-1", id);
        for refused in [scene.export(name.clone(), at(3)).await, scene.verify(name, "scratch-1", at(3)).await] {
            match refused {
                Err(BackupError::NotActive { .. }) => assert!(is_there),
                Err(BackupError::NotFound { .. }) => assert!(!is_there),
                other => panic!("{id}: {other:?}"),
            }
        }
    }
    assert_eq!(scene.store.keeping().await.expect("reads").verifications, []);
}
