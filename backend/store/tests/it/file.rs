use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use valkyard_model::{AdminSecret, OperationResult, OperationState};
use valkyard_store::{Store, StoreError, StoreLocation};

use crate::scene::{Scene, at, instance_of, node};

fn open(path: &Path) -> Result<(Store, valkyard_store::StoreThreads), StoreError> {
    Store::open(StoreLocation::File(path.to_owned()))
}

#[tokio::test]
async fn what_was_accepted_is_there_after_reopening() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("valkyard.db");
    let (store, threads) = open(&path).expect("opens");
    let scene = Scene::over(store);
    let operation = scene.create("cache-1", at(0)).await;
    let uid = operation.target_uid;
    scene.store.allocate_nodes(instance_of(&operation), uid, vec![node(uid, 0)]).await.expect("is recorded");
    let before = scene.instance("cache-1").await;
    drop(scene);
    threads.join();
    assert!(!folder.path().join("valkyard.db-wal").exists(), "one file holds everything");

    let (store, _threads) = open(&path).expect("reopens");
    let scene = Scene::over(store);
    assert_eq!(scene.instance("cache-1").await, before);
    assert_eq!(scene.operation(&operation).await, operation);
}

#[tokio::test]
async fn a_read_sees_every_write_that_returned() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _threads) = open(&folder.path().join("valkyard.db")).expect("opens");
    let scene = Scene::over(store);
    for number in 0..50 {
        let operation = scene.create(&format!("cache-{number}"), at(number)).await;
        assert_eq!(scene.operation(&operation).await, operation);
    }
}

/// Whether a file of the folder holds the text anywhere.
fn holds(folder: &Path, text: &str) -> bool {
    let mut contents = std::fs::read_dir(folder).expect("lists").map(|entry| std::fs::read(entry.expect("lists").path()));
    contents.any(|bytes| String::from_utf8_lossy(&bytes.expect("reads")).contains(text))
}

#[tokio::test]
async fn operations_keep_no_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("valkyard.db");
    let (store, threads) = open(&path).expect("opens");
    let scene = Scene::over(store);
    let operation = scene.create("cache-1", at(0)).await;
    let secret = scene.instance("cache-1").await.secret;
    scene.converge(&operation, at(1)).await;
    let OperationState::Succeeded { result: Some(OperationResult::Instance(snapshot)), .. } =
        scene.operation(&operation).await.state
    else {
        panic!("it has a result");
    };
    assert_eq!(snapshot.name, *instance_of(&operation));
    assert_eq!(snapshot.secret, AdminSecret::withheld());
    scene.delete("cache-1", at(2)).await.expect("is accepted");
    scene.store.remove_instance(instance_of(&operation), operation.target_uid, at(3)).await.expect("is removed");
    drop(scene);
    threads.join();

    // Pages that are freed keep their bytes; what is in use is asked for.
    let database = rusqlite::Connection::open(&path).expect("opens");
    database.execute_batch("VACUUM").expect("rewrites");
    drop(database);
    assert!(holds(folder.path(), operation.id.as_str()), "the operation is still known");
    assert!(!holds(folder.path(), secret.expose()));
}

#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, _threads) = open(&folder.path().join("valkyard.db")).expect("opens");
    Scene::over(store).create("cache-1", at(0)).await;
    let mut seen = 0;
    for entry in std::fs::read_dir(folder.path()).expect("lists") {
        let entry = entry.expect("lists");
        let mode = entry.metadata().expect("has metadata").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?} has mode {mode:o}", entry.file_name());
        seen += 1;
    }
    assert!(seen >= 2, "database and write-ahead log");
}

#[tokio::test]
async fn the_threads_end_with_the_last_handle() {
    let (store, threads) = Store::open(StoreLocation::Memory).expect("opens");
    let last = store.clone();
    drop(store);
    assert!(last.all_names().await.expect("still reads").is_empty());
    drop(last);
    threads.join();
}

#[test]
fn a_file_that_is_no_database_is_refused_and_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("valkyard.db");
    let content = "these are not the pages you are looking for\n".repeat(100);
    std::fs::write(&path, &content).expect("writes");
    let error = open(&path).expect_err("is refused");
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert_eq!(std::fs::read_to_string(&path).expect("reads"), content);
}

#[tokio::test]
async fn a_damaged_database_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("valkyard.db");
    let (store, threads) = open(&path).expect("opens");
    let scene = Scene::over(store);
    for number in 0..40 {
        scene.create(&format!("cache-{number}"), at(number)).await;
    }
    drop(scene);
    threads.join();
    let mut bytes = std::fs::read(&path).expect("reads");
    let middle = bytes.len() / 2;
    bytes[middle - 8_192..middle + 8_192].fill(0x5a);
    std::fs::write(&path, bytes).expect("writes");
    let error = open(&path).expect_err("is refused");
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert!(error.to_string().contains("valkyard.db is damaged"), "{error}");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("missing").join("valkyard.db");
    let error = open(&path).expect_err("is refused");
    assert!(matches!(&error, StoreError::Open { path: named, .. } if *named == path), "{error:?}");
}
