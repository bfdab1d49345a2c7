//! From a node into a store, and from a store into a node that starts on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{Duration, Utc};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use valkyard_backups::{
    BackupStore, ContentDigest, PipelineError, PlaceSource, PlaceTarget, RdbError, TakenShard, TapFormat, check_file,
    place_files, take_shard,
};
use valkyard_model::SlotSet;

use crate::data::{Amount, fill};
use crate::engine::{Node, engine_9, engines};
use crate::object_servers::s3;
use crate::stores::{backup, manifest};

async fn local() -> (TempDir, BackupStore) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = BackupStore::open(&format!("file://{}", folder.path().display()), &[]).await.expect("opened");
    (folder, store)
}

async fn leftovers(store: &BackupStore) -> usize {
    store.leftovers(Utc::now() + Duration::minutes(1)).await.expect("listed").iter().filter(|left| left.bytes > 0).count()
}

/// A backup of nodes, each a shard.
async fn back_up(store: &BackupStore, nodes: &[Node]) -> valkyard_backups::Manifest {
    let (name, stop) = (backup("first"), CancellationToken::new());
    let writer = store.begin(&name).await.expect("begun");
    let mut shards = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let shard = format!("shard-{index}").parse().expect("fits");
        let request = node.request(TapFormat::Newest);
        let mut told = 0;
        let taken: TakenShard = take_shard(&request, &writer, &shard, &stop, |bytes| told = bytes).await.expect("taken");
        assert_eq!(told, taken.receipt.bytes);
        let now = Utc::now();
        shards.push(taken.record(SlotSet::all(), 0, now, now));
    }
    let committed = manifest(&name, shards);
    writer.commit(&committed).await.expect("committed");
    committed
}

#[tokio::test]
async fn a_node_started_on_its_backup_has_the_same_content() {
    for engine in engines() {
        let node = engine.start(&[]);
        fill(&engine, &node, Amount::Much);
        let before = node.summary().await;
        let (_folder, store) = local().await;
        let committed = back_up(&store, &[node]).await;
        assert_eq!((committed.digest(), committed.total_keys()), (before.digest, before.keys));
        let home = tempfile::tempdir().expect("a folder");
        let (target, stop) = (home.path().join("dump.rdb"), CancellationToken::new());
        let shard = Box::new(committed.shards[0].clone());
        let source = PlaceSource::Kept { store, backup: committed.backup.clone(), shard };
        let targets = [PlaceTarget { slots: SlotSet::all(), path: target.clone() }];
        let placed = place_files(&[source], &targets, &stop, |_| {}).await.expect("placed");
        assert_eq!(placed.totals.digest, before.digest);
        let restored = engine.start_on(&std::fs::read(&target).expect("placed"), &[]);
        let after = restored.summary().await;
        assert_eq!((after.digest, after.keys, after.libraries), (before.digest, before.keys, before.libraries));
    }
}

#[tokio::test]
async fn shards_go_through_a_server_of_s3_and_back() {
    let Some(server) = s3().await else { return };
    let engine = engine_9();
    let node = engine.start(&[]);
    fill(&engine, &node, Amount::Much);
    let file = node.file(TapFormat::Newest).await;
    let whole = node.summary().await;
    let store = server.store().await;
    let committed = back_up(&store, &engine.start_cluster_on(&file, 3)).await;
    assert_eq!((committed.digest(), committed.total_keys()), (whole.digest, whole.keys));
    let mut digest = ContentDigest::default();
    for shard in &committed.shards {
        let mut file = store.read(&committed.backup, shard).await.expect("opened");
        let checked = check_file(&mut file, &CancellationToken::new(), |_| {}).await.expect("valid");
        assert_eq!((checked.digest, checked.bytes), (shard.digest, shard.bytes));
        digest += checked.digest;
    }
    assert_eq!(digest, whole.digest);
}

#[tokio::test]
async fn what_is_stopped_leaves_nothing() {
    let engine = engine_9();
    // Each key holds the writing process up by half a millisecond: the whole takes ten seconds.
    let node = engine.start(&["--rdb-key-save-delay", "500"]);
    fill(&engine, &node, Amount::Much);
    let (_folder, store) = local().await;
    let writer = store.begin(&backup("first")).await.expect("begun");
    let (stop, came) = (CancellationToken::new(), Arc::new(AtomicU64::new(0)));
    let told = |bytes| {
        came.store(bytes, Ordering::Relaxed);
        stop.cancel();
    };
    let shard = "shard-0".parse().expect("fits");
    let outcome = take_shard(&node.request(TapFormat::Newest), &writer, &shard, &stop, told).await;
    assert!(matches!(outcome, Err(PipelineError::Stopped)), "{outcome:?}");
    assert!(came.load(Ordering::Relaxed) > 0, "it was on its way");
    assert_eq!(leftovers(&store).await, 0);
    let outcome = take_shard(&node.request(TapFormat::Newest), &writer, &shard, &stop, |_| {}).await;
    assert!(matches!(outcome, Err(PipelineError::Stopped)), "before it began: {outcome:?}");
}

#[tokio::test]
async fn a_node_that_dies_midway_leaves_nothing() {
    let engine = engine_9();
    let node = engine.start(&["--rdb-key-save-delay", "500"]);
    fill(&engine, &node, Amount::Much);
    let (_folder, store) = local().await;
    let writer = store.begin(&backup("first")).await.expect("begun");
    let request = node.request(TapFormat::Newest);
    let mut node = Some(node);
    let (shard, stop) = ("shard-0".parse().expect("fits"), CancellationToken::new());
    let outcome = take_shard(&request, &writer, &shard, &stop, |_| drop(node.take())).await;
    assert!(matches!(outcome, Err(PipelineError::Tap(_))), "{outcome:?}");
    assert_eq!(leftovers(&store).await, 0);
}

#[tokio::test]
async fn a_file_that_is_none_is_not_placed() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("bad.rdb"), b"REDIS0011 but then something else").expect("writable");
    let target = folder.path().join("dump.rdb");
    std::fs::write(&target, b"as it was").expect("writable");
    let url = format!("file://{}/bad.rdb", folder.path().display());
    let source = PlaceSource::Imported(valkyard_backups::ImportFile::find(&url, &[]).await.expect("found"));
    let targets = [PlaceTarget { slots: SlotSet::all(), path: target.clone() }];
    let outcome = place_files(&[source], &targets, &CancellationToken::new(), |_| {}).await;
    assert!(matches!(outcome, Err(PipelineError::Unusable { source: RdbError::UnknownCode { .. }, .. })), "{outcome:?}");
    assert_eq!(std::fs::read(&target).expect("there"), b"as it was");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 2, "no temporary file is left");
}
