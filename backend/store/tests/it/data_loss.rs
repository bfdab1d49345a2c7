use valkyard_model::{DataLoss, ShardIndex};

use crate::scene::{Scene, at};

fn loss(shard: u16, second: i64) -> DataLoss {
    DataLoss { shard: ShardIndex(shard), at: at(second), restored_to: Some(at(second - 1)) }
}

#[tokio::test]
async fn a_loss_is_recorded_once_and_stays_until_a_hundred_later_ones() {
    let scene = Scene::in_memory();
    let instance = scene.created("cache-1", at(0)).await;
    let lose = |shard: u16, second: i64| {
        let (store, name) = (scene.store.clone(), instance.name.clone());
        async move { store.record_data_loss(&name, instance.uid, loss(shard, second)).await.expect("is recorded") }
    };
    for (shard, second) in [(1, 5), (0, 4), (1, 5)] {
        lose(shard, second).await;
    }
    let losses = scene.instance("cache-1").await.losses;
    assert_eq!(losses, [loss(0, 4), loss(1, 5)], "in order of time");

    for second in 6..105 {
        lose(2, second).await;
    }
    let losses = scene.instance("cache-1").await.losses;
    assert_eq!((losses.len(), losses[0].at, losses[99].at), (100, at(5), at(104)));
}
