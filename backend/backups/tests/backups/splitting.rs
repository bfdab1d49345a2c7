//! Files of any division become files of another, which real engines load to the last key.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use valkyard_backups::{ContentDigest, ImportFile, PipelineError, PlaceSource, PlaceTarget, Placed, TapFormat, place_files};
use valkyard_model::SlotSet;

use crate::client::Client;
use crate::data::{Amount, fill};
use crate::engine::{engine_8, engine_9, engines, read, shares};
use crate::random::Random;
use crate::stores::{backup, manifest, record, write};
use crate::writer::File;

/// Longest wait for some tens of megabytes.
const PLACE_TIME_MAX: Duration = Duration::from_secs(60);

/// Folders of files made elsewhere and of files for nodes.
pub(crate) struct Folders {
    from: TempDir,
    pub(crate) to: TempDir,
}

impl Folders {
    pub(crate) fn new() -> Self {
        Self { from: tempfile::tempdir().expect("a folder"), to: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) async fn sources<R: AsRef<[u8]>>(&self, files: &[R]) -> Vec<PlaceSource> {
        let mut sources = Vec::new();
        for (index, file) in files.iter().enumerate() {
            let path = self.from.path().join(format!("{index}.rdb"));
            std::fs::write(&path, file).expect("writable");
            let found = ImportFile::find(&format!("file://{}", path.display()), &[]).await.expect("found");
            sources.push(PlaceSource::Imported(found));
        }
        sources
    }

    pub(crate) fn targets(&self, slots: Vec<SlotSet>) -> Vec<PlaceTarget> {
        let target = |(index, slots)| PlaceTarget { slots, path: self.to.path().join(format!("{index}/dump.rdb")) };
        let targets: Vec<PlaceTarget> = slots.into_iter().enumerate().map(target).collect();
        targets.iter().for_each(|target| std::fs::create_dir_all(folder_of(target)).expect("writable"));
        targets
    }

    /// The files divided among targets, or why not; then nothing is left.
    pub(crate) async fn place<R: AsRef<[u8]>>(&self, files: &[R], slots: Vec<SlotSet>) -> Result<Placed, PipelineError> {
        let (sources, targets) = (self.sources(files).await, self.targets(slots));
        let stop = CancellationToken::new();
        let placing = place_files(&sources, &targets, &stop, |_| {});
        let placed = tokio::time::timeout(PLACE_TIME_MAX, placing).await.expect("it goes on");
        if placed.is_err() {
            assert_nothing_in(&targets);
        }
        placed
    }
}

fn folder_of(target: &PlaceTarget) -> &Path {
    target.path.parent().expect("a folder of its own")
}

pub(crate) fn assert_nothing_in(targets: &[PlaceTarget]) {
    for target in targets {
        let left = std::fs::read_dir(folder_of(target)).expect("a folder").count();
        assert_eq!(left, 0, "{}", target.path.display());
    }
}

pub(crate) fn contents(placed: &Placed) -> Vec<Vec<u8>> {
    placed.files.iter().map(|file| std::fs::read(&file.path).expect("placed")).collect()
}

#[tokio::test]
async fn each_engine_loads_exactly_its_part() {
    for engine in engines() {
        let node = engine.start(&[]);
        fill(&engine, &node, Amount::Much);
        let whole = node.summary().await;
        let file = node.file(TapFormat::Newest).await;
        let mut of_three = Vec::new();
        for node in engine.start_cluster_on(&file, 3) {
            of_three.push(node.file(TapFormat::Newest).await);
        }
        for (files, shards) in
            [(vec![file], 1), (of_three.clone(), 1), (of_three.clone(), 2), (of_three.clone(), 3), (of_three, 5)]
        {
            let folders = Folders::new();
            let placed = folders.place(&files, shares(shards)).await.expect("placed");
            let totals = &placed.totals;
            assert_eq!((totals.keys, totals.digest), (whole.keys, whole.digest), "{} to {shards}", files.len());
            assert_eq!((totals.keys_lasting, totals.digest_lasting), (whole.keys_lasting, whole.digest_lasting));
            assert_eq!((totals.keys_expiring, totals.largest.as_ref()), (whole.keys_expiring, whole.largest.as_ref()));
            assert_eq!(placed.sources.iter().map(|source| source.digest).sum::<ContentDigest>(), whole.digest);
            let written = contents(&placed);
            let nodes = engine.start_cluster(&written);
            for ((node, placed), (slots, written)) in nodes.iter().zip(&placed.files).zip(shares(shards).iter().zip(&written)) {
                assert_eq!((node.keys_loaded(), node.keys()), (placed.totals.keys, placed.totals.keys));
                let after = node.summary().await;
                assert_eq!((after.digest, after.digest_lasting), (placed.totals.digest, placed.totals.digest_lasting));
                assert_eq!((after.libraries, placed.libraries), (whole.libraries.clone(), 1));
                let file = read(written);
                assert_eq!((file.digest, file.bytes, file.engine), (after.digest, placed.bytes, whole.engine.clone()));
                assert!(file.slots.without(slots).is_empty());
            }
        }
    }
}

#[tokio::test]
async fn files_of_both_versions_go_together() {
    let (old, new) = (engine_8().start(&[]), engine_9().start(&[]));
    old.client().all(&[vec!["SET", "{a}1", "of 8"], vec!["SET", "{a}2", "of 8", "EX", "100000"]]);
    new.client().all(&[vec!["HSET", "{b}", "f", "1"], vec!["HEXPIRE", "{b}", "100000", "FIELDS", "1", "f"]]);
    let files = [old.file(TapFormat::Newest).await, new.file(TapFormat::Newest).await];
    let placed = Folders::new().place(&files, shares(2)).await.expect("placed");
    assert_eq!((placed.format.magic, placed.format.version), ("VALKEY", 80));
    assert_eq!((placed.totals.keys, placed.totals.keys_expiring, placed.totals.keys_lasting), (3, 1, 1));
    assert_eq!(placed.totals.digest, read(&files[0]).digest + read(&files[1]).digest);
}

#[tokio::test]
async fn how_keys_were_used_goes_with_them() {
    let engine = engine_9();
    let node = engine.start(&["--maxmemory-policy", "allkeys-lfu", "--maxmemory", "100mb"]);
    node.client().all(&(0..200).map(|_| vec!["INCR", "used"]).collect::<Vec<_>>());
    let frequency = |client: &mut Client| client.call(&["OBJECT", "FREQ", "used"]).parse::<u64>().expect("a number");
    assert!(frequency(&mut node.client()) > 5);
    let folders = Folders::new();
    let placed = folders.place(&[node.file(TapFormat::Newest).await], shares(1)).await.expect("placed");
    let settings = ["--maxmemory-policy", "allkeys-lfu", "--maxmemory", "100mb"];
    let restored = engine.start_on(&contents(&placed)[0], &settings);
    assert!(frequency(&mut restored.client()) > 5);
}

#[tokio::test]
async fn long_records_of_several_files_do_not_get_into_each_other() {
    let mut random = Random::seeded(5);
    let mut files = Vec::new();
    // A tag each, so that no two files have a slot in common, and both targets get keys of all files.
    for tags in [["a", "b"], ["c", "d"], ["e", "f"]] {
        let mut file = File::new("REDIS0011");
        for index in 0..12 {
            let (tag, length) = (tags[random.below(2)], 1_000 + random.below(4_000_000));
            file = file.string(format!("{{{tag}}}{index}").as_bytes(), &random.bytes(length));
        }
        files.push(file.end());
    }
    let whole: ContentDigest = files.iter().map(|file| read(file).digest).sum();
    let folders = Folders::new();
    let placed = folders.place(&files, shares(2)).await.expect("placed");
    assert_eq!((placed.totals.keys, placed.totals.digest), (36, whole));
    for (written, file) in contents(&placed).iter().zip(&placed.files) {
        assert_eq!((read(written).digest, read(written).keys), (file.totals.digest, file.totals.keys));
        assert!(file.totals.keys > 0);
    }
}

#[tokio::test]
async fn a_kept_file_must_be_as_its_record_says() {
    let home = tempfile::tempdir().expect("a folder");
    let store = valkyard_backups::BackupStore::open(&format!("file://{}", home.path().display()), &[]).await.expect("opened");
    let name = backup("first");
    let writer = store.begin(&name).await.expect("begun");
    let receipt = write(&writer, "shard-0", &File::new("REDIS0011").string(b"k", b"v").end()).await;
    writer.commit(&manifest(&name, vec![record(&receipt)])).await.expect("committed");
    let (folders, stop) = (Folders::new(), CancellationToken::new());
    let targets = folders.targets(shares(2));
    let kept = PlaceSource::Kept { store: store.clone(), backup: name, shard: Box::new(record(&receipt)) };
    let placed = place_files(std::slice::from_ref(&kept), &targets, &stop, |_| {}).await.expect("placed");
    assert_eq!((placed.totals.keys, placed.sources[0].bytes), (1, kept.bytes()));
    targets.iter().for_each(|target| std::fs::remove_file(&target.path).expect("there"));
    let other = File::new("REDIS0011").string(b"k", b"w").end();
    std::fs::write(home.path().join("instance-1/first/shard-0.rdb"), other).expect("writable");
    let error = place_files(&[kept], &targets, &stop, |_| {}).await.expect_err("another valid file");
    assert!(matches!(error, PipelineError::Store(_)), "{error:?}");
    assert_nothing_in(&targets);
}
