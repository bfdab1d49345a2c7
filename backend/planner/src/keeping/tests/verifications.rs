//! Verifications and their scratch instances.

use chrono::TimeDelta;
use valkyard_model::{
    BackupOrigin, DesiredInstance, Failure, FailureCode, FaultKind, ImportSource, JobState, Lifecycle, OperationState,
    Verification,
};

use super::super::{KeepingFault, KeepingStep, KeepingStepKind, SCRATCH_LABEL, Verdict};
use super::scene::{Scene, instance, operation, scratch_name, time};

fn verifying(number: u32) -> Scene {
    let mut scene = Scene::new();
    scene.backup(1, "2026-02-01");
    scene.verification(number, 1);
    scene
}

fn scratch(number: u32) -> DesiredInstance {
    instance(&scratch_name(number).to_string(), u128::from(number))
}

fn created() -> OperationState {
    OperationState::Succeeded { end_time: time("2026-01-10"), result: None }
}

#[test]
fn a_scratch_instance_has_the_shape_of_the_backup_and_nothing_that_outlives_it() {
    let scene = verifying(5);
    let plan = scene.whole_plan();
    let [KeepingStep::CreateScratch { order, spec, maxmemory }] = plan.steps.as_slice() else { panic!("{plan:?}") };
    assert_eq!((spec.shard_count, spec.replica_count, spec.deletion_protection), (3, 0, false));
    assert_eq!(spec.engine_version.to_string(), "VALKEY_8_0");
    assert_eq!(spec.import, Some(ImportSource::Backup(scene.keeping.backups[0].name.clone())));
    assert_eq!(spec.labels.get(SCRATCH_LABEL).map(String::as_str), Some("b1"));
    assert!(!spec.persistence.is_on() && maxmemory.0 > 0);
    assert_eq!(order.creation().as_str(), "operation-5-scratch");
}

#[test]
fn a_newer_engine_serves_where_the_own_one_is_not_installed() {
    let mut scene = verifying(5);
    scene.versions = vec!["VALKEY_7_2", "VALKEY_9_0", "VALKEY_9_1"];
    let plan = scene.whole_plan();
    let [KeepingStep::CreateScratch { spec, .. }] = plan.steps.as_slice() else { panic!("{plan:?}") };
    assert_eq!(spec.engine_version.to_string(), "VALKEY_9_1");
    scene.versions = vec!["VALKEY_7_2"];
    let [step] = scene.plan().try_into().expect("one step");
    assert!(step.starts_with("FinishVerification 01 FailedPrecondition") && step.contains("install one"), "{step}");
}

#[test]
fn a_restored_backup_is_compared_recorded_and_its_scratch_instance_deleted() {
    let mut scene = verifying(5);
    scene.seen.scratches.push(scratch(5));
    scene.seen.creations.insert(operation(5), OperationState::Running);
    assert_eq!(scene.plan(), Vec::<String>::new());
    scene.seen.creations.insert(operation(5), created());
    assert_eq!(scene.plan(), ["BeginComparison operation-5"]);
    scene.seen.comparisons.insert(operation(5), scene.job(JobState::Running));
    assert_eq!(scene.plan(), Vec::<String>::new());
    scene.seen.comparisons.insert(operation(5), scene.job(JobState::Done(Verdict::Equal { detail: "all".to_owned() })));
    assert_eq!(scene.plan(), ["FinishVerification 01 well"]);
    scene.keeping.verifications.clear();
    assert_eq!(scene.plan(), ["EndJob comparison operation-5", "DeleteScratch verify-5"]);
    scene.seen.scratches[0].lifecycle = Lifecycle::Deleting;
    scene.seen.comparisons.clear();
    assert_eq!(scene.plan(), Vec::<String>::new());
}

