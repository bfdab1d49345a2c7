//! What only a folder of this machine can show: modes, damage, and what a crash leaves.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Instant;

use chrono::{Duration, Utc};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use valkyard_backups::{BackupStore, StoreError};

use crate::stores::{backup, content, manifest, record, write};

/// Longest wait for a file to go away.
const GONE_TIME_MAX: std::time::Duration = std::time::Duration::from_secs(10);
/// Between two looks while waiting.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(5);

async fn store() -> (TempDir, BackupStore) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = BackupStore::open(&format!("file://{}/a/b", folder.path().display()), &[]).await.expect("opened");
    (folder, store)
}

fn modes(folder: &Path) -> Vec<(String, u32)> {
    let mut modes = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let mode = entry.metadata().expect("there").permissions().mode() & 0o777;
        modes.push((entry.file_name().to_string_lossy().into_owned(), mode));
        if entry.path().is_dir() {
            modes.extend(self::modes(&entry.path()));
        }
    }
    modes.sort();
    modes
}

#[tokio::test]
async fn nobody_else_may_read_backups() {
    let (folder, store) = store().await;
    let name = backup("first");
    let writer = store.begin(&name).await.expect("begun");
    let receipt = write(&writer, "shard-0", b"data").await;
    writer.commit(&manifest(&name, vec![record(&receipt)])).await.expect("committed");
    let expected =
        [("a", 0o700), ("b", 0o700), ("first", 0o700), ("instance-1", 0o700), ("manifest.json", 0o600), ("shard-0.rdb", 0o600)];
    assert_eq!(modes(folder.path()), expected.map(|(name, mode)| (name.to_owned(), mode)));
}

#[tokio::test]
async fn a_flipped_bit_or_a_cut_file_is_told_when_read() {
    let (folder, store) = store().await;
    let name = backup("first");
    let writer = store.begin(&name).await.expect("begun");
    let receipt = write(&writer, "shard-0", b"data").await;
    let committed = manifest(&name, vec![record(&receipt)]);
    writer.commit(&committed).await.expect("committed");
    for damaged in [&b"dat"[..], b"dath", b"data "] {
        std::fs::write(folder.path().join("a/b/instance-1/first/shard-0.rdb"), damaged).expect("writable");
        let error = content(&store, &name, &committed.shards[0]).await.expect_err("damaged");
        assert!(matches!(&error, StoreError::Damaged(damage) if damage.bytes == damaged.len() as u64), "{error:?}");
        let other = tempfile::tempdir().expect("a folder");
        let other = BackupStore::open(&format!("file://{}", other.path().display()), &[]).await.expect("opened");
        store.copy_to(&other, &name, &CancellationToken::new(), |_| {}).await.expect_err("damaged");
        assert_eq!(other.leftovers(Utc::now() + Duration::minutes(1)).await.expect("listed"), [], "all or nothing");
    }
}

#[tokio::test]
async fn an_upload_that_a_crash_cut_short_is_a_leftover_and_can_be_deleted() {
    let (folder, store) = store().await;
    let writer = store.begin(&backup("first")).await.expect("begun");
    let mut file = writer.shard(&"shard-0".parse().expect("fits"));
    file.write(&vec![1; 30 << 20]).await.expect("written");
    // A crash runs no destructors.
    std::mem::forget((writer, file));
    let found = store.leftovers(Utc::now() + Duration::minutes(1)).await.expect("listed");
    assert_eq!(found.len(), 1);
    assert!(found[0].bytes > 0 && found[0].backup == backup("first"));
    store.delete(&found[0].backup).await.expect("deleted");
    assert_eq!(modes(folder.path()).len(), 2, "only the store's own folder is left");
}

#[tokio::test]
async fn a_manifest_of_another_version_is_refused_by_name() {
    let (folder, store) = store().await;
    let path = folder.path().join("a/b/instance-1/first");
    std::fs::create_dir_all(&path).expect("writable");
    std::fs::write(path.join("manifest.json"), r#"{"version": 2, "shards": "in another form"}"#).expect("writable");
    let error = store.manifest(&backup("first")).await.expect_err("too new");
    assert!(matches!(error, StoreError::ManifestVersion { found: 2, known: 1, .. }), "{error:?}");
    std::fs::write(path.join("manifest.json"), r#"{"version": 1"#).expect("writable");
    assert!(matches!(store.manifest(&backup("first")).await, Err(StoreError::Manifest { .. })));
}

#[tokio::test]
async fn importing_makes_no_folders() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("file://{}/none/dump.rdb", folder.path().display());
    valkyard_backups::ImportFile::find(&url, &[]).await.expect_err("no such file");
    assert!(!folder.path().join("none").exists());
    let name = folder.path().join("with blank.rdb");
    std::fs::write(name, b"x").expect("writable");
    let url = format!("file://{}/with%20blank.rdb", folder.path().display());
    assert_eq!(valkyard_backups::ImportFile::find(&url, &[]).await.expect("found").bytes(), 1);
}

#[tokio::test]
async fn a_file_whose_writer_is_dropped_goes_away() {
    let (_folder, store) = store().await;
    let writer = store.begin(&backup("first")).await.expect("begun");
    let mut file = writer.shard(&"shard-0".parse().expect("fits"));
    file.write(&vec![1; 30 << 20]).await.expect("written");
    drop(file);
    let begun = Instant::now();
    loop {
        let found = store.leftovers(Utc::now() + Duration::minutes(1)).await.expect("listed");
        if found.iter().all(|leftover| leftover.bytes == 0) {
            break;
        }
        assert!(begun.elapsed() < GONE_TIME_MAX, "{found:?}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[tokio::test]
async fn a_manifest_without_the_newer_numbers_is_read() {
    let (folder, store) = store().await;
    let name = backup("first");
    let writer = store.begin(&name).await.expect("begun");
    let receipt = write(&writer, "shard-0", b"data").await;
    let committed = manifest(&name, vec![record(&receipt)]);
    writer.commit(&committed).await.expect("committed");
    let path = folder.path().join("a/b/instance-1/first/manifest.json");
    let json = std::fs::read_to_string(&path).expect("there");
    let newer = ["keys_lasting", "digest_lasting", "data_bytes"];
    let older: Vec<&str> = json.lines().filter(|line| !newer.iter().any(|name| line.contains(name))).collect();
    assert_eq!(older.len() + newer.len(), json.lines().count());
    std::fs::write(&path, older.join("\n")).expect("writable");
    let read = store.manifest(&name).await.expect("it is read");
    assert_eq!((read.shards[0].keys_lasting, read.shards[0].data_bytes), (0, 0));
    assert_eq!(read.shards[0].bytes, committed.shards[0].bytes);
}
