//! What is refused and what still goes on when the disk is full to the last byte.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use valkyard_model::{
    DataLoss, DesiredInstance, FailureCode, InstanceSpec, NodeSerial, Operation, OperationState, ShardIndex, Verification, Zone,
};
use valkyard_store::{
    BackupError, CreateError, CreateInstance, DatabaseError, OutageManner, ProgressError, Store, StoreLocation, UpdateError,
};

use crate::scene::{Scene, all_free, at, failed_with, failure, instance_of, node, spec};

const FULL_DISK: &str = "VALKYARD_TEST_STORE_FULL_DISK";
const RESERVE_BYTES: u64 = 1 << 20;

/// A file system of 4 MiB, mounted in a mount namespace of its own.
struct Disk(PathBuf);

impl Disk {
    /// Inside the namespace: the disk. Outside: runs the test with this name again on such a disk, and returns nothing.
    fn inside(test: &str) -> Option<Self> {
        if let Some(disk) = std::env::var_os(FULL_DISK) {
            return Some(Self(PathBuf::from(disk)));
        }
        let folder = tempfile::tempdir().expect("a folder");
        // Root need not be root of a user namespace, which is not permitted everywhere; anybody else must.
        let mount = "mount -t tmpfs -o size=4m valkyard-test \"$0\" && exec \"$@\"";
        let try_in = |namespaces: &[&str]| {
            let mut command = Command::new("unshare");
            command.args(namespaces).args(["sh", "-c", mount]).arg(folder.path());
            command.arg(std::env::current_exe().expect("the test binary"));
            command.args(["--exact", &format!("full_disk::{test}"), "--nocapture"]).env(FULL_DISK, folder.path());
            command.output().expect("unshare of util-linux is installed")
        };
        let is_root = Command::new("id").arg("-u").output().expect("id is installed").stdout == b"0\n";
        let ran = try_in(if is_root { &["--mount"] } else { &["--mount", "--user", "--map-root-user"] });
        let told = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "needs root or unprivileged user namespaces to mount a small file system: {told}");
        assert!(told.contains("1 passed"), "{told}");
        None
    }

    fn scene(&self) -> Scene {
        Scene::over(self.open().0)
    }

    fn open(&self) -> (Store, valkyard_store::StoreThreads) {
        Store::open(StoreLocation::File(self.0.join("valkyard.db"))).expect("opens")
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Takes every byte that is left, like a neighbour that keeps writing.
    fn fill(&self) {
        let mut filler = OpenOptions::new().create(true).append(true).open(self.filler()).expect("opens");
        let error = std::iter::repeat_with(|| filler.write_all(&[b'x'; 512])).find_map(Result::err).expect("ends");
        assert_eq!(error.kind(), ErrorKind::StorageFull);
    }

    fn make_room(&self) {
        fs::remove_file(self.filler()).expect("was filled");
    }

    fn reserve(&self) -> PathBuf {
        self.0.join("valkyard.db.reserve")
    }

    fn reserve_bytes(&self) -> u64 {
        length(&self.reserve())
    }
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |found| found.len())
}

async fn give_up(scene: &Scene, create: &Operation) -> Result<(), ProgressError> {
    let reason = failure(FailureCode::ResourceExhausted);
    scene.store.abandon_create(instance_of(create), create.target_uid, reason, at(0)).await
}

#[tokio::test]
async fn a_creation_is_given_up_and_removed_on_a_full_disk() {
    let Some(disk) = Disk::inside("a_creation_is_given_up_and_removed_on_a_full_disk") else { return };
    let scene = disk.scene();
    let create = scene.create("cache-1", at(0)).await;
    disk.fill();
    give_up(&scene, &create).await.expect("uses the reserve");
    assert!(disk.reserve_bytes() < RESERVE_BYTES);
    disk.fill();
    scene.store.remove_instance(instance_of(&create), create.target_uid, at(1)).await.expect("uses what is left of it");
    assert_eq!(failed_with(&scene.operation(&create).await), Some(FailureCode::ResourceExhausted));

    disk.make_room();
    let next = scene.create("cache-2", at(2)).await;
    scene.converge(&next, at(3)).await;
    assert_eq!(disk.reserve_bytes(), RESERVE_BYTES, "it is whole again");
}

