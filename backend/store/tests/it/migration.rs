//! A data folder that an earlier Valkyard left.

use std::path::Path;

use rusqlite::Connection;
use valkyard_model::{
    AdminSecret, AutomatedBackups, ByteSize, Convergence, DesiredInstance, EngineVersion, Generation, NodeKind, NodeSerial,
    NodeType, OperationResult, OperationState, Persistence, ScheduleRecord, Settled, Standing,
};
use valkyard_store::{Scope, Store, StoreLocation, StoreThreads};

use crate::backup_scene::has_succeeded;
use crate::scene::{Scene, at, named, node, spec};

const V1_SCHEMA: &str = include_str!("../../src/schema/v1.sql");
const V2_SCHEMA: &str = include_str!("../../src/schema/v2.sql");
const V3_SCHEMA: &str = include_str!("../../src/schema/v3.sql");
const V1_ROWS: &str = include_str!("written_by_0_1_0.sql");

/// What some builds of version 1 had in their files already.
const V1_WITH_SHAPE: &str = "ALTER TABLE instances ADD COLUMN shape_generation INTEGER NOT NULL DEFAULT 2;
    UPDATE operations SET result = json_set(result, '$.shape_generation', 1) WHERE result IS NOT NULL;";

fn written_by_version_one(path: &Path) {
    let connection = Connection::open(path).expect("opens");
    connection.execute_batch(V1_SCHEMA).expect("is the schema of version 1");
    connection.execute_batch(V1_ROWS).expect("fits it");
}

fn open(path: &Path) -> (Store, StoreThreads) {
    Store::open(StoreLocation::File(path.to_owned())).expect("is migrated")
}

fn kind() -> NodeKind {
    NodeKind { node_type: NodeType::StandardSmall, engine_version: EngineVersion { major: 8, minor: 0 } }
}

fn assert_complete(instance: &DesiredInstance) {
    let settled = Settled { spec: instance.spec.clone(), maxmemory: ByteSize(64 << 20) };
    assert_eq!(instance.settled, Some(settled));
    assert_eq!((instance.spec.kind(), instance.losses.len(), instance.zones_out.len()), (kind(), 0, 0));
    let serials: Vec<NodeSerial> = instance.nodes.keys().copied().collect();
    assert_eq!(serials, [NodeSerial(0), NodeSerial(1)]);
    for node in instance.nodes.values() {
        assert_eq!((node.kind, node.standing), (kind(), Standing::Member), "{node:?}");
    }
    assert_eq!(instance.spec.persistence, Persistence::Disabled);
    assert!(!instance.is_changing());
}

#[tokio::test]
async fn instances_of_version_one_are_settled_and_their_nodes_made_of_their_spec() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("valkyard.db");
    written_by_version_one(&path);
    let (store, _threads) = open(&path);
    let scene = Scene::over(store);

    let complete = scene.instance("cache-1").await;
    assert_complete(&complete);
    assert_eq!(complete.convergence, Convergence::At { generation: Generation(1) });
    let expected = node(complete.uid, 1);
    assert_eq!(complete.nodes[&NodeSerial(1)], valkyard_model::NodeAllocation { kind: kind(), ..expected });
    assert_eq!(complete.secret, AdminSecret::from_random([7; 32]));

    let creating = scene.instance("cache-2").await;
    assert_eq!((&creating.settled, creating.nodes.len(), &creating.spec), (&None, 0, &spec(3)));
}

#[tokio::test]
async fn files_of_version_one_with_and_without_a_shape_generation_are_read() {
    for (more, shape) in [("", 1), (V1_WITH_SHAPE, 2)] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("valkyard.db");
        written_by_version_one(&path);
        Connection::open(&path).expect("opens").execute_batch(more).expect("fits it");
        let (store, _threads) = open(&path);
        let operations = store.operations(&Scope::default(), None, 10).await.expect("reads");
        assert_eq!(operations.len(), 3, "{more}");
        let scene = Scene::over(store);
        assert_eq!(scene.instance("cache-1").await.shape_generation, Generation(shape), "{more}");
        assert_eq!(scene.instance("cache-2").await.shape_generation, Generation(shape), "{more}");
    }
}

