//! The clock of schedules jumps back and forth across the hour of a backup.

use std::time::Duration;

use acceptance_tests::judge::DataSet;
use acceptance_tests::{Backups, let_pass};
use serde_json::{Value, json};

use super::{A_WHILE, DAY, HOUR, active, daily, next_hour, scene_with, wait_for};

const LIMIT: Duration = Duration::from_secs(60);
const RETENTION: i64 = 10 * DAY;

/// Where the clock jumps, in seconds, and how many backups there are afterwards. The first one is due at that day's hour.
const JUMPS: [(i64, usize, &str); 13] = [
    (2 * HOUR, 1, "the first is due"),
    (-HOUR, 1, "back within the hour before"),
    (HOUR, 1, "and there again"),
    (-3 * HOUR, 1, "back before it was due"),
    (3 * HOUR, 1, "it is due a second time"),
    (-DAY + HOUR, 1, "nearly a day back: nothing of the day before is made up for"),
    (DAY - HOUR, 1, "it is due a third time"),
    (-3 * DAY, 2, "so far back that it is another day, which has its own"),
    (3 * DAY, 2, "the first day is there again, and has its backup"),
    (DAY, 3, "the next day"),
    (4 * DAY, 4, "four days at once: the last that was due is made up for"),
    (-DAY, 4, "a day that was jumped over is not made up for while the next one has its backup"),
    (DAY, 4, "and forward again"),
];

fn expiries(found: &[Value]) -> Vec<(&Value, &Value)> {
    found.iter().map(|backup| (&backup["name"], &backup["expireTime"])).collect()
}

#[test]
fn each_due_time_has_one_backup_and_none_goes_before_its_time_wherever_the_clock_jumps() {
    let scene = scene_with(&json!({"automatedBackupMode": "DISABLED"}));
    let backups = Backups::of(scene.api());
    let _data = DataSet::write(&scene.instance(), 3);
    scene.change(&json!({"automatedBackupConfig": daily(next_hour(&backups), RETENTION)}), LIMIT);
    let mut before: Vec<Value> = Vec::new();
    for (seconds, count, what) in JUMPS {
        backups.advance_clock(seconds);
        let found = wait_for(&backups, count);
        let_pass(A_WHILE / 2);
        let found_later = active(&backups);
        assert_eq!(found_later, found, "{what}");
        let kept = expiries(&before);
        assert!(kept.iter().all(|backup| expiries(&found).contains(backup)), "{what}: {before:?} became {found:?}");
        before = found;
    }
    backups.advance_clock(RETENTION + DAY);
    // By a clock that is right again: what is over goes, and one is made for the last day.
    let last = wait_for(&backups, 1);
    assert!(before.iter().all(|backup| backup["name"] != last[0]["name"]), "{last:?}");
}
