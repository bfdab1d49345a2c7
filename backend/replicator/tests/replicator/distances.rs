//! Emulated distances, and what a status says about them.

use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use valkyard_replicator::{Distance, LinkFault, LinkState};

use crate::client::request;
use crate::engine::{engine_9, engines};
use crate::pair::{Pair, Replicas};
use crate::wait::{status, until};

#[tokio::test]
async fn what_is_written_arrives_half_a_round_trip_later() {
    let pair = Pair::new(&engine_9(), Replicas::default(), &[]).await;
    let link = pair.link(0, 0);
    pair.drained(&link, 0).await;
    let mut source = pair.source.client(0);
    for (rtt, least, most) in [(400, 200, 400), (0, 0, 100)] {
        pair.distance.send_modify(|distance| distance.rtt = Duration::from_millis(rtt));
        let begun = Instant::now();
        source.all(&["INCR n"]);
        let offset = pair.source.offset(0);
        status(&link, "the write", |status| status.applied.as_ref().is_some_and(|point| point.offset >= offset)).await;
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(least) && took < Duration::from_millis(most), "{rtt} ms: {took:?}");
    }
}

#[tokio::test]
async fn a_narrow_line_lets_so_many_bytes_through() {
    let pair = Pair::new(&engine_9(), Replicas::default(), &[]).await;
    let link = pair.link(0, 0);
    pair.drained(&link, 0).await;
    pair.distance.send_modify(|distance| distance.bandwidth_bytes_per_s = NonZeroU64::new(1 << 20));
    let mut source = pair.source.client(0);
    let begun = Instant::now();
    for number in 0..1_024 {
        source.call(&["SET", &number.to_string(), &"x".repeat(1_000)]);
    }
    status(&link, "a lag", |status| status.lag_bytes.is_some_and(|lag| lag > 100_000)).await;
    pair.same(&link, 0, 0).await;
    let took = begun.elapsed();
    assert!(took > Duration::from_millis(900) && took < Duration::from_millis(2_000), "a mebibyte took {took:?}");
}

#[tokio::test]
async fn a_cut_that_is_healed_loses_and_repeats_nothing() {
    for engine in engines() {
        let pair = Pair::new(&engine, Replicas::default(), &[]).await;
        let link = pair.link(0, 0);
        let mut source = pair.source.client(0);
        source.all(&["INCR n"]);
        pair.same(&link, 0, 0).await;
        let synced = link.status();
        assert_eq!((synced.lag, synced.lag_bytes), (Some(Duration::ZERO), Some(0)));
        pair.distance.send_modify(|distance| distance.is_cut = true);
        let cut = LinkState::Broken { fault: LinkFault::Cut };
        status(&link, "the cut", |status| status.state == cut).await;
        (0..100).for_each(|_| source.all(&["INCR n"]));
        status(&link, "a lag", |status| status.lag.is_some_and(|lag| lag > Duration::from_secs(3))).await;
        assert_eq!(pair.target.client(0).call(&["GET", "n"]), "1");
        assert_eq!(link.status().synced_at.is_some(), synced.synced_at.is_some());
        // A connection that the source gives up meanwhile, as it does after a minute of silence.
        source.all(&["CLIENT KILL TYPE replica"]);
        pair.distance.send_replace(Distance::default());
        pair.same(&link, 0, 0).await;
        until("the figures follow", async || {
            let status = link.status();
            if status.lag_bytes == Some(0) && status.lag == Some(Duration::ZERO) { Ok(()) } else { Err(status) }
        })
        .await;
        assert_eq!(pair.target.client(0).call(&["GET", "n"]), "101");
    }
}

#[tokio::test]
async fn a_link_counts_for_no_wait_and_lets_the_source_end() {
    for engine in engines() {
        let mut pair = Pair::new(&engine, Replicas::default(), &[]).await;
        let link = pair.link(0, 0);
        let mut source = pair.source.client(0);
        source.all(&["INCR n"]);
        pair.same(&link, 0, 0).await;
        assert_eq!(source.call(&["WAIT", "1", "100"]), "0");
        assert!(source.call(&["INFO", "replication"]).contains("connected_slaves:1"));
        // The engine waits ten seconds for replicas that have not everything; the link has, and says so now.
        source.send(&request(&["SHUTDOWN", "NOSAVE"])).expect("it reads");
        let begun = Instant::now();
        until("the source ended", async || match pair.source.nodes[0].child.try_wait().expect("a child of ours") {
            Some(_) => Ok(()),
            None => Err(link.status()),
        })
        .await;
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
        pair.source.respawn(0, &[]);
    }
}
