//! What a user of the provider meets: quiet plans, import, drift, precise errors.

use std::time::Duration;

use acceptance_tests::{Daemon, DaemonOptions, Workspace, node_processes, terraforms};
use serde_json::json;

const CREATE_LIMIT: Duration = Duration::from_secs(30);

fn config(body: &str) -> String {
    format!(
        "terraform {{\n  required_providers {{\n    valkyard = {{ source = \"valkyard/valkyard\" }}\n  }}\n}}\n\
         provider \"valkyard\" {{\n  project = \"p\"\n}}\n{body}"
    )
}

fn instance(arguments: &str) -> String {
    config(&format!(
        "resource \"valkyard_instance\" \"cache\" {{\n  instance_id = \"cache\"\n  deletion_protection_enabled = false\n  {arguments}\n}}\n"
    ))
}

#[test]
fn plans_show_what_is_known_and_only_what_changes() {
    for terraform in terraforms() {
        let daemon = Daemon::start(DaemonOptions::default());
        let workspace = Workspace::of_text(&terraform, &instance("shard_count = 1"), &daemon.endpoint());
        let planned = workspace.plan();
        assert_eq!(planned.code, 2, "{}\n{}", planned.out, planned.err);
        assert!(
            planned.out.contains("\"projects/p/locations/us-central1/instances/cache\""),
            "name is not known\n{}",
            planned.out
        );
        assert!(planned.out.contains("size_gb = 13"), "node_config is not known\n{}", planned.out);
        let _applied = workspace.apply().succeeded();

        workspace.write(&instance("shard_count = 1\n  labels = { team = \"a\" }"));
        let planned = workspace.plan();
        assert_eq!(planned.code, 2);
        let unknown: Vec<&str> = planned.out.lines().filter(|line| line.contains("(known after apply)")).collect();
        assert!(unknown.iter().all(|line| line.contains("update_time")), "a label cannot alter these: {unknown:?}");
        assert!(planned.out.contains("0 to add, 1 to change, 0 to destroy"), "{}", planned.out);
        let _applied = workspace.apply().succeeded();
        assert_eq!(workspace.plan().code, 0);
        let _destroyed = workspace.destroy().succeeded();
    }
}

#[test]
fn every_form_of_import_id_yields_an_empty_plan() {
    for terraform in terraforms() {
        let daemon = Daemon::start(DaemonOptions::default());
        daemon.api().create_and_wait("cache", &json!({"shardCount": 1}), CREATE_LIMIT);
        for id in ["projects/p/locations/us-central1/instances/cache", "p/us-central1/cache", "us-central1/cache"] {
            let workspace = Workspace::of_text(&terraform, &instance("shard_count = 1"), &daemon.endpoint());
            let _imported = workspace.run(&["import", "-no-color", "valkyard_instance.cache", id]).succeeded();
            let planned = workspace.plan();
            let replaces = planned.out.contains("must be replaced");
            assert!(!replaces && planned.out.contains("0 to destroy") || planned.code == 0, "{id}\n{}", planned.out);
            let _applied = workspace.apply().succeeded();
            assert_eq!(workspace.plan().code, 0, "{id}");
        }
    }
}

#[test]
fn what_was_deleted_elsewhere_is_planned_again_and_drift_is_seen() {
    for terraform in terraforms() {
        let daemon = Daemon::start(DaemonOptions::default());
        let workspace =
            Workspace::of_text(&terraform, &instance("shard_count = 1\n  labels = { team = \"a\" }"), &daemon.endpoint());
        let _applied = workspace.apply().succeeded();
        let path = "/v1/projects/p/locations/us-central1/instances/cache?updateMask=labels";
        let changed = daemon.api().call("PATCH", path, &json!({"labels": {"team": "z"}}).to_string());
        daemon.api().wait(changed.body["name"].as_str().expect("a name"), CREATE_LIMIT);
        assert_eq!(workspace.plan().code, 2, "the changed label is not seen");
        daemon.api().delete_and_wait("cache", CREATE_LIMIT);
        let planned = workspace.plan();
        assert!(planned.out.contains("1 to add"), "{}", planned.out);
    }
}

