//! Every kind of store keeps backups alike: a local folder, a server of S3, and what of Google Cloud Storage can run here.

use chrono::{DateTime, Duration, Utc};
use tokio_util::sync::CancellationToken;
use valkyard_backups::{
    BackupRef, BackupStore, BackupWriter, ContentDigest, FileReceipt, ImportFile, MANIFEST_VERSION, Manifest, ShardRecord,
    StoreError,
};
use valkyard_model::SlotSet;

use crate::object_servers::{gcs, gcs_for_writing, s3};
use crate::random::Random;

/// More than two parts of an upload.
const LARGE_BYTES: usize = 20 << 20;

pub(crate) fn backup(name: &str) -> BackupRef {
    BackupRef { collection: "instance-1".parse().expect("fits"), backup: name.parse().expect("fits") }
}

pub(crate) fn record(receipt: &FileReceipt) -> ShardRecord {
    ShardRecord {
        shard: receipt.file.trim_end_matches(".rdb").parse().expect("fits"),
        file: receipt.file.clone(),
        bytes: receipt.bytes,
        sha256: receipt.sha256,
        rdb_version: 11,
        keys: 1,
        keys_expiring: 0,
        keys_lasting: 1,
        first_expiry_ms: None,
        digest: ContentDigest::default(),
        digest_lasting: ContentDigest::default(),
        data_bytes: 5,
        libraries: 0,
        largest_key_bytes: 5,
        largest_key: None,
        slots: SlotSet::all(),
        replication_id: "0".repeat(40),
        replication_offset: 7,
        begun_at: DateTime::UNIX_EPOCH,
        finished_at: DateTime::UNIX_EPOCH,
    }
}

pub(crate) fn manifest(backup: &BackupRef, shards: Vec<ShardRecord>) -> Manifest {
    Manifest {
        version: MANIFEST_VERSION,
        backup: backup.clone(),
        begun_at: DateTime::UNIX_EPOCH,
        finished_at: DateTime::UNIX_EPOCH,
        engine_version: "VALKEY_8_0".parse().expect("fits"),
        node_type: valkyard_model::NodeType::ALL[0],
        shard_count: u16::try_from(shards.len()).expect("fits"),
        replica_count: 1,
        shards,
        attributes: [("instance".to_owned(), "one".to_owned())].into(),
    }
}

pub(crate) async fn write(writer: &BackupWriter, shard: &str, bytes: &[u8]) -> FileReceipt {
    let mut file = writer.shard(&shard.parse().expect("fits"));
    for chunk in bytes.chunks(100_000) {
        file.write(chunk).await.expect("written");
    }
    assert_eq!(file.bytes(), bytes.len() as u64);
    file.finish().await.expect("finished")
}

pub(crate) async fn content(store: &BackupStore, backup: &BackupRef, shard: &ShardRecord) -> Result<Vec<u8>, StoreError> {
    let mut reader = store.read(backup, shard).await?;
    let mut content = Vec::new();
    while let Some(chunk) = reader.next().await? {
        content.extend_from_slice(&chunk);
    }
    Ok(content)
}

/// Everything written so far is older.
fn later() -> DateTime<Utc> {
    Utc::now() + Duration::minutes(1)
}

async fn leftover_names(store: &BackupStore) -> Vec<String> {
    let found = store.leftovers(later()).await.expect("listed");
    assert_eq!(store.leftovers(Utc::now() - Duration::hours(1)).await.expect("listed"), [], "nothing is that old");
    found.into_iter().map(|leftover| leftover.backup.to_string()).collect()
}

