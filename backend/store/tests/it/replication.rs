//! Who follows whom: every member is changed in the one transaction, or none.

use std::collections::BTreeSet;

use valkyard_model::{DesiredInstance, FailureCode, InstanceName, Lifecycle, Member, Operation, Reseeding, Role, ShardIndex};
use valkyard_store::{
    CreateError, CreateInstance, DeleteError, Follow, LocationDistance, RoleChange, RoleRefusal, UpdateError, UpdateInstance,
};

use crate::scene::{Scene, all_free, at, failure, named};

fn member(instance: &DesiredInstance) -> Member {
    Member { name: instance.name.clone(), uid: instance.uid }
}

impl Scene {
    async fn try_follow(&self, id: &str, primary: &str) -> Result<Operation, CreateError> {
        let follow = Follow { primary: named(primary), expected_generation: self.instance(primary).await.generation };
        let creation = CreateInstance { follow: Some(follow), ..self.creation(id, at(1)) };
        self.store.create_instance(creation, all_free).await
    }

    pub(crate) async fn following(&self, id: &str, primary: &str) -> DesiredInstance {
        let operation = self.try_follow(id, primary).await.expect("is taken in");
        self.converge(&operation, at(2)).await;
        self.instance(id).await
    }

    async fn detach(&self, id: &str, detached: &[&str]) -> Result<Operation, UpdateError> {
        let before = self.instance(id).await;
        let detach: Vec<InstanceName> = detached.iter().map(|id| named(id)).collect();
        let change = self.change(id, before.generation, before.spec, at(3));
        let expected_role = before.replication.role;
        self.store.update_instance(UpdateInstance { roles: RoleChange::Detach(detach), expected_role, ..change }).await
    }

    async fn role(&self, id: &str) -> Role {
        self.instance(id).await.replication.role
    }
}

fn refusal(error: CreateError) -> RoleRefusal {
    let CreateError::Role(refusal) = error else { panic!("refused for another reason: {error}") };
    refusal
}

#[tokio::test]
async fn all_members_know_all_members_at_every_time() {
    let scene = Scene::in_memory();
    let primary = member(&scene.created("prim", at(0)).await);
    let first = member(&scene.following("copy", "prim").await);
    assert_eq!(scene.role("prim").await, Role::Primary { secondaries: vec![first.clone()] });
    let second = member(&scene.following("next", "prim").await);
    let both = vec![first.clone(), second.clone()];
    assert_eq!(scene.role("prim").await, Role::Primary { secondaries: both.clone() });
    for id in ["copy", "next"] {
        assert_eq!(scene.role(id).await, Role::Secondary { primary: primary.clone(), secondaries: both.clone() }, "{id}");
    }
    scene.detach("copy", &["copy"]).await.expect("is accepted");
    assert_eq!(scene.role("copy").await, Role::Leaving);
    assert_eq!(scene.role("prim").await, Role::Primary { secondaries: vec![second.clone()] });
    assert_eq!(scene.role("next").await, Role::Secondary { primary, secondaries: vec![second] });
}

#[tokio::test]
async fn a_primary_takes_in_two_and_only_while_it_is_complete_and_idle() {
    let scene = Scene::in_memory();
    scene.create("fresh", at(0)).await;
    assert!(matches!(refusal(scene.try_follow("late", "fresh").await.expect_err("is new")), RoleRefusal::NotReady { .. }));
    scene.created("prim", at(0)).await;
    scene.following("copy", "prim").await;
    let chained = refusal(scene.try_follow("late", "copy").await.expect_err("would be a chain"));
    assert!(matches!(&chained, RoleRefusal::IsSecondary { primary, .. } if **primary == named("prim")), "{chained}");
    let busy = scene.label("prim", at(1)).await;
    let refused = refusal(scene.try_follow("late", "prim").await.expect_err("it changes"));
    assert!(matches!(refused, RoleRefusal::Busy { operation, .. } if operation == busy.id));
    scene.converge(&busy, at(1)).await;
    scene.following("next", "prim").await;
    assert!(matches!(refusal(scene.try_follow("late", "prim").await.expect_err("a third")), RoleRefusal::TooMany { .. }));
    let missing = Follow { primary: named("nobody"), expected_generation: scene.instance("prim").await.generation };
    let creation = CreateInstance { follow: Some(missing), ..scene.creation("late", at(1)) };
    let refused = scene.store.create_instance(creation, all_free).await.expect_err("there is no such primary");
    assert!(matches!(refusal(refused), RoleRefusal::NoPrimary { .. }));
    assert!(scene.store.instance(&named("late")).await.expect("reads").is_none(), "a refused instance is left");
}

