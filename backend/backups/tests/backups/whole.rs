//! Files that serve a shard as they are get a second name; anything else is left to the splitter.

use std::os::unix::fs::MetadataExt as _;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use valkyard_backups::{BackupStore, PipelineError, PlaceSource, PlaceTarget, ShardRecord, place_whole};
use valkyard_model::SlotSet;

use crate::engine::shares;
use crate::splitting::{Folders, assert_nothing_in};
use crate::stores::{backup, manifest, record, write};
use crate::writer::File;

/// A store with a backup of two shards.
async fn kept() -> (TempDir, Vec<PlaceSource>) {
    let home = tempfile::tempdir().expect("a folder");
    let store = BackupStore::open(&format!("file://{}", home.path().display()), &[]).await.expect("opened");
    let name = backup("first");
    let writer = store.begin(&name).await.expect("begun");
    let mut records = Vec::new();
    for (index, slots) in shares(2).into_iter().enumerate() {
        let file = File::new("REDIS0011").string(format!("{index}").as_bytes(), b"v").end();
        let receipt = write(&writer, &format!("s{index}"), &file).await;
        records.push(ShardRecord { slots, ..record(&receipt) });
    }
    writer.commit(&manifest(&name, records.clone())).await.expect("committed");
    let source = |record| PlaceSource::Kept { store: store.clone(), backup: name.clone(), shard: Box::new(record) };
    (home, records.into_iter().map(source).collect())
}

async fn place(sources: &[PlaceSource], targets: &[PlaceTarget]) -> Result<Option<Vec<u64>>, PipelineError> {
    place_whole(sources, targets, &CancellationToken::new(), |_| {}).await
}

fn inode(path: &std::path::Path) -> u64 {
    std::fs::metadata(path).expect("there").ino()
}

#[tokio::test]
async fn the_same_division_gets_the_kept_files_themselves_in_any_order() {
    let (home, mut sources) = kept().await;
    sources.reverse();
    let folders = Folders::new();
    let targets = folders.targets(shares(2));
    assert_eq!(place(&sources, &targets).await.expect("placed"), Some(vec![1, 1]));
    for (index, target) in targets.iter().enumerate() {
        assert_eq!(inode(&target.path), inode(&home.path().join(format!("instance-1/first/s{index}.rdb"))));
        let names = std::fs::read_dir(target.path.parent().expect("a folder")).expect("readable").count();
        assert_eq!(names, 1, "nothing else is left there");
    }
    assert_eq!(place(&sources, &targets).await.expect("placed again"), Some(vec![1, 1]));
    std::fs::remove_file(&targets[0].path).expect("a node drops its file");
    assert!(home.path().join("instance-1/first/s0.rdb").exists(), "the store keeps its own");
}

#[tokio::test]
async fn another_division_is_left_alone() {
    let (_home, sources) = kept().await;
    let folders = Folders::new();
    let other = [shares(3), shares(1), vec![SlotSet::default(), SlotSet::all()]];
    for slots in other {
        let targets = folders.targets(slots);
        assert_eq!(place(&sources, &targets).await.expect("nothing to do"), None);
        assert_nothing_in(&targets);
    }
}

#[tokio::test]
async fn a_file_that_is_not_as_it_was_written_and_a_stop_leave_nothing() {
    let (home, sources) = kept().await;
    let folders = Folders::new();
    let targets = folders.targets(shares(2));
    let stop = CancellationToken::new();
    stop.cancel();
    let stopped = place_whole(&sources, &targets, &stop, |_| {}).await;
    assert!(matches!(stopped, Err(PipelineError::Stopped)), "{stopped:?}");
    assert_nothing_in(&targets);
    let other = File::new("REDIS0011").string(b"1", b"w").end();
    std::fs::write(home.path().join("instance-1/first/s1.rdb"), other).expect("writable");
    let error = place(&sources, &targets).await.expect_err("another valid file of the same length");
    assert!(matches!(error, PipelineError::Store(_)), "{error:?}");
    assert_nothing_in(&targets);
}