async fn keeps_what_is_committed(store: &BackupStore) -> (Manifest, Vec<u8>) {
    let name = backup("first");
    let large = Random::seeded(3).bytes(LARGE_BYTES);
    assert_eq!(store.list(None).await.expect("listed"), []);
    let writer = store.begin(&name).await.expect("begun");
    let receipts = [write(&writer, "shard-0", &large).await, write(&writer, "shard-1", b"small").await];
    assert_eq!((receipts[0].bytes, receipts[1].file.as_str()), (large.len() as u64, "shard-1.rdb"));
    assert_eq!(store.list(None).await.expect("listed"), [], "without a manifest it does not exist");
    assert!(matches!(store.manifest(&name).await, Err(StoreError::NoSuchBackup { .. })));
    assert_eq!(leftover_names(store).await, ["instance-1/first"]);

    let committed = manifest(&name, receipts.iter().map(record).collect());
    writer.commit(&committed).await.expect("committed");
    assert_eq!(store.list(None).await.expect("listed"), std::slice::from_ref(&name));
    assert_eq!(store.list(Some(&name.collection)).await.expect("listed"), std::slice::from_ref(&name));
    assert_eq!(store.list(Some(&"other".parse().expect("fits"))).await.expect("listed"), []);
    assert_eq!(store.manifest(&name).await.expect("there"), committed);
    assert_eq!(leftover_names(store).await, [""; 0]);
    assert_eq!(content(store, &name, &committed.shards[0]).await.expect("whole"), large);
    assert!(matches!(store.begin(&name).await, Err(StoreError::Exists { .. })));
    let mut other = committed.shards[1].clone();
    other.sha256 = committed.shards[0].sha256;
    let error = content(store, &name, &other).await.expect_err("not what was written");
    assert!(matches!(error, StoreError::Damaged(_)), "{error:?}");
    (committed, large)
}

async fn leaves_nothing_of_what_failed(store: &BackupStore) {
    let name = backup("second");
    let writer = store.begin(&name).await.expect("begun");
    let mut file = writer.shard(&"shard-0".parse().expect("fits"));
    file.write(&vec![7; LARGE_BYTES]).await.expect("written");
    file.abort().await.expect("given up");
    let receipt = write(&writer, "shard-1", b"small").await;
    let error = writer.commit(&manifest(&name, Vec::new())).await.expect_err("it leaves a file out");
    assert!(matches!(error, StoreError::Mismatch { .. }), "{error:?}");
    assert_eq!(leftover_names(store).await, ["instance-1/second"]);

    let writer = store.begin(&name).await.expect("what was left is no obstacle");
    let error = writer.commit(&manifest(&name, vec![record(&receipt)])).await.expect_err("its file was removed");
    assert!(matches!(error, StoreError::Mismatch { .. }), "{error:?}");
    let writer = store.begin(&name).await.expect("begun");
    write(&writer, "shard-0", b"again").await;
    writer.abort().await.expect("given up");
    assert_eq!(leftover_names(store).await, [""; 0]);
}

async fn exports_and_imports(store: &BackupStore, committed: &Manifest, large: &[u8], options: &[(String, String)]) {
    let folder = tempfile::tempdir().expect("a folder");
    let other = BackupStore::open(&format!("file://{}/new", folder.path().display()), &[]).await.expect("opened");
    let (mut calls, mut last) = (0, 0);
    let told = |progress: valkyard_backups::CopyProgress<'_>| {
        assert!(
            progress.bytes > last && progress.file_bytes <= progress.file_bytes_total && progress.bytes <= progress.bytes_total
        );
        (calls, last) = (calls + 1, progress.bytes);
    };
    let copied = store.copy_to(&other, &committed.backup, &CancellationToken::new(), told).await.expect("copied");
    assert_eq!((&copied, last), (committed, committed.total_bytes()));
    assert!(calls >= 2);
    assert_eq!(content(&other, &committed.backup, &committed.shards[0]).await.expect("whole"), large);
    let error = store.copy_to(&other, &committed.backup, &CancellationToken::new(), |_| {}).await.expect_err("it is there");
    assert!(matches!(error, StoreError::Exists { .. }), "{error:?}");

    let url = format!("{}/{}/shard-1.rdb", store.url(), committed.backup);
    let found = ImportFile::find(&url, options).await.expect("found");
    assert_eq!((found.bytes(), found.url()), (5, url.as_str()));
    let mut reader = found.read().await.expect("opened");
    assert_eq!(reader.next().await.expect("read").as_deref(), Some(&b"small"[..]));
    let error = ImportFile::find(&format!("{}/none.rdb", store.url()), options).await.expect_err("no such file");
    assert!(matches!(error, StoreError::Object { verb: "find", .. }), "{error:?}");
}

