//! gcloud, where it is installed, with only the exports of `valkyard env`.

use std::process::{Command, Output};

use acceptance_tests::{Daemon, DaemonOptions, binary};

struct Gcloud {
    exports: String,
}

impl Gcloud {
    fn run(&self, arguments: &str) -> Output {
        // A shell evaluates the exports, as a user's would.
        let script = format!("{}\ngcloud memorystore {arguments}", self.exports);
        Command::new("sh").args(["-c", &script]).env("CLOUDSDK_CORE_DISABLE_PROMPTS", "1").output().expect("sh runs")
    }

    fn succeed(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "gcloud memorystore {arguments}\n{err}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

#[test]
fn gcloud_creates_lists_describes_and_deletes() {
    let there = Command::new("sh").args(["-c", "command -v gcloud"]).output().expect("sh runs").status.success();
    if !there {
        println!("gcloud is not on this machine; its wire form is covered by backend/api's tests");
        return;
    }
    let daemon = Daemon::start(DaemonOptions::default());
    let env = Command::new(binary("valkyard")).args(["env", "--endpoint", &daemon.endpoint()]).output().expect("env runs");
    let gcloud = Gcloud { exports: String::from_utf8(env.stdout).expect("exports are text") };

    gcloud.succeed(
        "instances create from-gcloud --location=us-central1 --shard-count=2 --replica-count=1 --node-type=shared-core-nano",
    );
    let listed = gcloud.succeed("instances list --location=us-central1 --format='value(name,state)'");
    assert!(listed.contains("from-gcloud") && listed.contains("ACTIVE"), "{listed}");
    let described = gcloud.succeed("instances describe from-gcloud --location=us-central1 --format=json");
    let instance: serde_json::Value = serde_json::from_str(&described).expect("JSON");
    assert_eq!((&instance["shardCount"], &instance["replicaCount"]), (&2.into(), &1.into()), "{described}");
    acceptance_tests::write_keys(&instance, "key", 50).expect("gcloud's instance takes keys");
    gcloud.succeed("instances delete from-gcloud --location=us-central1 --quiet");
    let missing = gcloud.run("instances describe from-gcloud --location=us-central1");
    assert!(String::from_utf8_lossy(&missing.stderr).contains("NOT_FOUND"), "{missing:?}");
}
