//! A retention that becomes shorter than backups are old.

use std::time::Duration;

use acceptance_tests::judge::DataSet;
use acceptance_tests::{Backups, Daemon, DaemonOptions, Workspace, let_pass, terraforms, wait_until};
use serde_json::{Value, json};

use super::{A_WHILE, DAY, HOUR, active, daily, next_hour, scene_with, wait_for};

const LIMIT: Duration = Duration::from_secs(60);

fn names(found: &[Value]) -> Vec<&str> {
    found.iter().map(|backup| backup["name"].as_str().expect("a backup has a name")).collect()
}

#[test]
fn a_shorter_retention_is_for_backups_to_come_and_those_that_are_there_keep_their_time() {
    let scene = scene_with(&json!({"automatedBackupMode": "DISABLED"}));
    let backups = Backups::of(scene.api());
    let _data = DataSet::write(&scene.instance(), 3);
    let hour = next_hour(&backups);
    scene.change(&json!({"automatedBackupConfig": daily(hour, 5 * DAY)}), LIMIT);
    backups.advance_clock(2 * HOUR);
    let first = wait_for(&backups, 1);
    backups.advance_clock(DAY);
    let two = wait_for(&backups, 2);
    // One of them is older than a day: nothing happens to it.
    scene.change(&json!({"automatedBackupConfig": daily(hour, DAY)}), LIMIT);
    let_pass(A_WHILE);
    assert_eq!(active(&backups), two);
    backups.advance_clock(DAY);
    let three = wait_for(&backups, 3);
    let newest = names(&three).into_iter().find(|name| !names(&two).contains(name)).expect("a third one").to_owned();
    backups.advance_clock(DAY);
    wait_until("the third to expire after its day, and the fourth to be there", LIMIT, || {
        let found = active(&backups);
        let is_so = found.len() == 3 && !names(&found).contains(&newest.as_str());
        if is_so { Ok(()) } else { Err(json!(found).to_string()) }
    });
    assert!(names(&two).iter().all(|name| names(&active(&backups)).contains(name)), "the first two are of five days");
    backups.advance_clock(2 * DAY);
    wait_until("the first to expire on its fifth day", LIMIT, || {
        let found = active(&backups);
        if names(&found).contains(&names(&first)[0]) { Err(json!(found).to_string()) } else { Ok(()) }
    });
    assert!(names(&active(&backups)).contains(&names(&two).into_iter().find(|name| *name != names(&first)[0]).expect("two")));
}

fn config(hour: i64, retention: &str) -> String {
    format!(
        r#"terraform {{
  required_providers {{
    valkyard = {{ source = "valkyard/valkyard" }}
  }}
}}

provider "valkyard" {{
  project = "p"
}}

resource "valkyard_instance" "cache" {{
  instance_id                 = "cache"
  shard_count                 = 1
  node_type                   = "SHARED_CORE_NANO"
  deletion_protection_enabled = false
}}

resource "valkyard_backup_policy" "daily" {{
  instance   = valkyard_instance.cache.instance_id
  start_hour = {hour}
  retention  = "{retention}"
}}
"#
    )
}

#[test]
fn terraform_says_what_a_shorter_retention_does_not_do() {
    let options = DaemonOptions { arguments: vec!["--adjustable-clock".to_owned()], ..DaemonOptions::default() };
    let daemon = Daemon::start(options);
    let backups = Backups::of(daemon.api());
    let terraform = terraforms().into_iter().next().expect("there is one");
    let hour = next_hour(&backups);
    let workspace = Workspace::of_text(&terraform, &config(hour, "432000s"), &daemon.endpoint());
    let _applied = workspace.apply().succeeded();
    backups.advance_clock(2 * HOUR);
    let made = wait_for(&backups, 1);
    backups.advance_clock(2 * DAY - HOUR);
    let kept = wait_for(&backups, 2);

    workspace.write(&config(hour, "86400s"));
    let planned = workspace.plan();
    assert_eq!(planned.code, 2, "{}\n{}", planned.out, planned.err);
    // Terraform breaks lines where it likes.
    let text = planned.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("Backups that are there keep their expiry"), "{}", planned.out);
    let _applied = workspace.apply().succeeded();
    let_pass(A_WHILE);
    assert_eq!(active(&backups), kept);
    assert!(names(&kept).contains(&names(&made)[0]));
    let planned = workspace.plan();
    assert_eq!(planned.code, 0, "{}\n{}", planned.out, planned.err);
    assert!(!planned.out.contains("keep their expiry"), "{}", planned.out);
    let _destroyed = workspace.destroy().succeeded();
}

#[test]
fn of_two_policies_for_one_instance_one_is_refused_and_the_other_is_in_force() {
    let daemon = Daemon::start(DaemonOptions::default());
    let terraform = terraforms().into_iter().next().expect("there is one");
    let second =
        config(4, "86400s").split("resource \"valkyard_backup_policy\"").nth(1).expect("a policy").replace("daily", "other");
    let text = format!("{}\nresource \"valkyard_backup_policy\"{second}", config(3, "432000s"));
    let workspace = Workspace::of_text(&terraform, &text, &daemon.endpoint());
    let applied = workspace.apply();
    assert_ne!(applied.code, 0, "{}", applied.out);
    let said = ["Two backup policies for one instance", "Automated backups are on already"];
    assert_eq!(said.iter().filter(|words| applied.err.contains(**words)).count(), 1, "{}", applied.err);
    let instance = daemon.api().get("/v1/projects/p/locations/us-central1/instances/cache").body;
    let hour = instance["automatedBackupConfig"]["fixedFrequencySchedule"]["startTime"]["hours"].as_i64();
    assert!(matches!(hour, Some(3 | 4)), "{instance}");
    // The one that was refused is in no state: destroying leaves nothing to complain of.
    let _destroyed = workspace.destroy().succeeded();
}
