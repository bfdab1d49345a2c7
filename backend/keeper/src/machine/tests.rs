//! The keeper over a real database and real folders.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use serde_json::json;
use tempfile::TempDir;
use valkyard_backups::{Background, BackupStore, Manifest, ShardName, StoreOptions, place_of};
use valkyard_model::{BackupContent, BackupName, FailureCode, OperationId, OperationState};

use super::KeeperMachine;
use crate::testing::{Clients, instance_name};
use crate::{Keeper, Surroundings, handle};

/// Turns until something is seen: each takes milliseconds.
const TURNS_MAX: u32 = 2_000;
/// Between two turns.
const PAUSE: Duration = Duration::from_millis(2);
const DAY_SECS: i64 = 24 * 3_600;

struct Scene {
    folder: TempDir,
    clients: Clients,
    backups: BackupStore,
    keeper: Keeper<KeeperMachine>,
}

fn keeper(clients: &Clients, backups: &BackupStore) -> Keeper<KeeperMachine> {
    let (_, ends) = handle();
    let surroundings: Arc<dyn Surroundings> = Arc::<crate::testing::TestSurroundings>::clone(&clients.surroundings);
    let options = Arc::new(StoreOptions::default());
    let background = Background::start().expect("has threads");
    let machine = KeeperMachine::new(clients.store.clone(), backups.clone(), options, background, surroundings, &ends);
    Keeper::new(machine, ends)
}

impl Scene {
    /// An instance that is complete; the machine's clock is the real one, as files have real times.
    async fn begin() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clients = Clients::new();
        let ahead = Utc::now() - clients.surroundings.now();
        clients.surroundings.pass(ahead.num_seconds());
        let name = instance_name("cache");
        clients.create(&name).await;
        let instance = clients.instance(&name).await.expect("is there");
        let now = clients.surroundings.now();
        clients.store.record_converged(&name, instance.uid, instance.generation, now).await.expect("is recorded");
        let backups = BackupStore::open(&url(&folder.path().join("kept")), &[]).await.expect("opens");
        let keeper = keeper(&clients, &backups);
        Self { folder, clients, backups, keeper }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A complete backup, made as the loop of the instance does.
    async fn backup(&self, content: &[u8]) -> BackupName {
        let name = instance_name("cache");
        self.clients.back_up(&name).await.expect("is accepted");
        let instance = self.clients.instance(&name).await.expect("is there");
        let order = instance.backup.expect("is to be made");
        write(&self.backups, &order.name, content, &order.uid.to_string()).await;
        let now = self.clients.surroundings.now();
        let content = BackupContent { finished_at: now, url: String::new(), digest: String::new(), files: Vec::new() };
        let recorded = self.clients.store.record_backup(&name, instance.uid, order.uid, content, now).await;
        recorded.expect("is recorded");
        // The next one gets another id.
        self.clients.surroundings.pass(1);
        order.name
    }