#[test]
fn every_way_to_fail_says_which() {
    let mut scene = verifying(5);
    let failure = Failure { code: FailureCode::ResourceExhausted, message: "no disk".to_owned() };
    scene.seen.creations.insert(operation(5), OperationState::Failed { end_time: time("2026-01-10"), failure });
    let could_not = "FinishVerification 01 ResourceExhausted: the backup did not pass: it could not be restored: no disk";
    assert_eq!(scene.plan(), [could_not]);

    scene.seen.creations.insert(operation(5), created());
    assert!(scene.plan()[0].contains("was deleted before it was compared"));

    scene.seen.scratches.push(scratch(5));
    let different = Verdict::Different { detail: "2 keys were found instead of 3".to_owned() };
    scene.seen.comparisons.insert(operation(5), scene.job(JobState::Done(different)));
    assert!(scene.plan()[0].ends_with("FailedPrecondition: the backup did not pass: 2 keys were found instead of 3"));

    scene.seen.comparisons.insert(operation(5), scene.failed(FaultKind::Transient, 2, 60));
    assert_eq!(scene.plan(), ["BeginComparison operation-5"]);
    scene.seen.comparisons.insert(operation(5), scene.failed(FaultKind::Transient, 3, 0));
    assert!(scene.plan()[0].contains("Internal: the backup did not pass: it could not be compared: it broke"));
}

#[test]
fn a_creation_that_is_refused_for_a_minute_ends_the_verification() {
    let mut scene = verifying(5);
    let fault = |attempts, last| KeepingFault {
        kind: KeepingStepKind::CreateScratch,
        about: scratch_name(5).to_string(),
        attempts,
        last,
        detail: "no address".to_owned(),
    };
    scene.seen.faults = vec![fault(5, scene.machine - TimeDelta::seconds(20))];
    assert_eq!(scene.plan(), ["CreateScratch verify-5"]);
    scene.seen.faults = vec![fault(6, scene.machine)];
    assert!(scene.plan()[0].contains("it could not be restored: no address"));
}

#[test]
fn a_cancelled_verification_ends_wherever_it_stands() {
    let mut scene = verifying(5);
    scene.keeping.cancelled.push(operation(5));
    let finished = "FinishVerification 01 Cancelled: the verification was cancelled on request";
    assert_eq!(scene.plan(), [finished]);
    scene.seen.scratches.push(scratch(5));
    scene.seen.creations.insert(operation(5), created());
    scene.seen.comparisons.insert(operation(5), scene.job(JobState::Running));
    assert_eq!(scene.plan(), ["EndJob comparison operation-5"]);
    scene.seen.comparisons.clear();
    assert_eq!(scene.plan(), [finished]);
}

#[test]
fn one_scratch_instance_at_a_time() {
    let mut scene = verifying(5);
    scene.backup(2, "2026-02-01");
    scene.verification(4, 2);
    assert_eq!(scene.plan(), ["CreateScratch verify-4"], "the older one first");
    scene.seen.scratches.push(scratch(4));
    scene.seen.creations.insert(operation(4), OperationState::Running);
    assert_eq!(scene.plan(), Vec::<String>::new());
    assert_eq!(scene.whole_plan().waiting_on[&operation(5)].to_string(), "waiting for other verifications to end");
    scene.keeping.verifications.retain(|order| order.operation == operation(5));
    assert_eq!(scene.plan(), ["DeleteScratch verify-4"], "it still takes its memory");
}

#[test]
fn the_newest_automated_backup_is_verified_where_that_is_wanted() {
    let mut scene = Scene::new();
    scene.schedule().record.last_due = Some(time("2026-01-10T02:00:00"));
    for (number, day) in [(1, "2026-01-09"), (2, "2026-01-10"), (3, "2026-01-08")] {
        scene.backup(number, "2026-02-01").origin = BackupOrigin::Automated { due: time(day) };
    }
    scene.backup(4, "2026-02-01");
    assert_eq!(scene.plan(), Vec::<String>::new(), "nobody wants it");
    scene.keeping.scheduled[0].record.verify = true;
    assert_eq!(scene.plan(), ["Verify b2"]);
    scene.keeping.backups[1].verification = Verification::Passed { at: time("2026-01-10"), detail: String::new() };
    assert_eq!(scene.plan(), Vec::<String>::new(), "older ones are not made up for");
    scene.keeping.backups[1].verification = Verification::Never;
    scene.verification(9, 4);
    assert!(!scene.plan().contains(&"Verify b2".to_owned()), "one at a time");
}
