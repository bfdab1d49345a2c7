use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use valkyard_model::{Convergence, Generation, InstanceAddress, Lifecycle, NodeSerial, OperationState, Verb};
use valkyard_store::{AddressPlan, CreateError, CreateInstance};

use crate::scene::{Scene, all_free, at, key, named, spec};

#[tokio::test]
async fn a_creation_is_accepted_whole() {
    let scene = Scene::in_memory();
    let creation = scene.creation("cache-1", at(0));
    let operation = scene.store.create_instance(creation.clone(), all_free).await.expect("is accepted");
    let instance = scene.instance("cache-1").await;
    assert_eq!((instance.uid, instance.generation), (creation.uid, Generation::FIRST));
    assert_eq!((instance.convergence, &instance.lifecycle), (Convergence::Never, &Lifecycle::Present));
    assert_eq!((instance.spec, instance.maxmemory), (creation.spec, creation.maxmemory));
    assert_eq!((instance.create_time, instance.update_time), (at(0), at(0)));
    assert_eq!((instance.secret, instance.next_serial, instance.nodes.len()), (creation.secret, NodeSerial(0), 0));
    assert_eq!(
        (operation.verb, operation.generation, &operation.state),
        (Verb::Create, Generation::FIRST, &OperationState::Running)
    );
    assert_eq!(scene.operation(&operation).await, operation);
}

#[tokio::test]
async fn a_taken_name_is_refused_and_leaves_nothing() {
    let scene = Scene::in_memory();
    scene.create("cache-1", at(0)).await;
    let second = scene.creation("cache-1", at(1));
    let refused = scene.store.create_instance(second.clone(), all_free).await;
    assert!(matches!(refused, Err(CreateError::AlreadyExists { name }) if name == named("cache-1")));
    assert_eq!(scene.store.operation(&second.operation_id).await.expect("reads"), None);
}

#[tokio::test]
async fn the_lowest_free_address_is_given_out_and_freed_ones_return() {
    let scene = Scene::in_memory();
    let mut addresses = Vec::new();
    for id in ["aaaa", "bbbb", "cccc"] {
        scene.created(id, at(0)).await;
        addresses.push(scene.instance(id).await.address.ip.to_string());
    }
    assert_eq!(addresses, ["127.20.0.1", "127.20.0.2", "127.20.0.3"]);
    for gone in ["bbbb", "aaaa"] {
        let uid = scene.instance(gone).await.uid;
        scene.delete(gone, at(1)).await.expect("is accepted");
        scene.store.remove_instance(&named(gone), uid, at(2)).await.expect("is removed");
    }
    for (id, address) in [("dddd", "127.20.0.1"), ("eeee", "127.20.0.2"), ("ffff", "127.20.0.4")] {
        scene.create(id, at(3)).await;
        assert_eq!(scene.instance(id).await.address.ip.to_string(), address, "{id}");
    }
}

#[tokio::test]
async fn addresses_of_other_programs_are_skipped() {
    let scene = Scene::in_memory();
    scene.create("cache-1", at(0)).await;
    let from_the_fourth_on = |address: &InstanceAddress| address.ip.octets()[3] >= 4;
    scene.store.create_instance(scene.creation("cache-2", at(1)), from_the_fourth_on).await.expect("is accepted");
    assert_eq!(scene.instance("cache-2").await.address.ip.to_string(), "127.20.0.4");
    scene.create("cache-3", at(2)).await;
    assert_eq!(scene.instance("cache-3").await.address.ip.to_string(), "127.20.0.2", "it is free again");
}

