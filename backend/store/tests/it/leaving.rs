use valkyard_model::{NodeSerial, Standing};
use valkyard_store::ProgressError;

use crate::scene::{Scene, at, instance_of, node};

const LEAVING: [NodeSerial; 2] = [NodeSerial(1), NodeSerial(2)];

#[tokio::test]
async fn a_node_leaves_in_two_steps_that_may_be_repeated() {
    let scene = Scene::in_memory();
    let create = scene.create("cache-1", at(0)).await;
    let (name, uid) = (instance_of(&create), create.target_uid);
    let nodes = vec![node(uid, 0), node(uid, 1), node(uid, 2)];
    scene.store.allocate_nodes(name, uid, nodes).await.expect("is recorded");
    for _ in 0..2 {
        scene.store.retire_nodes(name, uid, LEAVING.to_vec()).await.expect("is recorded");
    }
    let standings: Vec<Standing> = scene.instance("cache-1").await.nodes.values().map(|node| node.standing).collect();
    assert_eq!(standings, [Standing::Member, Standing::Retiring, Standing::Retiring]);
    for _ in 0..2 {
        scene.store.release_nodes(name, uid, LEAVING.to_vec()).await.expect("is recorded");
    }
    scene.store.retire_nodes(name, uid, LEAVING.to_vec()).await.expect("they left already");
    let left = scene.instance("cache-1").await;
    assert_eq!((left.nodes.len(), left.next_serial), (1, NodeSerial(3)));

    let mut successor = node(uid, 3);
    (successor.port, successor.bus_port) = (node(uid, 1).port, node(uid, 1).bus_port);
    scene.store.allocate_nodes(name, uid, vec![successor]).await.expect("its ports are free again");
    let spent = scene.store.allocate_nodes(name, uid, vec![node(uid, 1)]).await;
    assert!(matches!(spent, Err(ProgressError::SerialSpent { serial: NodeSerial(1) })), "{spent:?}");
}

#[tokio::test]
async fn a_node_that_is_to_stay_is_not_released_nor_any_other_with_it() {
    let scene = Scene::in_memory();
    let create = scene.create("cache-1", at(0)).await;
    let (name, uid) = (instance_of(&create), create.target_uid);
    scene.store.allocate_nodes(name, uid, vec![node(uid, 0), node(uid, 1)]).await.expect("is recorded");
    scene.store.retire_nodes(name, uid, vec![NodeSerial(1)]).await.expect("is recorded");
    let refused = scene.store.release_nodes(name, uid, vec![NodeSerial(1), NodeSerial(0)]).await;
    assert!(matches!(refused, Err(ProgressError::StillMember { serial: NodeSerial(0) })), "{refused:?}");
    assert_eq!(scene.instance("cache-1").await.nodes.len(), 2);
}

#[tokio::test]
async fn a_node_that_never_was_neither_retires_nor_is_released() {
    let scene = Scene::in_memory();
    let create = scene.create("cache-1", at(0)).await;
    let (name, uid) = (instance_of(&create), create.target_uid);
    scene.store.allocate_nodes(name, uid, vec![node(uid, 0)]).await.expect("is recorded");
    let both = vec![NodeSerial(0), NodeSerial(1)];
    for refused in [scene.store.retire_nodes(name, uid, both.clone()).await, scene.store.release_nodes(name, uid, both).await] {
        assert!(matches!(refused, Err(ProgressError::Unallocated { serial: NodeSerial(1) })), "{refused:?}");
    }
    assert_eq!(scene.instance("cache-1").await.nodes[&NodeSerial(0)].standing, Standing::Member);
}