#[tokio::test]
async fn a_detached_instance_has_to_be_seen_again_and_is_free_when_nothing_is_left() {
    let scene = Scene::in_memory();
    scene.created("prim", at(0)).await;
    let before = scene.following("copy", "prim").await;
    let marked = Reseeding::from([(ShardIndex(1), None)]);
    scene.store.set_reseeding(&named("copy"), before.uid, marked.clone(), at(2)).await.expect("is recorded");
    assert_eq!(scene.instance("copy").await.replication.reseeding, marked);
    // From the other side: the primary's own change concerns no node of it, the secondary's does.
    let operation = scene.detach("prim", &["copy"]).await.expect("is accepted");
    let (primary, detached) = (scene.instance("prim").await, scene.instance("copy").await);
    assert_eq!((primary.replication.role, primary.shape_generation < operation.generation), (Role::None, true));
    assert_eq!(detached.replication.role, Role::Leaving);
    assert_eq!(detached.replication.reseeding, marked, "what is on its way is known");
    assert!(detached.shape_generation == detached.generation && detached.generation > before.generation);
    let late = Reseeding::from([(ShardIndex(0), None)]);
    scene.store.set_reseeding(&named("copy"), before.uid, late, at(4)).await.expect("comes too late");
    let detached = scene.instance("copy").await.replication;
    assert!(detached.reseeding.is_empty(), "nothing is thrown away any more");
    assert_eq!(detached.reseeded, [(ShardIndex(1), at(4))].into());
    for rest in [[ShardIndex(1)].into(), BTreeSet::new()] {
        scene.store.record_detached(&named("copy"), before.uid, rest.clone()).await.expect("is recorded");
        assert_eq!(scene.role("copy").await, Role::None);
        assert_eq!(scene.instance("copy").await.replication.uncleared, rest);
    }
    assert!(matches!(scene.detach("copy", &["copy"]).await, Err(UpdateError::Role(RoleRefusal::NotFollowing { .. }))));
}

#[tokio::test]
async fn whoever_goes_leaves_the_lists_of_the_others_and_a_primary_does_not_go() {
    let scene = Scene::in_memory();
    scene.created("prim", at(0)).await;
    scene.following("copy", "prim").await;
    assert!(matches!(scene.delete("prim", at(4)).await, Err(DeleteError::HasSecondaries { .. })));
    scene.delete("copy", at(4)).await.expect("a secondary may go");
    assert_eq!(scene.role("prim").await, Role::None);

    let given_up = scene.try_follow("next", "prim").await.expect("is taken in");
    let code = FailureCode::FailedPrecondition;
    scene.store.abandon_create(&named("next"), given_up.target_uid, failure(code), at(5)).await.expect("is given up");
    assert_eq!(scene.role("prim").await, Role::None);

    let cancelled = scene.try_follow("last", "prim").await.expect("is taken in");
    scene.store.request_cancel(&cancelled.id, at(5)).await.expect("is cancelled");
    assert!(matches!(scene.instance("last").await.lifecycle, Lifecycle::Abandoned { .. }));
    assert_eq!(scene.role("prim").await, Role::None);
    scene.delete("prim", at(6)).await.expect("nobody follows it");
}

#[tokio::test]
async fn a_change_that_is_given_up_brings_no_role_back() {
    let scene = Scene::in_memory();
    scene.created("prim", at(0)).await;
    let secondary = scene.following("copy", "prim").await;
    let mut spec = secondary.spec.clone();
    spec.replica_count += 1;
    let change = scene.change("copy", secondary.generation, spec, at(3));
    let blind = scene.store.update_instance(change.clone()).await;
    assert!(matches!(blind, Err(UpdateError::Conflict { .. })), "it was judged without its role: {blind:?}");
    let change = UpdateInstance { expected_role: secondary.replication.role, ..change };
    scene.store.update_instance(change).await.expect("is accepted");
    scene.detach("prim", &["copy"]).await.expect("is accepted");
    let code = FailureCode::ResourceExhausted;
    scene.store.abandon_update(&named("copy"), secondary.uid, failure(code), at(4)).await.expect("goes back");
    assert_eq!((scene.instance("copy").await.spec, scene.role("copy").await), (secondary.spec, Role::Leaving));
}

#[tokio::test]
async fn a_distance_is_that_of_two_locations_in_any_order_and_nothing_is_kept_as_nothing() {
    let scene = Scene::in_memory();
    let (one, other) = ("us-central1".parse().expect("a region"), "europe-west1".parse().expect("a region"));
    let none = LocationDistance::none(&one, &other);
    assert_eq!((&none.location, &none.other), (&other, &one));
    assert_eq!(scene.store.distance(&one, &other).await.expect("reads"), none);
    let far = LocationDistance { round_trip: std::time::Duration::from_millis(90), is_cut: true, ..none.clone() };
    scene.store.set_distance(far.clone()).await.expect("is recorded");
    assert_eq!(scene.store.distance(&other, &one).await.expect("reads"), far);
    assert_eq!(scene.store.distances().await.expect("reads"), [far]);
    scene.store.set_distance(none).await.expect("is recorded");
    assert_eq!(scene.store.distances().await.expect("reads"), []);
}
