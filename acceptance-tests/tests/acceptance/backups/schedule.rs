//! Backups that nobody asks for: due by the clock, verified, expired.

use std::time::Duration;

use acceptance_tests::judge::DataSet;
use acceptance_tests::{Backups, Scene, let_pass, wait_until};
use serde_json::json;

use super::{A_WHILE, DAY, active, daily, next_hour, scene_with, shape, wait_for};

const LIMIT: Duration = Duration::from_secs(90);

#[test]
fn a_backup_is_made_when_it_is_due_once_verified_and_deleted_when_it_expires() {
    let mut scene = scene_with(&json!({"automatedBackupMode": "DISABLED"}));
    let backups = Backups::of(scene.api());
    let _data = DataSet::write(&scene.instance(), 5);
    scene.change(&json!({"automatedBackupConfig": daily(next_hour(&backups), 2 * DAY)}), LIMIT);
    let path = "/v1/admin/projects/p/locations/us-central1/instances/cache:setBackupPolicy";
    let answer = scene.api().call("POST", path, &json!({"verify": true}).to_string());
    assert_eq!((answer.status, &answer.body["verify"]), (200, &json!(true)), "{}", answer.body);
    let_pass(A_WHILE);
    assert_eq!(active(&backups).len(), 0, "nothing is due yet");

    backups.advance_clock(2 * 3_600);
    let made = wait_for(&backups, 1);
    assert_eq!(made[0]["backupType"], "AUTOMATED", "{}", made[0]);
    let name = made[0]["name"].as_str().expect("a name").rsplit('/').next().expect("an id").to_owned();
    wait_until("it is verified", LIMIT, || {
        let details = backups.details("cache", &name);
        if details["verification"]["state"] == "PASSED" { Ok(()) } else { Err(details["verification"].to_string()) }
    });
    wait_until("the scratch instance is gone", LIMIT, || {
        let listed = scene.api().get("/v1/projects/valkyard-scratch/locations/us-central1/instances").body;
        if listed["instances"].as_array().is_none_or(Vec::is_empty) { Ok(()) } else { Err(listed.to_string()) }
    });
    backups.advance_clock(-3_600);
    let_pass(A_WHILE);
    backups.advance_clock(3_600);
    let_pass(A_WHILE);
    assert_eq!(active(&backups).len(), 1, "a clock that jumps makes no second one");

    scene.daemon.kill_9();
    scene.daemon.restart();
    // The clock of schedules begins anew with the daemon: three days are missed, and one backup made up for.
    backups.advance_clock(3 * DAY + 2 * 3_600);
    wait_until("the first to expire, and one to be made up for", LIMIT, || {
        let found = active(&backups);
        if found.len() == 1 && found[0]["name"] != made[0]["name"] { Ok(()) } else { Err(json!(found).to_string()) }
    });
    let_pass(A_WHILE);
    assert_eq!(active(&backups).len(), 1);
}

#[test]
fn the_clock_of_a_usual_daemon_cannot_be_moved_and_bad_schedules_are_refused() {
    let scene = Scene::create(&shape(1, 0));
    let answer = scene.api().call("POST", "/v1/admin/clock:advance", &json!({"seconds": "5"}).to_string());
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(answer.body.to_string().contains("--adjustable-clock"), "{}", answer.body);
    for bad in [daily(24, DAY), daily(2, DAY - 1), daily(2, 366 * DAY), json!({"automatedBackupMode": "ENABLED"})] {
        let refused = scene.ask_for(&json!({"automatedBackupConfig": bad}));
        assert_eq!(refused.status, 400, "{bad}: {}", refused.body);
        assert!(refused.body.to_string().contains("automated_backup_config"), "{}", refused.body);
    }
}
