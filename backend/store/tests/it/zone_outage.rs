use valkyard_model::{InstanceName, Zone};
use valkyard_store::{CreateInstance, InstanceOrder, OutageManner, Scope, Store, StoreLocation, ZoneOutage};

use crate::scene::{Scene, all_free, at};

fn zone(name: &str) -> Zone {
    let (location, _) = name.rsplit_once('-').expect("ends in a letter");
    Zone::of(&location.parse().expect("a region"), name).expect("a zone")
}

#[tokio::test]
async fn an_outage_concerns_the_instances_of_its_region_until_it_ends() {
    let scene = Scene::in_memory();
    scene.created("cache-1", at(0)).await;
    let elsewhere: InstanceName = "projects/p/locations/europe-west1/instances/cache-2".parse().expect("a name");
    let creation = CreateInstance { name: elsewhere.clone(), ..scene.creation("unused", at(0)) };
    scene.store.create_instance(creation, all_free).await.expect("is accepted");

    let lost = zone("us-central1-b");
    scene.store.set_zone_outage(&lost, OutageManner::Stop, at(1)).await.expect("is recorded");
    assert_eq!(scene.instance("cache-1").await.zones_out, [lost.clone()].into());
    let other = scene.store.instance(&elsewhere).await.expect("reads").expect("is there");
    assert!(other.zones_out.is_empty(), "{:?}", other.zones_out);
    let all = scene.store.instances(&Scope::default(), InstanceOrder::Name { after: None }, 10).await.expect("reads");
    assert_eq!(all.iter().map(|instance| instance.zones_out.len()).collect::<Vec<_>>(), [0, 1]);
    scene.create("cache-3", at(2)).await;
    assert_eq!(scene.instance("cache-3").await.zones_out, [lost.clone()].into(), "later ones too");

    scene.store.end_zone_outage(&lost).await.expect("is recorded");
    assert!(scene.instance("cache-1").await.zones_out.is_empty());
}

#[tokio::test]
async fn an_outage_keeps_its_beginning_takes_the_last_manner_and_ends_once() {
    let scene = Scene::in_memory();
    let (a, b) = (zone("us-central1-a"), zone("us-central1-b"));
    scene.store.set_zone_outage(&b, OutageManner::Stop, at(1)).await.expect("is recorded");
    scene.store.set_zone_outage(&b, OutageManner::Hang, at(2)).await.expect("is recorded");
    scene.store.set_zone_outage(&a, OutageManner::Stop, at(3)).await.expect("is recorded");
    let of_a = ZoneOutage { zone: a, manner: OutageManner::Stop, since: at(3) };
    let of_b = ZoneOutage { zone: b.clone(), manner: OutageManner::Hang, since: at(1) };
    assert_eq!(scene.store.zone_outages().await.expect("reads"), [of_a.clone(), of_b.clone()]);
    assert_eq!(scene.store.end_zone_outage(&b).await.expect("ends"), Some(of_b));
    assert_eq!(scene.store.end_zone_outage(&b).await.expect("again is fine"), None);
    assert_eq!(scene.store.zone_outages().await.expect("reads"), [of_a]);
}

#[tokio::test]
async fn an_outage_outlives_the_daemon() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("valkyard.db");
    let (store, threads) = Store::open(StoreLocation::File(path.clone())).expect("opens");
    store.set_zone_outage(&zone("us-central1-c"), OutageManner::Hang, at(1)).await.expect("is recorded");
    drop(store);
    threads.join();
    let (store, _threads) = Store::open(StoreLocation::File(path)).expect("reopens");
    let expected = ZoneOutage { zone: zone("us-central1-c"), manner: OutageManner::Hang, since: at(1) };
    assert_eq!(store.zone_outages().await.expect("reads"), [expected]);
}