async fn deletes(store: &BackupStore, name: &BackupRef) {
    store.delete(name).await.expect("deleted");
    assert_eq!(store.list(None).await.expect("listed"), []);
    assert_eq!(leftover_names(store).await, [""; 0]);
    store.delete(name).await.expect("there is nothing to delete");
}

async fn behaves(store: &BackupStore, options: &[(String, String)]) {
    let (committed, large) = keeps_what_is_committed(store).await;
    leaves_nothing_of_what_failed(store).await;
    exports_and_imports(store, &committed, &large, options).await;
    deletes(store, &committed.backup).await;
}

#[tokio::test]
async fn a_folder_keeps_backups() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = BackupStore::open(&format!("file://{}/backups", folder.path().display()), &[]).await.expect("opened");
    behaves(&store, &[]).await;
}

#[tokio::test]
async fn a_server_of_s3_keeps_backups() {
    let Some(server) = s3().await else { return };
    behaves(&server.store().await, &server.options).await;
}

#[tokio::test]
async fn what_is_written_in_googles_way_behaves_alike() {
    let Some(server) = gcs_for_writing().await else { return };
    behaves(&server.store().await, &server.options).await;
}

#[tokio::test]
async fn what_lies_in_google_cloud_storage_is_listed_read_copied_and_deleted() {
    let Some(server) = gcs().await else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let local = BackupStore::open(&format!("file://{}", folder.path().display()), &[]).await.expect("opened");
    let (committed, large) = keeps_what_is_committed(&local).await;
    for file in ["shard-0.rdb", "shard-1.rdb", "manifest.json"] {
        let name = format!("{}/{file}", committed.backup);
        server.upload(&name, &std::fs::read(folder.path().join(&name)).expect("there"));
    }
    let store = server.store().await;
    assert_eq!(store.list(None).await.expect("listed"), std::slice::from_ref(&committed.backup));
    assert!(matches!(store.begin(&committed.backup).await, Err(StoreError::Exists { .. })));
    exports_and_imports(&store, &committed, &large, &server.options).await;
    server.upload("instance-1/second/shard-0.rdb", b"never finished");
    assert_eq!(leftover_names(&store).await, ["instance-1/second"]);
    store.delete(&backup("second")).await.expect("deleted");
    deletes(&store, &committed.backup).await;
}

#[tokio::test]
async fn wrong_credentials_and_urls_are_told() {
    for url in ["no url", "ftp://host/path", "/folder"] {
        let error = BackupStore::open(url, &[]).await.expect_err("no store");
        assert!(matches!(error, StoreError::Url { .. }), "{url}: {error:?}");
    }
    let unknown = [("endpont".to_owned(), "http://127.0.0.1:1".to_owned())];
    let error = BackupStore::open("s3://bucket", &unknown).await.expect_err("a misspelt option");
    assert!(matches!(error, StoreError::Backend { .. }), "{error:?}");
    let Some(server) = s3().await else { return };
    let mut options = server.options.clone();
    options.last_mut().expect("the secret").1 = "another".to_owned();
    let store = BackupStore::open(&server.url, &options).await.expect("nobody was asked yet");
    let error = store.begin(&backup("first")).await.expect_err("a wrong secret");
    assert!(matches!(error, StoreError::Object { .. }), "{error:?}");
}

#[tokio::test]
async fn a_store_that_goes_away_midway_fails_the_file() {
    let Some(mut server) = s3().await else { return };
    let store = server.store().await;
    let writer = store.begin(&backup("first")).await.expect("begun");
    let mut file = writer.shard(&"shard-0".parse().expect("fits"));
    file.write(&vec![7; LARGE_BYTES]).await.expect("written");
    server.kill();
    let outcome = async {
        file.write(&vec![7; LARGE_BYTES]).await?;
        file.finish().await
    };
    let error = outcome.await.expect_err("nobody took it");
    assert!(matches!(error, StoreError::Object { .. }), "{error:?}");
}