#[tokio::test]
async fn operations_of_version_one_stay_readable() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("valkyard.db");
    written_by_version_one(&path);
    let (store, _threads) = open(&path);
    let operations = store.operations(&Scope::default(), None, 10).await.expect("reads");
    let [create, update, delete] = operations.as_slice() else { panic!("three were written: {operations:?}") };
    let OperationState::Succeeded { result: Some(OperationResult::Instance(result)), .. } = &create.state else {
        panic!("{create:?}")
    };
    assert_eq!((&result.name, &result.secret), (&named("cache-1"), &AdminSecret::withheld()));
    assert_complete(result);
    assert_eq!(update.state, OperationState::Running);
    assert!(matches!(delete.state, OperationState::Failed { .. }), "{delete:?}");
}

#[tokio::test]
async fn instances_of_version_two_persist_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("valkyard.db");
    written_by_version_one(&path);
    let connection = Connection::open(&path).expect("opens");
    connection.execute_batch(V2_SCHEMA).expect("fits version 1");
    connection.pragma_update(None, "user_version", 2).expect("is noted");
    drop(connection);
    let (store, _threads) = open(&path);
    let operations = store.operations(&Scope::default(), None, 10).await.expect("reads");
    let OperationState::Succeeded { result: Some(OperationResult::Instance(result)), .. } = &operations[0].state else {
        panic!("{operations:?}")
    };
    let scene = Scene::over(store);
    assert_complete(result);
    assert_complete(&scene.instance("cache-1").await);
    assert_eq!(scene.instance("cache-2").await.spec.persistence, Persistence::Disabled);
}

#[tokio::test]
async fn instances_of_version_three_have_no_backups_and_can_be_backed_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("valkyard.db");
    written_by_version_one(&path);
    let connection = Connection::open(&path).expect("opens");
    connection.execute_batch(V2_SCHEMA).expect("fits version 1");
    connection.execute_batch(V3_SCHEMA).expect("fits version 2");
    connection.pragma_update(None, "user_version", 3).expect("is noted");
    drop(connection);
    let (store, _threads) = open(&path);
    assert!(folder.path().join("valkyard.db.v3.bak").exists());
    let operations = store.operations(&Scope::default(), None, 10).await.expect("reads");
    let OperationState::Succeeded { result: Some(OperationResult::Instance(result)), .. } = &operations[0].state else {
        panic!("{operations:?}")
    };
    assert_complete(result);
    assert_eq!((&result.backup, result.has_backups, &result.spec.import), (&None, false, &None));
    let targets: Vec<String> = operations.iter().map(|operation| operation.target.to_string()).collect();
    assert_eq!(targets, vec![named("cache-1").to_string(); 3]);
    let scene = Scene::drawing_from(store, 1_000);
    let instance = scene.instance("cache-1").await;
    assert_complete(&instance);
    assert_eq!(instance.spec.automated_backups, AutomatedBackups::Disabled);
    let record = scene.store.schedule(instance.uid).await.expect("reads");
    assert_eq!(record, Some(ScheduleRecord::default()));
    let running = &operations[1];
    scene.store.record_converged(&instance.name, instance.uid, instance.generation, at(1)).await.expect("is recorded");
    assert!(running.state == OperationState::Running && has_succeeded(&scene.operation(running).await));
    scene.backed_up("cache-1", "first", at(2)).await;
    assert!(scene.instance("cache-1").await.has_backups);
}

#[tokio::test]
async fn the_file_of_version_one_is_kept_beside_the_migrated_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("valkyard.db");
    written_by_version_one(&path);
    let (_store, _threads) = open(&path);
    let copy = Connection::open(folder.path().join("valkyard.db.v1.bak")).expect("is there");
    let version: u32 = copy.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("has a version");
    let rows: u32 =
        copy.query_row("SELECT count(*) FROM instances WHERE nodes NOT LIKE '%kind%'", [], |row| row.get(0)).expect("counts");
    assert_eq!((version, rows), (1, 2));
}
