//! Which automated backups are due.

use std::time::Duration;

use valkyard_model::{BackupOrigin, BackupState, Convergence, Generation, Lifecycle, Timestamp};

use super::scene::{Scene, backup, time, uid};

const DUE: &str = "BackUp cache due 2026-01-10T02:00:00Z until 2026-01-15T12:00:00Z";

fn of(due: Timestamp, number: u128) -> valkyard_model::Backup {
    valkyard_model::Backup { origin: BackupOrigin::Automated { due }, ..backup(number, "2026-01-30") }
}

#[test]
fn what_was_due_last_is_begun_at_once_and_only_that() {
    let mut scene = Scene::new();
    scene.schedule();
    assert_eq!(scene.plan(), [DUE], "nine days were missed, one backup is made up for");
}

#[test]
fn nothing_is_made_up_for_that_was_due_before_the_schedule() {
    let mut scene = Scene::new();
    for (since, plan) in [
        ("2026-01-10T01:59:59", vec![DUE.to_owned()]),
        ("2026-01-10T02:00:00", vec![]),
        ("2026-01-10T11:00:00", vec![]),
        // The machine's clock was corrected by a second since.
        ("2026-01-10T12:00:01", vec![]),
        // The clock of schedules was a year ahead.
        ("2027-01-10T12:00:00", vec![DUE.to_owned()]),
    ] {
        scene.keeping.scheduled.clear();
        scene.schedule().record.since = Some(time(since));
        assert_eq!(scene.plan(), plan, "since {since}");
    }
}

#[test]
fn a_due_time_that_was_begun_or_has_a_backup_gets_no_other() {
    let due = time("2026-01-10T02:00:00");
    let mut scene = Scene::new();
    scene.schedule().record.last_due = Some(due);
    assert_eq!(scene.plan(), Vec::<String>::new(), "it was begun");

    scene.keeping.scheduled[0].record.last_due = Some(time("2026-03-01T02:00:00"));
    assert_eq!(scene.plan(), [DUE], "the clock was ahead and is back");
    scene.keeping.backups.push(of(due, 1));
    assert_eq!(scene.plan(), Vec::<String>::new(), "the clock went ahead and came back");
    scene.keeping.backups[0].instance_uid = uid(9);
    assert_eq!(scene.plan(), [DUE], "that was an earlier instance of this name");
}

#[test]
fn what_is_left_of_a_failed_one_is_no_backup_and_a_deleted_one_was() {
    let due = time("2026-01-10T02:00:00");
    let mut scene = Scene::new();
    scene.schedule().record.last_due = Some(time("2026-03-01T02:00:00"));
    scene.keeping.backups.push(of(due, 1));
    let content = scene.keeping.backups[0].content().cloned();
    scene.keeping.backups[0].state = BackupState::Deleting { content };
    assert!(!scene.plan().contains(&DUE.to_owned()));
    scene.keeping.backups[0].state = BackupState::Deleting { content: None };
    assert!(scene.plan().contains(&DUE.to_owned()));
}

#[test]
fn a_failed_one_is_begun_again_after_a_rest_and_at_most_five_times() {
    let mut scene = Scene::new();
    let record = &mut scene.schedule().record;
    record.last_due = Some(time("2026-01-10T02:00:00"));
    record.last_failure = Some("it broke".to_owned());
    for (attempts, last, is_begun) in [
        (1, "2026-01-10T11:59:01", false),
        (1, "2026-01-10T11:59:00", true),
        (2, "2026-01-10T11:58:30", false),
        (2, "2026-01-10T11:58:00", true),
        (4, "2026-01-10T11:52:00", true),
        (5, "2026-01-10T03:00:00", false),
        // The clock was set back since: the rest is long over.
        (2, "2026-01-10T15:00:00", true),
    ] {
        let record = &mut scene.keeping.scheduled[0].record;
        record.attempts = attempts;
        record.last_attempt = Some(time(last));
        assert_eq!(scene.plan() == [DUE], is_begun, "attempt {attempts} at {last}");
    }
}

#[test]
fn an_instance_that_cannot_make_one_is_left_alone_until_it_can() {
    let mut scene = Scene::new();
    scene.schedule();
    scene.keeping.scheduled[0].is_busy = true;
    assert_eq!(scene.plan(), Vec::<String>::new(), "busy");
    scene.keeping.scheduled[0].is_busy = false;
    scene.keeping.scheduled[0].instance.shape_generation = Generation(2);
    assert_eq!(scene.plan(), Vec::<String>::new(), "going back");
    scene.keeping.scheduled[0].instance.shape_generation = Generation(1);
    scene.keeping.scheduled[0].instance.lifecycle = Lifecycle::Deleting;
    assert_eq!(scene.plan(), Vec::<String>::new(), "deleting");
    scene.keeping.scheduled[0].instance.lifecycle = Lifecycle::Present;
    let settled = scene.keeping.scheduled[0].instance.settled.take();
    scene.keeping.scheduled[0].instance.convergence = Convergence::Never;
    assert_eq!(scene.plan(), Vec::<String>::new(), "never complete");
    scene.keeping.scheduled[0].instance.settled = settled;
    scene.keeping.scheduled[0].instance.convergence = Convergence::At { generation: Generation(1) };
    assert_eq!(scene.plan(), [DUE]);
}

#[test]
fn the_next_look_is_no_later_than_the_next_due_time() {
    let mut scene = Scene::new();
    scene.schedule().record.last_due = Some(time("2026-01-10T02:00:00"));
    assert_eq!(scene.whole_plan().look_again_in, Duration::from_secs(30));
    scene.backup(1, "2026-02-01").state = BackupState::Creating;
    assert_eq!(scene.whole_plan().look_again_in, Duration::from_secs(1), "nobody tells when it is complete");
    scene.keeping.backups.clear();
    scene.keeping.scheduled[0].record.last_due = Some(time("2026-01-09T02:00:00"));
    scene.calendar = time("2026-01-10T01:59:50");
    assert_eq!(scene.whole_plan().look_again_in, Duration::from_secs(10));
    scene.calendar = time("2026-01-10T02:00:00");
    assert_eq!(scene.plan().len(), 1);
}