    async fn turns_until(&mut self, what: &str, mut is_so: impl AsyncFnMut(&Self) -> bool) {
        for _ in 0..TURNS_MAX {
            self.keeper.turn().await.expect("the records are read");
            if is_so(self).await {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("{what} did not come: {:?}", self.clients.store.keeping().await);
    }

    async fn finish(&mut self, operation: &OperationId) -> Result<(), (FailureCode, String)> {
        self.turns_until("the end of the operation", async |scene: &Self| {
            scene.clients.operation(operation).await.state != OperationState::Running
        })
        .await;
        match self.clients.operation(operation).await.state {
            OperationState::Running | OperationState::Succeeded { .. } => Ok(()),
            OperationState::Failed { failure, .. } => Err((failure.code, failure.message)),
        }
    }

    async fn export(&mut self, name: &BackupName, to: &Path) -> Result<(), (FailureCode, String)> {
        let operation = self.clients.export(name, &url(to)).await.expect("is accepted");
        self.finish(&operation.id).await
    }
}

fn url(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// A file and a manifest; `backup_uid` tells two backups of one name apart.
async fn write(store: &BackupStore, name: &BackupName, content: &[u8], backup_uid: &str) {
    let place = place_of(name);
    let writer = store.begin(&place).await.expect("begun");
    let shard: ShardName = "s0".parse().expect("a shard's name");
    let mut file = writer.shard(&shard);
    file.write(content).await.expect("written");
    let receipt = file.finish().await.expect("finished");
    let zero = "0".repeat(32);
    let manifest: Manifest = serde_json::from_value(json!({
        "version": 1, "collection": place.collection, "backup": place.backup,
        "begun_at": "2026-01-01T00:00:00Z", "finished_at": "2026-01-01T00:00:00Z",
        "engine_version": "VALKEY_8_0", "node_type": "SHARED_CORE_NANO", "shard_count": 1, "replica_count": 0,
        "attributes": {"backup_uid": backup_uid},
        "shards": [{
            "shard": "s0", "file": receipt.file, "bytes": receipt.bytes, "sha256": receipt.sha256, "rdb_version": 11,
            "keys": 1, "keys_expiring": 0, "first_expiry_ms": null, "digest": zero, "libraries": 0, "largest_key_bytes": 1,
            "slots": valkyard_model::SlotSet::all(), "replication_id": "0", "replication_offset": 0,
            "begun_at": "2026-01-01T00:00:00Z", "finished_at": "2026-01-01T00:00:00Z"
        }]
    }))
    .expect("a manifest");
    writer.commit(&manifest).await.expect("committed");
}

#[tokio::test]
async fn an_expired_backup_loses_its_files_and_then_its_record() {
    let mut scene = Scene::begin().await;
    let name = scene.backup(b"data").await;
    let folder = scene.path("kept").join(place_of(&name).to_string());
    assert!(folder.exists());
    scene.keeper.turn().await.expect("the records are read");
    assert!(folder.exists(), "its time has not come");
    scene.clients.surroundings.advance_calendar(DAY_SECS);
    scene
        .turns_until("the end of the record", async |scene: &Scene| {
            let found = scene.clients.store.backup(&name).await.expect("reads");
            assert!(found.is_some() || !folder.exists(), "files without a record");
            found.is_none()
        })
        .await;
}

#[tokio::test]
async fn an_export_leaves_the_same_backup_and_repeats_itself() {
    let mut scene = Scene::begin().await;
    let name = scene.backup(b"data").await;
    let to = scene.path("to");
    for _ in 0..2 {
        assert_eq!(scene.export(&name, &to).await, Ok(()));
    }
    let place = place_of(&name);
    let copy = BackupStore::open(&url(&to), &[]).await.expect("opens").manifest(&place).await.expect("is there");
    assert_eq!(copy, scene.backups.manifest(&place).await.expect("is there"));
    assert_eq!(std::fs::read(to.join(place.to_string()).join("s0.rdb")).expect("is there"), b"data");
}

#[tokio::test]
async fn an_export_takes_the_place_of_an_unfinished_one_and_not_of_another_backup() {
    let mut scene = Scene::begin().await;
    let name = scene.backup(b"data").await;
    let half = scene.path("half").join(place_of(&name).to_string());
    std::fs::create_dir_all(&half).expect("made");
    std::fs::write(half.join("s9.rdb"), b"half").expect("written");
    let to = scene.path("half");
    assert_eq!(scene.export(&name, &to).await, Ok(()));
    assert!(!half.join("s9.rdb").exists());

    let taken = scene.path("taken");
    let other = BackupStore::open(&url(&taken), &[]).await.expect("opens");
    write(&other, &name, b"more", "another").await;
    let (code, message) = scene.export(&name, &taken).await.expect_err("the place is taken");
    assert_eq!(code, FailureCode::FailedPrecondition);
    assert!(message.contains("another backup") && message.contains("choose another destination"), "{message}");
}

#[tokio::test]
async fn an_export_of_a_damaged_backup_fails_and_leaves_nothing() {
    let mut scene = Scene::begin().await;
    let name = scene.backup(b"data").await;
    let file = scene.path("kept").join(place_of(&name).to_string()).join("s0.rdb");
    std::fs::remove_file(&file).expect("removed");
    std::fs::write(&file, b"atad").expect("written");
    let to = scene.path("to");
    let (code, message) = scene.export(&name, &to).await.expect_err("damaged");
    assert_eq!(code, FailureCode::FailedPrecondition);
    assert!(message.contains("damaged"), "{message}");
    assert!(!to.join(place_of(&name).to_string()).exists());
}

#[tokio::test]
async fn a_keeper_that_is_replaced_midway_leaves_the_work_to_the_next() {
    let mut scene = Scene::begin().await;
    let name = scene.backup(&vec![7; 30 << 20]).await;
    let operation = scene.clients.export(&name, &url(&scene.path("to"))).await.expect("is accepted");
    for _ in 0..3 {
        scene.keeper.turn().await.expect("the records are read");
        tokio::time::sleep(PAUSE).await;
        scene.keeper = keeper(&scene.clients, &scene.backups);
    }
    assert_eq!(scene.finish(&operation.id).await, Ok(()));
}

#[tokio::test]
async fn leftovers_go_after_a_day_and_nothing_else_does() {
    let mut scene = Scene::begin().await;
    let kept = scene.backup(b"data").await;
    let lost: BackupName = "projects/p/locations/us-central1/backupCollections/lost/backups/b1".parse().expect("a name");
    write(&scene.backups, &lost, b"data", "another").await;
    let half = scene.path("kept").join("p.us-central1.half").join("b1");
    std::fs::create_dir_all(&half).expect("made");
    std::fs::write(half.join("s0.rdb"), b"half").expect("written");
    scene.turns_until("a sweep", async |scene: &Scene| scene.keeper.world.has_swept).await;
    tokio::time::sleep(10 * PAUSE).await;
    scene.keeper.turn().await.expect("the records are read");
    assert!(half.exists(), "somebody may be writing it");
    // The calendar stays, so that nothing expires or is due.
    scene.clients.surroundings.pass(25 * 3_600);
    scene.clients.surroundings.advance_calendar(-25 * 3_600);
    scene.turns_until("the end of the leftover", async |_: &Scene| !half.exists()).await;
    for name in [kept, lost] {
        scene.backups.manifest(&place_of(&name)).await.expect("is still there");
    }
}

#[tokio::test]
async fn an_automated_backup_is_begun_and_its_loop_told() {
    let mut scene = Scene::begin().await;
    scene.clients.surroundings.advance_calendar(2 * DAY_SECS);
    scene.keeper.turn().await.expect("the records are read");
    let name = instance_name("cache");
    assert!(scene.clients.instance(&name).await.expect("is there").backup.is_some());
    assert_eq!(scene.clients.surroundings.take_woken(), [name]);
}