#[tokio::test]
async fn every_way_out_stays_open_on_a_full_disk_and_survives_a_restart() {
    let Some(disk) = Disk::inside("every_way_out_stays_open_on_a_full_disk_and_survives_a_restart") else { return };
    let (store, threads) = disk.open();
    let scene = Scene::over(store);
    let kept = scene.created("cache-1", at(0)).await;
    let (to_converge, to_cancel) = (scene.create("cache-2", at(0)).await, scene.create("cache-3", at(0)).await);
    disk.fill();
    let delete = scene.delete("cache-1", at(1)).await.expect("is accepted");
    disk.fill();
    scene.converge(&to_converge, at(1)).await;
    disk.fill();
    scene.store.request_cancel(&to_cancel.id, at(1)).await.expect("is noted");
    disk.fill();
    scene.store.remove_instance(&kept.name, kept.uid, at(2)).await.expect("is removed");

    disk.make_room();
    drop(scene);
    threads.join();
    let scene = disk.scene();
    assert_eq!(disk.reserve_bytes(), RESERVE_BYTES, "it is whole again");
    for ended in [&delete, &to_converge] {
        assert!(matches!(scene.operation(ended).await.state, OperationState::Succeeded { .. }), "{ended:?}");
    }
    assert!(scene.operation(&to_cancel).await.cancel_requested);
}

#[tokio::test]
async fn a_change_ends_on_a_full_disk_in_either_direction() {
    let Some(disk) = Disk::inside("a_change_ends_on_a_full_disk_in_either_direction") else { return };
    let scene = disk.scene();
    let (back, on) = (scene.created("cache-1", at(0)).await, scene.created("cache-2", at(0)).await);
    scene.store.allocate_nodes(&on.name, on.uid, vec![node(on.uid, 0), node(on.uid, 1)]).await.expect("is recorded");
    let zone = Zone::all_of(&on.name.location)[1].clone();
    scene.store.set_zone_outage(&zone, OutageManner::Stop, at(0)).await.expect("is recorded");
    let update = scene.update("cache-1", back.generation, at(1)).await.expect("is accepted");
    disk.fill();
    let reason = failure(FailureCode::ResourceExhausted);
    scene.store.abandon_update(&back.name, back.uid, reason, at(2)).await.expect("uses the reserve");
    assert_eq!(failed_with(&scene.operation(&update).await), Some(FailureCode::ResourceExhausted));
    disk.fill();
    scene.store.retire_nodes(&on.name, on.uid, vec![NodeSerial(1)]).await.expect("is recorded");
    disk.fill();
    scene.store.release_nodes(&on.name, on.uid, vec![NodeSerial(1)]).await.expect("is recorded");
    disk.fill();
    scene
        .store
        .record_data_loss(&on.name, on.uid, DataLoss { shard: ShardIndex(0), at: at(3), restored_to: None })
        .await
        .expect("is recorded");
    disk.fill();
    scene.store.end_zone_outage(&zone).await.expect("is recorded");
    let after = scene.instance("cache-2").await;
    assert_eq!((after.nodes.len(), after.losses.len(), after.zones_out.len()), (1, 1, 0));
    assert!(disk.reserve_bytes() < RESERVE_BYTES);
}

#[tokio::test]
async fn what_was_begun_with_backups_ends_on_a_full_disk() {
    let Some(disk) = Disk::inside("what_was_begun_with_backups_ends_on_a_full_disk") else { return };
    let scene = disk.scene();
    let instances = [scene.created("cache-1", at(0)).await, scene.created("cache-2", at(0)).await];
    let (kept, expired) = (scene.backed_up("cache-1", "kept", at(1)).await, scene.backed_up("cache-1", "expired", at(1)).await);
    let export = scene.export(kept.name.clone(), at(2)).await.expect("is accepted");
    scene.verify(kept.name.clone(), "scratch", at(2)).await.expect("is accepted");
    let (made, given_up) = (scene.back_up("cache-1", "made", at(3)).await, scene.back_up("cache-2", "given-up", at(3)).await);
    let (made, given_up) = (made.expect("is accepted"), given_up.expect("is accepted"));
    disk.fill();
    scene.complete(&made, "made", at(4)).await;
    disk.fill();
    let uid = scene.backup("cache-2", "given-up").await.expect("is there").uid;
    let reason = failure(FailureCode::ResourceExhausted);
    scene.store.abandon_backup(&instances[1].name, instances[1].uid, uid, reason, at(4)).await.expect("is recorded");
    assert_eq!(failed_with(&scene.operation(&given_up).await), Some(FailureCode::ResourceExhausted));
    disk.fill();
    scene.store.finish_export(&export.id, kept.uid, Ok(()), at(4)).await.expect("is ended");
    disk.fill();
    let outcome = Verification::Passed { at: at(4), detail: "20 keys".to_owned() };
    scene.store.finish_verification(kept.uid, outcome, None, at(4)).await.expect("is ended");
    disk.fill();
    assert!(scene.store.expire_backup(expired.uid).await.expect("is recorded"));
    disk.fill();
    scene.store.remove_backup(expired.uid, at(5)).await.expect("is removed");
    disk.fill();
    scene.delete_backup(kept.name.clone(), at(5)).await.expect("is accepted");
}

