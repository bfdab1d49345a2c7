use valkyard_model::InstanceName;
use valkyard_store::{CreateInstance, InstanceOrder, Scope};

use crate::scene::{Scene, all_free, at, named};

async fn create_at(scene: &Scene, name: &str, seconds: i64) {
    let name: InstanceName = name.parse().expect("a valid name");
    let creation = CreateInstance { name, ..scene.creation("unused", at(seconds)) };
    scene.store.create_instance(creation, all_free).await.expect("is accepted");
}

const BY_NAME: InstanceOrder = InstanceOrder::Name { after: None };

#[tokio::test]
async fn lists_keep_to_their_scope_and_order_by_segments() {
    let scene = Scene::in_memory();
    create_at(&scene, "projects/p-2/locations/us-central1/instances/aaaa", 0).await;
    create_at(&scene, "projects/p/locations/us-central1/instances/cccc", 1).await;
    create_at(&scene, "projects/p/locations/europe-west1/instances/dddd", 2).await;
    create_at(&scene, "projects/p/locations/us-central1/instances/bbbb", 3).await;
    let project = |text: &str| Some(text.parse().expect("a project"));
    let location = |text: &str| Some(text.parse().expect("a region"));
    let listed = [
        (Scope::default(), vec!["dddd", "bbbb", "cccc", "aaaa"]),
        (Scope { project: project("p"), location: None }, vec!["dddd", "bbbb", "cccc"]),
        (Scope { project: project("p"), location: location("us-central1") }, vec!["bbbb", "cccc"]),
        (Scope { project: None, location: location("us-central1") }, vec!["bbbb", "cccc", "aaaa"]),
        (Scope { project: project("nobody"), location: None }, vec![]),
    ];
    for (scope, expected) in listed {
        assert_eq!(scene.ids(&scope, BY_NAME, 100).await, expected, "{scope:?}");
    }
    let names = scene.store.all_names().await.expect("reads");
    assert!(names.is_sorted() && names.len() == 4, "{names:?}");
}

#[tokio::test]
async fn pages_join_without_gap_or_repetition_in_both_orders() {
    let scene = Scene::in_memory();
    for (id, seconds) in [("aaaa", 9), ("bbbb", 1), ("cccc", 1), ("dddd", 5), ("eeee", 0)] {
        scene.create(id, at(seconds)).await;
    }
    let all = Scope::default();
    let after = |id: &str| InstanceOrder::Name { after: Some(named(id)) };
    assert_eq!(scene.ids(&all, BY_NAME, 2).await, ["aaaa", "bbbb"]);
    assert_eq!(scene.ids(&all, after("bbbb"), 2).await, ["cccc", "dddd"]);
    assert_eq!(scene.ids(&all, after("bbbb-gone"), 2).await, ["cccc", "dddd"], "the last one may be gone");
    assert_eq!(scene.ids(&all, after("eeee"), 2).await, Vec::<String>::new());

    let since = |seconds, id: &str| InstanceOrder::CreateTime { after: Some((at(seconds), named(id))) };
    assert_eq!(scene.ids(&all, InstanceOrder::CreateTime { after: None }, 2).await, ["eeee", "bbbb"]);
    assert_eq!(scene.ids(&all, since(1, "bbbb"), 2).await, ["cccc", "dddd"], "equal ages go by name");
    assert_eq!(scene.ids(&all, since(5, "dddd"), 2).await, ["aaaa"]);
}

#[tokio::test]
async fn operations_are_paged_by_age_within_their_scope() {
    let scene = Scene::in_memory();
    let mut accepted = Vec::new();
    for (id, seconds) in [("aaaa", 3), ("bbbb", 1), ("cccc", 2)] {
        accepted.push(scene.create(id, at(seconds)).await);
    }
    create_at(&scene, "projects/q/locations/us-central1/instances/dddd", 0).await;
    let scope = Scope { project: Some("p".parse().expect("a project")), location: None };
    let first = scene.store.operations(&scope, None, 2).await.expect("reads");
    assert_eq!(first, [accepted[1].clone(), accepted[2].clone()]);
    let second = scene.store.operations(&scope, Some(first[1].id.clone()), 2).await.expect("reads");
    assert_eq!(second, [accepted[0].clone()]);
}

#[tokio::test]
async fn finished_operations_are_forgotten_after_thirty_days_and_running_ones_stay() {
    const DAY: i64 = 86_400;
    let scene = Scene::in_memory();
    let finished = scene.create("cache-1", at(0)).await;
    scene.converge(&finished, at(0)).await;
    let running = scene.create("cache-2", at(0)).await;
    scene.create("cache-3", at(30 * DAY)).await;
    assert!(scene.store.operation(&finished.id).await.expect("reads").is_some(), "exactly thirty days are kept");
    scene.create("cache-4", at(30 * DAY + 1)).await;
    assert_eq!(scene.store.operation(&finished.id).await.expect("reads"), None);
    assert_eq!(scene.operation(&running).await, running);
}

#[tokio::test]
async fn a_thousand_instances_are_listed_whole() {
    let scene = Scene::in_memory();
    for number in 0..1_000 {
        scene.create(&format!("cache-{number:04}"), at(number)).await;
    }
    let ids = scene.ids(&Scope::default(), BY_NAME, 1_000).await;
    assert_eq!((ids.len(), ids[999].as_str()), (1_000, "cache-0999"));
    assert!(ids.is_sorted());
}
