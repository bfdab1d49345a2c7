//! The file after a writer was killed: everything it was told is accepted is there, nothing is half there.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use valkyard_model::OperationState;
use valkyard_store::{InstanceOrder, Scope, Store, StoreLocation};

use crate::scene::{Scene, at, instance_of, node};

const FOLDER: &str = "VALKYARD_TEST_STORE_FOLDER";
/// Acknowledgements after which a writer is killed; odd numbers, so that the kill meets different commands.
const KILL_AFTER: [usize; 4] = [1, 7, 23, 38];

/// The test runs itself again as the writer that is killed.
#[test]
fn a_killed_writer_leaves_every_acknowledged_write_and_no_half_one() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return write_until_killed(Path::new(&folder));
    }
    for kill_after in KILL_AFTER {
        let folder = tempfile::tempdir().expect("a folder");
        let acknowledged = run_and_kill(folder.path(), kill_after);
        assert!(acknowledged.len() >= kill_after);
        check(folder.path(), &acknowledged);
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

fn open(folder: &Path) -> Store {
    Store::open(StoreLocation::File(folder.join("valkyard.db"))).expect("opens").0
}

fn write_until_killed(folder: &Path) {
    let scene = Scene::over(open(folder));
    let mut out = std::io::stdout();
    runtime().block_on(async {
        for number in 0.. {
            let create = scene.create(&format!("cache-{number}"), at(number)).await;
            writeln!(out, "\naccepted {}", create.id).expect("the parent reads");
            let uid = create.target_uid;
            scene.store.allocate_nodes(instance_of(&create), uid, vec![node(uid, 0), node(uid, 1)]).await.expect("is recorded");
            scene.converge(&create, at(number)).await;
            if number % 3 == 0 {
                let delete = scene.delete(&format!("cache-{number}"), at(number)).await.expect("is accepted");
                writeln!(out, "accepted {}", delete.id).expect("the parent reads");
                scene.store.remove_instance(instance_of(&create), uid, at(number)).await.expect("is removed");
            }
        }
    });
}

fn run_and_kill(folder: &Path, kill_after: usize) -> Vec<String> {
    let mut writer = Command::new(std::env::current_exe().expect("the test binary"))
        .args(["--exact", "crash::a_killed_writer_leaves_every_acknowledged_write_and_no_half_one", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the test binary starts");
    let mut acknowledged = Vec::new();
    for line in BufReader::new(writer.stdout.take().expect("is piped")).lines() {
        let line = line.expect("is text");
        if let Some(id) = line.strip_prefix("accepted ") {
            acknowledged.push(id.to_owned());
        }
        if acknowledged.len() == kill_after {
            writer.kill().expect("is running");
        }
    }
    let status = writer.wait().expect("ends");
    assert!(!status.success(), "the writer ended before it was killed: {status}");
    acknowledged
}

fn check(folder: &Path, acknowledged: &[String]) {
    let store = open(folder);
    runtime().block_on(async {
        let operations = store.operations(&Scope::default(), None, 100_000).await.expect("reads");
        let ids: BTreeSet<&str> = operations.iter().map(|operation| operation.id.as_str()).collect();
        for id in acknowledged {
            assert!(ids.contains(id.as_str()), "{id} was acknowledged and is lost");
        }
        let instances = store.instances(&Scope::default(), InstanceOrder::Name { after: None }, 100_000).await.expect("reads");
        let addresses: BTreeSet<_> = instances.iter().map(|instance| instance.address.ip).collect();
        assert_eq!(addresses.len(), instances.len(), "an address was given out twice");
        for instance in &instances {
            assert!([0, 2].contains(&instance.nodes.len()), "half an allocation: {instance:?}");
        }
        for operation in operations.iter().filter(|operation| operation.state == OperationState::Running) {
            let target = instances.iter().find(|instance| instance.uid == operation.target_uid);
            assert!(target.is_some(), "{operation:?} runs without a target");
        }
    });
    let scene = Scene::drawing_from(store, 1_000_000);
    runtime().block_on(scene.create("after-the-crash", at(0)));
}
