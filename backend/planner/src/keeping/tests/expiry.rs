//! The end of backups, and what was never finished.

use std::time::Duration;

use chrono::TimeDelta;
use valkyard_model::{BackupState, FaultKind, JobState};

use super::super::{KeepingFault, KeepingStepKind};
use super::scene::{Scene, operation, time, uid};

fn leaving(scene: &mut Scene, number: u128) {
    scene.backup(number, "2026-02-01").state = BackupState::Deleting { content: None };
}

#[test]
fn a_backup_expires_at_the_time_it_was_accepted_with() {
    let mut scene = Scene::new();
    scene.backup(1, "2026-01-10T12:00:00");
    scene.backup(2, "2026-01-10T12:00:01");
    assert_eq!(scene.plan(), ["Expire 01"]);
    scene.calendar = time("2026-01-10T12:00:01");
    assert_eq!(scene.plan(), ["Expire 01", "Expire 02"]);
}

#[test]
fn a_backup_in_use_does_not_expire() {
    let mut scene = Scene::new();
    scene.backup(1, "2026-01-01");
    scene.backup(2, "2026-01-01");
    scene.export(5, 1, "s3://bucket");
    scene.verification(6, 2);
    assert!(!scene.plan().iter().any(|step| step.starts_with("Expire")));
}

#[test]
fn an_expiry_that_was_refused_is_tried_again_later() {
    let mut scene = Scene::new();
    scene.backup(1, "2026-01-01");
    let fault = |attempts, last| KeepingFault {
        kind: KeepingStepKind::Expire,
        about: uid(1).to_string(),
        attempts,
        last,
        detail: String::new(),
    };
    scene.seen.faults = vec![fault(5, scene.machine - TimeDelta::seconds(10))];
    assert_eq!(scene.plan(), Vec::<String>::new());
    assert_eq!(scene.whole_plan().look_again_in, Duration::from_secs(6));
    scene.seen.faults = vec![fault(5, scene.machine - TimeDelta::seconds(16))];
    assert_eq!(scene.plan(), ["Expire 01"]);
}

#[test]
fn files_go_before_the_record_two_backups_at_a_time() {
    let mut scene = Scene::new();
    (1..=3).for_each(|number| leaving(&mut scene, number));
    assert_eq!(scene.plan(), ["BeginDeletion b1", "BeginDeletion b2"]);
    scene.seen.deletions.insert(uid(1), scene.job(JobState::Running));
    scene.seen.deletions.insert(uid(2), scene.job(JobState::Done(())));
    assert_eq!(scene.plan(), ["RemoveRecord 02", "BeginDeletion b3"]);
}

#[test]
fn files_that_cannot_be_removed_are_tried_again_for_ever_but_seldom() {
    let mut scene = Scene::new();
    leaving(&mut scene, 1);
    for (attempts, age_secs, is_begun) in
        [(1, 4, false), (1, 5, true), (4, 39, false), (4, 40, true), (90, 599, false), (90, 600, true)]
    {
        let failed = scene.failed(FaultKind::PermissionDenied, attempts, age_secs);
        scene.seen.deletions.insert(uid(1), failed);
        assert_eq!(scene.plan() == ["BeginDeletion b1"], is_begun, "attempt {attempts}, {age_secs} s ago");
    }
}

#[test]
fn a_deletion_that_was_asked_for_says_where_it_stands() {
    let mut scene = Scene::new();
    (1..=3).for_each(|number| leaving(&mut scene, number));
    scene.keeping.deletions = [(uid(1), operation(1)), (uid(3), operation(3))].into();
    let words = |scene: &Scene| {
        let waiting_on = scene.whole_plan().waiting_on;
        [1, 3].map(|number| waiting_on[&operation(number)].to_string())
    };
    assert_eq!(words(&scene), ["removing its files", "waiting for other removals to end"]);
    let failed = scene.failed(FaultKind::PermissionDenied, 3, 1);
    scene.seen.deletions.insert(uid(1), failed);
    assert_eq!(words(&scene), ["trying again soon after a failure: it broke", "removing its files"]);
    assert_eq!(scene.whole_plan().waiting_on.len(), 2, "nobody waits for one that expired");
}

#[test]
fn work_that_nobody_needs_any_more_is_ended() {
    let mut scene = Scene::new();
    scene.seen.deletions.insert(uid(1), scene.job(JobState::Done(())));
    scene.seen.exports.insert(operation(4), scene.job(JobState::Running));
    scene.seen.comparisons.insert(operation(5), scene.job(JobState::Running));
    assert_eq!(
        scene.plan(),
        ["EndJob export operation-4", "EndJob comparison operation-5", "EndJob deletion of 00000000-0000-0000-0000-000000000001"]
    );
}

#[test]
fn leftovers_are_looked_for_at_start_and_every_hour() {
    let mut scene = Scene::new();
    scene.backup(1, "2026-02-01");
    let begun = scene.machine;
    scene.seen.sweep = None;
    let sweep = |since: &str| vec![format!("BeginSweep the store untouched since {since}")];
    assert_eq!(scene.plan(), sweep("2029-12-31T00:00:00Z"));
    scene.seen.sweep = Some(scene.job(JobState::Running));
    scene.machine = begun + TimeDelta::hours(2);
    assert_eq!(scene.plan(), Vec::<String>::new(), "one at a time");
    scene.machine = begun;
    scene.seen.sweep = Some(scene.failed(FaultKind::Transient, 1, 0));
    scene.machine = begun + TimeDelta::minutes(59);
    assert_eq!(scene.plan(), Vec::<String>::new());
    scene.machine = begun + TimeDelta::minutes(60);
    assert_eq!(scene.plan(), sweep("2029-12-31T01:00:00Z"));
    scene.machine = begun - TimeDelta::minutes(60);
    assert_eq!(scene.plan(), sweep("2029-12-30T23:00:00Z"), "the clock was set back");
}
