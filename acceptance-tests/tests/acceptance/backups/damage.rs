//! Stores that are damaged, full of other things, or away.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use acceptance_tests::judge::DataSet;
use acceptance_tests::{Backups, Scene, wait_until};

use super::{COPIES, failure, response, shape};

/// Removing what is left is tried again after a while.
const LIMIT: Duration = Duration::from_secs(60);

fn folder_of(scene: &Scene, backup: &str) -> PathBuf {
    scene.data_dir().join("backups/p.us-central1.cache").join(backup)
}

fn is_gone(scene: &Scene, instance: &str) -> bool {
    scene.api().get(&format!("/v1/projects/p/locations/us-central1/instances/{instance}")).status == 404
}

/// Files of a kept backup may be read-only.
fn write(path: &PathBuf, content: &[u8]) {
    fs::set_permissions(path, Permissions::from_mode(0o600)).expect("a file of ours");
    fs::write(path, content).expect("writable");
}

#[test]
fn a_file_that_is_not_as_it_was_written_is_never_restored() {
    let scene = Scene::create(&shape(2, 0));
    let backups = Backups::of(scene.api());
    let data = DataSet::write(&scene.instance(), COPIES);
    let _taken = backups.take("cache", "first");
    let file = folder_of(&scene, "first").join("s1.rdb");
    let whole = fs::read(&file).expect("a kept file");
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x10;
    for (what, bad) in [("a flipped bit", flipped), ("a lost end", whole[..whole.len() - 9].to_vec()), ("nothing", Vec::new())] {
        write(&file, &bad);
        let message = failure(&backups.restore("cache", "first", "copy", &shape(3, 0)));
        assert!(message.contains("s1.rdb"), "{what}: {message}");
        assert!(is_gone(&scene, "copy"), "{what}");
        let verified = backups.verify("cache", "first");
        assert!(verified.get("error").is_some(), "{what}: {verified}");
        assert_eq!(backups.details("cache", "first")["verification"]["state"], "FAILED");
    }
    write(&file, &whole);
    assert!(backups.verify("cache", "first").get("error").is_none());
    assert_eq!(backups.details("cache", "first")["verification"]["state"], "PASSED");
    let copy = response(&backups.restore("cache", "first", "copy", &shape(3, 0)));
    data.is_intact(&copy).expect("the mended backup is whole");
}

#[test]
fn a_store_that_cannot_be_written_ends_a_backup_with_the_reason_and_nothing_is_left() {
    let scene = Scene::create(&shape(1, 0));
    let backups = Backups::of(scene.api());
    let _data = DataSet::write(&scene.instance(), 3);
    let _taken = backups.take("cache", "first");
    let collection = scene.data_dir().join("backups/p.us-central1.cache");
    let kept = scene.data_dir().join("kept");
    // Root writes anywhere; a file in place of the folder stops it, too.
    fs::rename(&collection, &kept).expect("a folder of ours");
    fs::write(&collection, b"in the way").expect("writable");
    let operation = backups.finish(&backups.ask("cache", "second"));
    assert!(failure(&operation).contains("backup store"), "{operation}");
    // What is left of it cannot be removed either; who asks for that is told why it takes so long.
    let deletion = backups.delete("cache", "second");
    let path = format!("/v1/{}", deletion.body["name"].as_str().unwrap_or_else(|| panic!("{deletion:?}")));
    wait_until("the deletion says what it waits for", LIMIT, || {
        let told = scene.api().get(&path).body["metadata"]["statusMessage"].clone();
        let is_so = told.as_str().is_some_and(|told| told.contains("trying again soon after a failure: removing the files"));
        if is_so { Ok(()) } else { Err(told.to_string()) }
    });
    fs::remove_file(&collection).expect("a file of ours");
    fs::rename(&kept, &collection).expect("a folder of ours");
    let third = backups.take("cache", "third");
    assert_eq!(third["state"], "ACTIVE", "{third}");
    assert!(backups.finish(&deletion).get("error").is_none());
    wait_until("nothing is left of the one that failed", LIMIT, || {
        let names: Vec<_> = backups.list("cache").iter().map(|backup| backup["name"].clone()).collect();
        if names.len() == 2 && !folder_of(&scene, "second").exists() { Ok(()) } else { Err(format!("{names:?}")) }
    });
}

#[test]
fn data_too_large_for_the_nodes_is_refused_before_anything_starts() {
    let scene = Scene::create_with(
        acceptance_tests::DaemonOptions { arguments: vec!["--memory-scale".into(), "0.02".into()], ..Default::default() },
        &shape(3, 0),
    );
    let backups = Backups::of(scene.api());
    let mut connection = redis::cluster::ClusterClient::new(vec![acceptance_tests::discovery_url(&scene.instance())])
        .and_then(|client| client.get_connection())
        .expect("the instance answers");
    for number in 0..300 {
        let value = "x".repeat(100_000);
        let _: () = redis::cmd("SET").arg(format!("big:{number}")).arg(&value).query(&mut connection).expect("there is room");
    }
    let _taken = backups.take("cache", "big");
    let refused = backups.restore_refused("cache", "big", "copy", &shape(1, 0));
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(refused.body.to_string().contains("MiB"), "{refused:?}");
    assert!(is_gone(&scene, "copy"));
}
