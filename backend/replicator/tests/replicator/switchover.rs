//! What a switchover is made of: the two sides change places without a copy.

use valkyard_replicator::{LinkState, clear_checkpoint, ensure_history, read_checkpoint, write_checkpoint};

use crate::engine::engines;
use crate::judge::{Writer, judge};
use crate::pair::{Pair, Replicas};
use crate::wait::status;

#[tokio::test]
async fn a_former_source_goes_on_as_the_target_with_the_data_it_has() {
    for engine in engines() {
        for replicas in [Replicas::default(), Replicas { source: 1, target: 1 }] {
            let pair = Pair::new(&engine, replicas, &[]).await;
            let link = pair.link(0, 0);
            let writer = Writer::start(&pair.source, 0);
            writer.goes_on(200).await;
            let rounds = writer.stop();
            judge(&pair, &link, 0, 0, rounds).await;
            let (old, new) = (pair.source.endpoint(0), pair.target.endpoint(0));
            let stopped = link.stop().await;
            assert_eq!(read_checkpoint(&new).await.expect("a checkpoint"), stopped.applied);
            clear_checkpoint(&new).await.expect("removed");
            let point = ensure_history(&new).await.expect("a history");
            write_checkpoint(&old, &point).await.expect("written");
            if engine.version.imports() {
                pair.target.client(0).all(&["CONFIG SET import-mode no"]);
                pair.source.client(0).all(&["CONFIG SET import-mode yes"]);
            }
            let back = Pair::of(pair.target, pair.source, point.clone());
            let link = back.link_from(None, new, old);
            let started = status(&link, "streaming", |status| status.state == LinkState::Streaming).await;
            assert!(started.applied.is_some_and(|applied| applied.offset >= point.offset));
            let writer = Writer::start_at(&back.source, 0, rounds);
            writer.goes_on(200).await;
            let rounds = writer.stop();
            judge(&back, &link, 0, 0, rounds).await;
            // Whoever still says where it began means the same data.
            drop(link);
            let link = back.link(0, 0);
            judge(&back, &link, 0, 0, rounds).await;
        }
    }
}
