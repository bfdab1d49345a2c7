//! What the store records of a switchover: the same on all members, once, and back if it is given up.

use valkyard_model::{Failure, FailureCode, Points, ReplicationPoint, Role, ShardIndex, Switchover, SwitchoverStep};
use valkyard_store::{RoleChange, RoleRefusal, UpdateError, UpdateInstance};

use crate::scene::{Scene, at, failed_with, named};

fn ends() -> Points {
    let point = ReplicationPoint { replication_id: "0123456789abcdef0123456789abcdef01234567".to_owned(), offset: 9 };
    [(ShardIndex(0), point.clone()), (ShardIndex(11), point)].into()
}

impl Scene {
    async fn lead(&self, id: &str) -> Result<valkyard_model::Operation, UpdateError> {
        let before = self.instance(id).await;
        let change = self.change(id, before.generation, before.spec, at(5));
        let expected_role = before.replication.role;
        self.store.update_instance(UpdateInstance { roles: RoleChange::SwitchOver, expected_role, ..change }).await
    }

    async fn step(&self, id: &str, step: SwitchoverStep) {
        let uid = self.instance(id).await.uid;
        self.store.switch_over(&named(id), uid, step, at(6)).await.expect("is recorded");
    }

    async fn stage(&self, id: &str) -> Option<Switchover> {
        self.instance(id).await.replication.switchover
    }

    async fn three() -> Self {
        let scene = Self::in_memory();
        scene.created("prim", at(0)).await;
        scene.following("copy", "prim").await;
        scene.following("third", "prim").await;
        scene.rest("prim").await;
        scene
    }

    /// Records that what was accepted last is complete.
    async fn rest(&self, id: &str) {
        let instance = self.instance(id).await;
        let recorded = self.store.record_converged(&instance.name, instance.uid, instance.generation, at(4)).await;
        recorded.expect("is recorded");
    }
}

#[tokio::test]
async fn all_members_change_their_roles_at_once() {
    let scene = Scene::three().await;
    scene.lead("copy").await.expect("is accepted");
    let refused = scene.lead("third").await.expect_err("one at a time");
    assert!(matches!(refused, UpdateError::Role(RoleRefusal::SwitchingOver { .. })), "{refused}");
    for id in ["copy", "third"] {
        scene.step(id, SwitchoverStep::RecordDrained { ended: ends() }).await;
        scene.step(id, SwitchoverStep::RecordDrained { ended: ends() }).await;
    }
    let Some(Switchover::Draining { drained, to, .. }) = scene.stage("prim").await else { panic!("it drains") };
    assert_eq!((drained.len(), to.name), (2, named("copy")));
    // Only the heir turns over.
    scene.step("third", SwitchoverStep::TurnOver { ended: ends(), possible_loss: None }).await;
    assert!(matches!(scene.stage("copy").await, Some(Switchover::Draining { .. })));
    scene.step("copy", SwitchoverStep::TurnOver { ended: ends(), possible_loss: None }).await;
    scene.step("copy", SwitchoverStep::TurnOver { ended: Points::new(), possible_loss: None }).await;
    let leader = scene.instance("copy").await.replication;
    let Role::Primary { secondaries } = &leader.role else { panic!("it leads: {leader:?}") };
    let names: Vec<_> = secondaries.iter().map(|member| member.name.clone()).collect();
    assert_eq!(names, [named("prim"), named("third")]);
    assert_eq!(leader.switchover, Some(Switchover::Opening { ended: ends(), since: at(6) }));
    assert_eq!(leader.accession.map(|accession| accession.from.name), Some(named("prim")));
    for id in ["prim", "third"] {
        let follower = scene.instance(id).await.replication;
        assert_eq!(follower.role.primary().map(|member| &member.name), Some(&named("copy")));
        assert_eq!(follower.role.secondaries(), secondaries);
        assert_eq!(follower.switchover, Some(Switchover::AwaitingPoints { ended: ends() }));
    }
    scene.step("copy", SwitchoverStep::RecordPoints { points: ends() }).await;
    scene.step("copy", SwitchoverStep::Finish).await;
    assert_eq!(scene.stage("copy").await, None);
    assert_eq!(scene.stage("prim").await, Some(Switchover::TakingOver { ended: ends(), points: ends() }));
    scene.step("prim", SwitchoverStep::Finish).await;
    assert_eq!(scene.stage("prim").await, None);
    assert!(scene.stage("third").await.is_some());
}

#[tokio::test]
async fn what_is_given_up_leaves_everything_as_it_was() {
    let scene = Scene::three().await;
    let before = scene.instance("prim").await.replication.role;
    let operation = scene.lead("copy").await.expect("is accepted");
    let failure = Failure { code: FailureCode::FailedPrecondition, message: "it lagged".to_owned() };
    scene.step("third", SwitchoverStep::GiveUp { failure: failure.clone() }).await;
    assert!(scene.stage("prim").await.is_some(), "it is the heir's to give up");
    scene.step("copy", SwitchoverStep::GiveUp { failure: failure.clone() }).await;
    for id in ["prim", "copy", "third"] {
        assert_eq!(scene.stage(id).await, None, "{id}");
    }
    assert_eq!(scene.instance("prim").await.replication.role, before);
    assert_eq!(failed_with(&scene.operation(&operation).await), Some(FailureCode::FailedPrecondition));
    scene.rest("prim").await;
    scene.rest("copy").await;
    scene.rest("third").await;
    let operation = scene.lead("copy").await.expect("is accepted");
    scene.store.request_cancel(&operation.id, at(8)).await.expect("is accepted");
    assert_eq!(failed_with(&scene.operation(&operation).await), Some(FailureCode::Cancelled));
    assert_eq!(scene.stage("prim").await, None);
}

#[tokio::test]
async fn an_heir_that_is_deleted_leaves_the_others_as_they_were() {
    let scene = Scene::three().await;
    scene.lead("copy").await.expect("is accepted");
    scene.delete("copy", at(7)).await.expect("is accepted");
    for id in ["prim", "third"] {
        assert_eq!(scene.stage(id).await, None, "{id}");
    }
    let names: Vec<_> = scene.instance("prim").await.replication.role.secondaries().iter().map(|m| m.name.clone()).collect();
    assert_eq!(names, [named("third")]);
}

#[tokio::test]
async fn members_that_are_not_at_rest_do_not_change_places() {
    let scene = Scene::three().await;
    let third = scene.instance("third").await;
    let change = scene.change("third", third.generation, third.spec, at(5));
    let change = UpdateInstance { expected_role: third.replication.role, ..change };
    let busy = scene.store.update_instance(change).await.expect("is accepted");
    let refused = scene.lead("copy").await.expect_err("another member is busy");
    assert!(matches!(&refused, UpdateError::Role(RoleRefusal::Busy { operation, .. }) if *operation == busy.id), "{refused}");
    let refused = scene.lead("prim").await.expect_err("it leads");
    assert!(matches!(refused, UpdateError::Role(RoleRefusal::NotFollowing { .. })), "{refused}");
}