/// 250 nodes, and 64 labels of 63 three-byte letters.
async fn largest(scene: &Scene) -> Operation {
    let labels = (10..74).map(|number| (format!("k{}{number}", "\u{3042}".repeat(60)), "\u{3042}".repeat(63))).collect();
    let spec = InstanceSpec { labels, ..spec(250) };
    let create = CreateInstance { spec, ..scene.creation("largest", at(0)) };
    let create = scene.store.create_instance(create, all_free).await.expect("is accepted");
    let nodes = (0..250).map(|serial| node(create.target_uid, serial)).collect();
    scene.store.allocate_nodes(instance_of(&create), create.target_uid, nodes).await.expect("is recorded");
    create
}

#[tokio::test]
async fn the_reserve_is_large_enough_for_the_largest_instance() {
    let Some(disk) = Disk::inside("the_reserve_is_large_enough_for_the_largest_instance") else { return };
    let scene = disk.scene();
    let create = largest(&scene).await;
    disk.fill();
    scene.converge(&create, at(1)).await;
    disk.fill();
    let leaving = (1..250).map(NodeSerial).collect();
    scene.store.retire_nodes(instance_of(&create), create.target_uid, leaving).await.expect("is recorded");
    disk.fill();
    scene.delete("largest", at(2)).await.expect("is accepted");
    disk.fill();
    scene.store.remove_instance(instance_of(&create), create.target_uid, at(3)).await.expect("is removed");
    assert!(disk.reserve_bytes() >= RESERVE_BYTES / 4, "one portion is spared: {}", disk.reserve_bytes());
}

#[tokio::test]
async fn new_work_is_refused_on_a_full_disk_and_leaves_the_reserve_alone() {
    let Some(disk) = Disk::inside("new_work_is_refused_on_a_full_disk_and_leaves_the_reserve_alone") else { return };
    let scene = disk.scene();
    let kept = scene.created("cache-1", at(0)).await;
    let backup = scene.backed_up("cache-1", "kept", at(0)).await.name;
    let kept = DesiredInstance { has_backups: true, ..kept };
    let is_full = |refused: Result<Operation, BackupError>| {
        assert!(matches!(refused, Err(BackupError::Database(DatabaseError::DiskFull(_)))), "{refused:?}");
    };
    disk.fill();
    for _ in 0..2 {
        is_full(scene.back_up("cache-1", "new", at(1)).await);
        is_full(scene.export(backup.clone(), at(1)).await);
        is_full(scene.verify(backup.clone(), "scratch", at(1)).await);
        let refused = scene.store.create_instance(scene.creation("cache-2", at(1)), all_free).await;
        assert!(matches!(refused, Err(CreateError::Database(DatabaseError::DiskFull(_)))), "{refused:?}");
        let refused = scene.update("cache-1", kept.generation, at(1)).await;
        assert!(matches!(refused, Err(UpdateError::Database(DatabaseError::DiskFull(_)))), "{refused:?}");
        let refused = scene.store.allocate_nodes(&kept.name, kept.uid, vec![node(kept.uid, 0)]).await;
        assert!(matches!(refused, Err(ProgressError::Database(DatabaseError::DiskFull(_)))), "{refused:?}");
        let zone = &Zone::all_of(&kept.name.location)[0];
        let refused = scene.store.set_zone_outage(zone, OutageManner::Hang, at(1)).await;
        assert!(matches!(refused, Err(DatabaseError::DiskFull(_))), "{refused:?}");
    }
    assert_eq!(disk.reserve_bytes(), RESERVE_BYTES);
    assert_eq!(scene.instance("cache-1").await, kept);

    disk.make_room();
    scene.create("cache-2", at(2)).await;
}

#[tokio::test]
async fn without_a_reserve_nothing_leads_out_until_there_is_room() {
    let Some(disk) = Disk::inside("without_a_reserve_nothing_leads_out_until_there_is_room") else { return };
    let scene = disk.scene();
    let create = scene.create("cache-1", at(0)).await;
    fs::remove_file(disk.reserve()).expect("was made");
    disk.fill();
    let refused = give_up(&scene, &create).await;
    assert!(matches!(refused, Err(ProgressError::Database(DatabaseError::DiskFull(_)))), "{refused:?}");

    disk.make_room();
    give_up(&scene, &create).await.expect("there is room");
    assert_eq!(disk.reserve_bytes(), RESERVE_BYTES, "it is made again");
}
