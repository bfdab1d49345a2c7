//! What cannot be restored is refused with its reason, and nothing is left of the attempt.

use std::os::unix::fs::PermissionsExt as _;

use proptest::prelude::*;
use tokio_util::sync::CancellationToken;
use valkyard_backups::{
    ContentDigest, PipelineError, PlaceProgress, PlaceTarget, RdbError, place_files, remove_unfinished_imports,
};
use valkyard_model::{SLOT_COUNT, Slot, SlotSet};

use crate::engine::{read, shares};
use crate::random::Random;
use crate::splitting::{Folders, assert_nothing_in, contents};
use crate::writer::{File, length, text};

fn library(code: &str) -> Vec<u8> {
    [vec![245], text(code.as_bytes())].concat()
}

async fn refused(file: Vec<u8>) -> RdbError {
    match Folders::new().place(&[file], shares(2)).await {
        Err(PipelineError::Unusable { file, source }) => {
            assert!(file.ends_with("0.rdb"), "{file}");
            source
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_file_that_no_cluster_can_take_is_refused() {
    let start = || File::new("VALKEY080").string(b"k", b"v");
    assert!(matches!(refused(b"no RDB file at all".to_vec()).await, RdbError::NotRdb { .. }));
    assert!(matches!(refused(start().unfinished()).await, RdbError::Truncated { .. }));
    assert!(matches!(refused(File::new("VALKEY081").end()).await, RdbError::Unknown { version: 81, .. }));
    let module = start().raw(&[7]).raw(&text(b"m")).raw(&length(0x1234_5678_9abc_def0)).end();
    assert!(matches!(refused(module).await, RdbError::Module { .. }));
    let database = refused(start().raw(&[254, 3]).string(b"other", b"v").end()).await;
    assert_eq!(database, RdbError::Database { offset: 16, database: 3 });
    assert!(database.to_string().contains("database 3"), "{database}");
    let importing = start().raw(&[243]).raw(&text(b"job")).raw(&length(1)).raw(&length(5)).raw(&length(9)).end();
    let importing = refused(importing).await;
    assert!(matches!(&importing, RdbError::Importing { slots, .. } if slots.count() == 5), "{importing:?}");
    let endless = (0..10).fold(start(), |file, _| file.raw(&[252]).raw(&[1; 8]));
    assert!(matches!(refused(endless.string(b"x", b"v").end()).await, RdbError::Corrupt { .. }));
}

#[tokio::test]
async fn an_empty_database_and_an_unused_one_do_no_harm() {
    let file = File::new("REDIS0011").raw(&[254, 5, 254, 0]).string(b"k", b"v").raw(&[254, 7]).end();
    let placed = Folders::new().place(&[file], shares(2)).await.expect("placed");
    assert_eq!(placed.totals.keys, 1);
}

#[tokio::test]
async fn a_slot_comes_from_one_file_and_goes_to_one() {
    let files = [b"{a}1", b"{a}2"].map(|name| File::new("REDIS0011").string(name, b"v").end());
    let error = Folders::new().place(&files, shares(2)).await.expect_err("both have the slot");
    let shown = error.to_string();
    assert!(matches!(error, PipelineError::SourcesShare { .. }), "{error:?}");
    assert!(shown.contains("0.rdb") && shown.contains("1.rdb"), "{shown}");
    let error = Folders::new().place(&files[..1], [shares(2), shares(3)].concat()).await.expect_err("given twice");
    assert!(matches!(error, PipelineError::TargetsShare { slot } if slot.number() == 0), "{error:?}");
    // Of the two halves, the key is in the second.
    let error = Folders::new().place(&files[..1], shares(2)[..1].to_vec()).await.expect_err("nobody has the slot");
    assert!(matches!(error, PipelineError::Unusable { source: RdbError::Unowned { slot: 15_495, .. }, .. }), "{error:?}");
}

#[tokio::test]
async fn libraries_of_all_files_go_to_all_targets_once() {
    let (one, two, other) =
        (library("#!lua name=one\ncode"), library("#!lua name=two\ncode"), library("#!lua name=one\nother code"));
    let file = |tag: &str, libraries: &[u8]| File::new("REDIS0011").raw(libraries).string(tag.as_bytes(), b"v").end();
    let files = [file("a", &one), file("b", &[one.clone(), two].concat()), file("c", &one)];
    let folders = Folders::new();
    let placed = folders.place(&files, shares(3)).await.expect("placed");
    for (written, file) in contents(&placed).iter().zip(&placed.files) {
        let mut lines: Vec<String> = read(written).libraries.into_iter().map(|library| library.first_line).collect();
        lines.sort();
        assert_eq!(lines, ["#!lua name=one", "#!lua name=two"]);
        assert_eq!(file.libraries, 2);
    }
    let error = Folders::new().place(&[file("a", &one), file("b", &other)], shares(2)).await.expect_err("they differ");
    assert!(matches!(&error, PipelineError::LibrariesDiffer { name, .. } if name == "one"), "{error:?}");
}

#[tokio::test]
async fn a_cut_or_a_flipped_bit_leaves_nothing() {
    let (first, second) = (File::new("REDIS0011").string(b"a", b"v").end(), File::new("REDIS0011").raw(&[252, 1, 2, 3, 4, 5]));
    let second = second.raw(&[0; 3]).string(b"b", &[7; 300]).raw(&library("#!lua name=one\ncode")).string(b"c", b"5").end();
    Folders::new().place(&[&first, &second], shares(3)).await.expect("both are valid");
    for end in 0..second.len() {
        let cut = Folders::new().place(&[&first, &second[..end]], shares(3)).await;
        assert!(matches!(cut, Err(PipelineError::Unusable { .. })), "cut at {end}: {cut:?}");
    }
    for byte in 0..second.len() {
        let mut flipped = second.clone();
        flipped[byte] ^= 1 << (byte % 8);
        let placed = Folders::new().place(&[&first, &flipped], shares(3)).await;
        assert!(placed.is_err(), "a bit of byte {byte} went unnoticed: {placed:?}");
    }
}

#[tokio::test]
async fn what_is_stopped_or_cannot_be_written_leaves_nothing() {
    let file = File::new("REDIS0011").string(b"a", &vec![7; 9 << 20]).string(b"b", &vec![7; 9 << 20]).end();
    let folders = Folders::new();
    let (sources, targets, stop) = (folders.sources(&[&file]).await, folders.targets(shares(2)), CancellationToken::new());
    let outcome = place_files(&sources, &targets, &stop, |_| stop.cancel()).await;
    assert!(matches!(outcome, Err(PipelineError::Stopped)), "{outcome:?}");
    assert_nothing_in(&targets);

    let mut lacking = targets.clone();
    lacking[1].path = folders.to.path().join("none/dump.rdb");
    let outcome = place_files(&sources, &lacking, &CancellationToken::new(), |_| {}).await;
    assert!(matches!(outcome, Err(PipelineError::Write { .. })), "{outcome:?}");
    assert_nothing_in(&targets);

    // A folder cannot be replaced by a file, which is noticed at the very end.
    let mut in_the_way = targets.clone();
    in_the_way[1].path = folders.to.path().join("1");
    let outcome = place_files(&sources, &in_the_way, &CancellationToken::new(), |_| {}).await;
    assert!(matches!(outcome, Err(PipelineError::Write { .. })), "{outcome:?}");
    assert_nothing_in(&targets);
}

#[tokio::test]
async fn progress_is_told_and_files_are_private() {
    let file = File::new("REDIS0011").string(b"a", &vec![7; 9 << 20]).string(b"b", b"v").end();
    let folders = Folders::new();
    let (sources, targets) = (folders.sources(&[&file]).await, folders.targets(shares(2)));
    let (mut last, mut calls) = (PlaceProgress::default(), 0);
    let told = |progress: PlaceProgress| (last, calls) = (progress, calls + 1);
    place_files(&sources, &targets, &CancellationToken::new(), told).await.expect("placed");
    assert_eq!(last, PlaceProgress { bytes: file.len() as u64, keys: 2 });
    assert!(calls >= 9, "{calls}");
    for target in &targets {
        let mode = std::fs::metadata(&target.path).expect("placed").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
    }
}

#[test]
fn what_a_killed_attempt_left_is_removed_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in [".import-a1B2c3", "dump.rdb", "import-x"] {
        std::fs::write(folder.path().join(name), b"x").expect("writable");
    }
    remove_unfinished_imports(folder.path()).expect("removed");
    let mut left: Vec<_> =
        std::fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("one").file_name()).collect();
    left.sort();
    assert_eq!(left, ["dump.rdb", "import-x"]);
}

/// Slots dealt out at random.
fn dealt(seed: u64, shards: usize) -> Vec<SlotSet> {
    let mut random = Random::seeded(seed);
    let mut slots = vec![Vec::new(); shards];
    (0..SLOT_COUNT).for_each(|slot| slots[random.below(shards)].extend(Slot::new(slot)));
    slots.into_iter().map(|slots| slots.into_iter().collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_key_comes_to_its_shard_and_only_there(
        seed in any::<u64>(),
        shards in 1..6_usize,
        names in prop::collection::btree_set(prop::collection::vec(any::<u8>(), 0..40), 1..200),
        longest in 1..2_500_000_usize,
    ) {
        let mut random = Random::seeded(seed);
        let mut file = File::new("REDIS0011").raw(&[251, 1, 1]);
        for name in &names {
            file = match random.below(5) {
                0 => file.raw(&[252]).raw(&[1; 8]),
                1 => file.raw(&[248]).raw(&length(70_000)),
                2 => file.raw(&[249, 9, 252]).raw(&[2; 8]),
                _ => file,
            };
            let length = if random.below(30) == 0 { longest } else { random.below(300) };
            file = file.string(name, &random.bytes(length));
        }
        let file = file.end();
        let whole = read(&file);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (folders, slots) = (Folders::new(), dealt(seed, shards));
        let placed = runtime.block_on(folders.place(&[&file], slots.clone())).expect("placed");
        let mut digest = ContentDigest::default();
        for ((written, file), slots) in contents(&placed).iter().zip(&placed.files).zip(&slots) {
            let summary = read(written);
            prop_assert_eq!((summary.keys, summary.digest), (file.totals.keys, file.totals.digest));
            prop_assert!(summary.slots.without(slots).is_empty());
            digest += summary.digest;
        }
        prop_assert_eq!((placed.totals.keys, digest), (names.len() as u64, whole.digest));
    }
}

#[test]
fn the_way_may_go_from_thread_to_thread() {
    fn is_send(_future: impl Future + Send) {}
    let (stop, targets) = (CancellationToken::new(), [PlaceTarget { slots: SlotSet::all(), path: "dump.rdb".into() }]);
    is_send(place_files(&[], &targets, &stop, |_| {}));
}