#[tokio::test]
async fn looking_for_an_address_ends_when_other_programs_have_them_all() {
    let scene = Scene::in_memory();
    let (asked, count) = (Arc::new(AtomicU32::new(0)), |asked: &AtomicU32| asked.load(Ordering::Relaxed));
    let counting = |asked: &Arc<AtomicU32>| {
        let asked = Arc::clone(asked);
        move |_: &InstanceAddress| {
            asked.fetch_add(1, Ordering::Relaxed);
            false
        }
    };
    let error = scene.store.create_instance(scene.creation("cache-1", at(0)), counting(&asked)).await.expect_err("none is free");
    let text = "other programs listen on all 64 instance addresses that were tried, 127.20.0.1:6379 to 127.20.0.64:6379";
    assert_eq!((error.to_string().as_str(), count(&asked)), (text, 64));

    let shared = CreateInstance { address_plan: AddressPlan::SharedIp, ..scene.creation("cache-2", at(0)) };
    let error = scene.store.create_instance(shared, |_: &InstanceAddress| false).await.expect_err("none is free");
    assert!(matches!(error, CreateError::AddressesOccupied { tried: 30, .. }), "{error:?}");
    assert_eq!(scene.store.all_names().await.expect("reads"), []);
}

#[tokio::test]
async fn used_up_addresses_are_counted_and_nothing_is_left_behind() {
    let scene = Scene::in_memory();
    let shared = |id: &str| CreateInstance { address_plan: AddressPlan::SharedIp, ..scene.creation(id, at(0)) };
    let mut accepted = 0;
    let refused = loop {
        match scene.store.create_instance(shared(&format!("cache-{accepted}")), all_free).await {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, CreateError::AddressesExhausted { in_use } if in_use == accepted), "{refused:?}");
    assert_eq!(scene.store.all_names().await.expect("reads").len(), accepted as usize);
    scene.create("own-address", at(1)).await;
    assert_eq!(scene.instance("own-address").await.address.ip.to_string(), "127.20.0.1", "plans do not share numbers");
}

#[tokio::test]
async fn a_repeated_request_returns_the_first_operation_for_a_day() {
    let scene = Scene::in_memory();
    let first = scene.try_create("cache-1", key(9, "create cache-1"), at(0)).await.expect("is accepted");
    scene.converge(&first, at(1)).await;
    let again = scene.try_create("cache-1", key(9, "create cache-1"), at(86_400)).await.expect("is repeated");
    assert_eq!(again.id, first.id);
    assert!(matches!(again.state, OperationState::Succeeded { .. }), "{again:?}");
    let late = scene.try_create("cache-1", key(9, "create cache-1"), at(86_401)).await;
    assert!(matches!(late, Err(CreateError::AlreadyExists { .. })), "{late:?}");
}

#[tokio::test]
async fn a_request_id_with_other_content_is_refused() {
    let scene = Scene::in_memory();
    scene.try_create("cache-1", key(9, "create cache-1"), at(0)).await.expect("is accepted");
    let other = scene.try_create("cache-2", key(9, "create cache-2"), at(1)).await;
    assert!(matches!(other, Err(CreateError::RequestReused { id }) if id == key(9, "").id), "{other:?}");
    assert_eq!(scene.store.all_names().await.expect("reads"), [named("cache-1")]);
}

#[tokio::test]
async fn a_refused_request_does_not_use_up_its_id() {
    let scene = Scene::in_memory();
    scene.create("cache-1", at(0)).await;
    let refused = scene.try_create("cache-1", key(9, "create cache-1"), at(1)).await;
    assert!(matches!(refused, Err(CreateError::AlreadyExists { .. })));
    scene.try_create("cache-2", key(9, "create cache-2"), at(2)).await.expect("the id is free");
}

#[tokio::test]
async fn creations_at_once_get_addresses_of_their_own() {
    let scene = Scene::in_memory();
    let creations = (0..40).map(|number| CreateInstance { spec: spec(1), ..scene.creation(&format!("cache-{number}"), at(0)) });
    let mut tasks = tokio::task::JoinSet::new();
    for creation in creations {
        let store = scene.store.clone();
        tasks.spawn(async move { store.create_instance(creation, all_free).await.expect("is accepted") });
    }
    assert_eq!(tasks.join_all().await.len(), 40);
    let names = scene.store.all_names().await.expect("reads");
    let mut addresses = std::collections::BTreeSet::new();
    for name in names {
        addresses.insert(scene.store.instance(&name).await.expect("reads").expect("is there").address.ip);
    }
    assert_eq!(addresses.len(), 40);
}