#[test]
fn an_absent_daemon_gives_one_diagnostic_that_says_what_to_start() {
    for terraform in terraforms() {
        let workspace = Workspace::of_text(&terraform, &instance("shard_count = 1"), "http://127.0.0.1:1");
        let applied = workspace.apply();
        assert_eq!(applied.code, 1);
        let errors = applied.err.matches("Error:").count();
        assert_eq!(errors, 1, "{}", applied.err);
        assert!(applied.err.contains("valkyard serve") && applied.err.contains("127.0.0.1:1"), "{}", applied.err);
    }
}

#[test]
fn wrong_arguments_are_refused_at_plan_with_their_path() {
    let terraform = terraforms().remove(0);
    let daemon = Daemon::start(DaemonOptions::default());
    for (arguments, wanted) in [
        ("shard_count = 0", "shard_count"),
        ("shard_count = 3\n  replica_count = 6", "replica_count"),
        ("shard_count = 126\n  replica_count = 1", "250"),
        ("shard_count = 1\n  node_type = \"HUGE\"", "node_type"),
        ("shard_count = 1\n  engine_version = \"9.1\"", "engine_version"),
        ("shard_count = 1\n  labels = { Team = \"x\" }", "labels"),
        ("shard_count = 1\n  zone_distribution_config = { mode = \"SINGLE_ZONE\", zone = \"europe-west1-a\" }", "zone"),
    ] {
        let workspace = Workspace::of_text(&terraform, &instance(arguments), &daemon.endpoint());
        let planned = workspace.plan();
        assert_eq!(planned.code, 1, "{arguments} was accepted\n{}", planned.out);
        assert!(planned.err.contains(wanted), "{arguments}\n{}", planned.err);
    }
    assert_eq!(node_processes(&daemon.data_dir()), []);
}

#[test]
fn a_duplicate_id_and_deletion_protection_say_what_to_do() {
    let terraform = terraforms().remove(0);
    let daemon = Daemon::start(DaemonOptions::default());
    daemon.api().create_and_wait("cache", &json!({"shardCount": 1}), CREATE_LIMIT);
    let duplicate = Workspace::of_text(&terraform, &instance("shard_count = 1"), &daemon.endpoint()).apply();
    assert_eq!(duplicate.code, 1);
    assert!(duplicate.err.contains("terraform import"), "{}", duplicate.err);

    let protected = instance("shard_count = 1")
        .replace("\"cache\"\n  deletion_protection_enabled = false", "\"guarded\"\n  deletion_protection_enabled = true");
    let workspace = Workspace::of_text(&terraform, &protected, &daemon.endpoint());
    let _applied = workspace.apply().succeeded();
    let destroyed = workspace.destroy();
    assert_eq!(destroyed.code, 1);
    assert!(destroyed.err.contains("deletion_protection_enabled"), "{}", destroyed.err);
}

#[test]
fn an_interrupted_apply_cancels_the_creation() {
    for terraform in terraforms() {
        let daemon = Daemon::start(DaemonOptions::default());
        let workspace = Workspace::of_text(&terraform, &instance("shard_count = 3\n  replica_count = 1"), &daemon.endpoint());
        let mut applying = workspace
            .command(&["apply", "-auto-approve", "-no-color", "-input=false"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("terraform starts");
        acceptance_tests::wait_until("the creation to begin", CREATE_LIMIT, || {
            let nodes = node_processes(&daemon.data_dir()).len();
            if nodes > 0 { Ok(()) } else { Err(format!("{nodes} nodes")) }
        });
        let pid = rustix::process::Pid::from_raw(i32::try_from(applying.id()).expect("fits")).expect("positive");
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("terraform can be interrupted");
        applying.wait().expect("terraform ends");
        acceptance_tests::wait_until("nothing to be left", CREATE_LIMIT, || {
            let nodes = node_processes(&daemon.data_dir());
            let instance = daemon.api().get("/v1/projects/p/locations/us-central1/instances/cache");
            if nodes.is_empty() && instance.status == 404 { Ok(()) } else { Err(format!("{nodes:?} {instance:?}")) }
        });
    }
}
