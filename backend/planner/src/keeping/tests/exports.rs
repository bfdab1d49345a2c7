//! Exports.

use std::time::Duration;

use valkyard_model::{FaultKind, JobState};

use super::scene::{Scene, operation};

fn scene_with(exports: &[(u32, u128, &str)]) -> Scene {
    let mut scene = Scene::new();
    (1..=4).for_each(|number| drop(scene.backup(number, "2026-02-01").clone()));
    for (number, of, destination) in exports {
        scene.export(*number, *of, destination);
    }
    scene
}

#[test]
fn two_copies_go_on_at_once_and_the_others_wait_for_their_turn() {
    let mut scene = scene_with(&[(11, 1, "s3://a"), (12, 2, "s3://a"), (13, 3, "s3://a")]);
    assert_eq!(scene.plan(), ["BeginExport operation-11", "BeginExport operation-12"]);
    let waits = scene.whole_plan().waiting_on;
    assert_eq!(waits[&operation(13)].to_string(), "waiting for other exports and verifications to end");
    assert_eq!(waits[&operation(11)].to_string(), "copying to s3://a");
    for number in [11, 12] {
        scene.seen.exports.insert(operation(number), scene.job(JobState::Running));
    }
    assert_eq!(scene.plan(), Vec::<String>::new());
    assert_eq!(scene.whole_plan().look_again_in, Duration::from_secs(1));
    scene.seen.exports.insert(operation(11), scene.job(JobState::Done(())));
    assert_eq!(scene.plan(), ["FinishExport operation-11 well", "BeginExport operation-13"]);
}

#[test]
fn one_place_has_one_writer() {
    let scene = scene_with(&[(11, 1, "s3://a"), (12, 1, "s3://a"), (13, 1, "s3://b")]);
    assert_eq!(scene.plan(), ["BeginExport operation-11", "BeginExport operation-13"]);
}

#[test]
fn a_copy_whose_failure_may_pass_is_tried_three_times_and_the_others_once() {
    let mut scene = scene_with(&[(11, 1, "s3://a")]);
    for (kind, attempts, age_secs, expected) in [
        (FaultKind::Transient, 1, 0, ""),
        (FaultKind::Transient, 1, 1, "BeginExport operation-11"),
        (FaultKind::Transient, 2, 2, "BeginExport operation-11"),
        (FaultKind::Transient, 3, 0, "FinishExport operation-11 Internal: failed to export"),
        (FaultKind::PermissionDenied, 1, 0, "FinishExport operation-11 FailedPrecondition: failed to export"),
        (FaultKind::BadData, 1, 0, "FinishExport operation-11 FailedPrecondition: failed to export"),
        (FaultKind::DiskFull, 1, 0, "FinishExport operation-11 ResourceExhausted: failed to export"),
    ] {
        let failed = scene.failed(kind, attempts, age_secs);
        scene.seen.exports.insert(operation(11), failed);
        let plan = scene.plan().join("\n");
        assert!(plan.starts_with(expected) && plan.is_empty() == expected.is_empty(), "{kind:?}, {attempts}: {plan}");
    }
}

#[test]
fn a_cancelled_export_ends_once_its_work_has() {
    let mut scene = scene_with(&[(11, 1, "s3://a")]);
    scene.keeping.exports[0].is_cancelled = true;
    let finished = "FinishExport operation-11 Cancelled: the export was cancelled on request";
    assert_eq!(scene.plan(), [finished], "it never began");
    scene.seen.exports.insert(operation(11), scene.job(JobState::Running));
    assert_eq!(scene.plan(), ["EndJob export operation-11"]);
    scene.seen.exports.insert(operation(11), scene.failed(FaultKind::Transient, 1, 0));
    assert_eq!(scene.plan(), [finished]);
    scene.seen.exports.insert(operation(11), scene.job(JobState::Done(())));
    assert_eq!(scene.plan(), ["FinishExport operation-11 well"], "it was too late");
}

#[test]
fn an_export_of_a_backup_that_is_gone_fails() {
    let scene = scene_with(&[(11, 9, "s3://a")]);
    assert!(scene.plan()[0].starts_with("FinishExport operation-11 FailedPrecondition"));
}
