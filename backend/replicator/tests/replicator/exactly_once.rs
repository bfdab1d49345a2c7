//! Thirty kills during a stream of commands that cannot be repeated or left out without a trace: the links' own task, connections
//! at random bytes, the target with and without an heir, the source with an heir.

use valkyard_replicator::{Distance, Endpoint, LinkState};

use crate::engine::{Role, engines};
use crate::judge::{Writer, judge};
use crate::pair::{Pair, Replicas};
use crate::proxy::{Proxy, Way};
use crate::wait::{status, until};

/// Pseudo-random numbers below `max`, the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, max: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % max
    }
}

#[tokio::test]
async fn a_link_that_is_dropped_in_the_middle_of_a_batch_loses_and_repeats_nothing() {
    for engine in engines() {
        let pair = Pair::new(&engine, Replicas::default(), &[]).await;
        let writer = Writer::start(&pair.source, 0);
        let mut dice = Dice(1);
        for _ in 0..8 {
            let link = pair.link(0, 0);
            status(&link, "streaming", |status| status.state == LinkState::Streaming).await;
            writer.goes_on(200 + dice.below(500)).await;
            drop(link);
        }
        let link = pair.link(0, 0);
        let rounds = writer.stop();
        judge(&pair, &link, 0, 0, rounds).await;
    }
}

#[tokio::test]
async fn a_connection_that_breaks_at_any_byte_loses_and_repeats_nothing() {
    for engine in engines() {
        let pair = Pair::new(&engine, Replicas::default(), &[]).await;
        let source = Proxy::new(pair.source.nodes[0].address).await;
        let target = Proxy::new(pair.target.nodes[0].address).await;
        let through = |proxy: &Proxy, endpoint: Endpoint| Endpoint { address: proxy.address, ..endpoint };
        let link = pair.link_by(through(&source, pair.source.endpoint(0)), through(&target, pair.target.endpoint(0)));
        let writer = Writer::start(&pair.source, 0);
        let mut dice = Dice(2);
        for turn in 0..12 {
            status(&link, "streaming", |status| status.state == LinkState::Streaming).await;
            writer.goes_on(50).await;
            let (proxy, way) = match turn % 4 {
                0 => (&source, Way::FromNode),
                1 => (&target, Way::ToNode),
                2 => (&target, Way::FromNode),
                _ => (&source, Way::ToNode),
            };
            // Little goes to a source, and little comes from a target.
            let bytes = match way {
                Way::ToNode if turn % 4 == 3 => dice.below(40),
                Way::FromNode if turn % 4 == 2 => dice.below(600),
                Way::ToNode | Way::FromNode => dice.below(60_000),
            };
            proxy.break_after(u32::try_from(bytes).expect("few"), way);
            until("the connection broke", async || if proxy.has_broken() { Ok(()) } else { Err(turn) }).await;
        }
        let rounds = writer.stop();
        judge(&pair, &link, 0, 0, rounds).await;
    }
}

#[tokio::test]
async fn a_batch_that_breaks_off_at_each_of_its_bytes_is_carried_out_once() {
    /// A batch of one write has some nine hundred bytes.
    const BYTES: u32 = 1_000;
    const STEP: usize = 19;
    for engine in engines() {
        let pair = Pair::new(&engine, Replicas::default(), &[]).await;
        let proxy = Proxy::new(pair.target.nodes[0].address).await;
        let through = Endpoint { address: proxy.address, ..pair.target.endpoint(0) };
        let link = pair.link_by(pair.source.endpoint(0), through);
        let mut client = pair.source.client(0);
        for after in (0..BYTES).step_by(STEP) {
            pair.drained(&link, 0).await;
            proxy.break_after(after, Way::ToNode);
            client.all(&["INCR n"]);
            // What one batch does not use up, the next ones do.
            until("the connection broke", async || {
                if proxy.has_broken() {
                    return Ok(());
                }
                client.all(&["LPUSH list x"]);
                Err(after)
            })
            .await;
        }
        pair.same(&link, 0, 0).await;
    }
}

#[tokio::test]
async fn what_an_earlier_link_sent_is_not_carried_out_late() {
    for engine in engines() {
        let pair = Pair::new(&engine, Replicas::default(), &[]).await;
        let proxy = Proxy::new(pair.target.nodes[0].address).await;
        let link = pair.link_by(pair.source.endpoint(0), Endpoint { address: proxy.address, ..pair.target.endpoint(0) });
        let mut client = pair.source.client(0);
        client.all(&["INCR n"]);
        pair.same(&link, 0, 0).await;
        proxy.hold(true);
        client.all(&["INCR n", "LPUSH list x"]);
        until("the batch is on its way", async || if proxy.keeps_something() { Ok(()) } else { Err("nothing yet") }).await;
        drop(link);
        let link = pair.link(0, 0);
        pair.same(&link, 0, 0).await;
        proxy.hold(false);
        until("the earlier link is gone", async || match proxy.connections() {
            0 => Ok(()),
            left => Err(left),
        })
        .await;
        client.all(&["INCR n"]);
        pair.same(&link, 0, 0).await;
        assert_eq!(pair.target.client(0).call(&["GET", "n"]), "3");
    }
}

#[tokio::test]
async fn a_target_that_is_killed_and_reads_its_log_has_lost_and_repeats_nothing() {
    for engine in engines() {
        let mut pair = Pair::new(&engine, Replicas::default(), &[]).await;
        let mut client = pair.target.client(0);
        client.all(&["CONFIG SET appendfsync always", "CONFIG SET appendonly yes"]);
        until("the log is begun", async || {
            let info = client.call(&["INFO", "persistence"]);
            if info.contains("aof_rewrite_in_progress:0") && info.contains("aof_rewrite_scheduled:0") {
                Ok(())
            } else {
                Err(info)
            }
        })
        .await;
        let link = pair.link(0, 0);
        let mut rounds = 0;
        for _ in 0..3 {
            status(&link, "streaming", |status| status.state == LinkState::Streaming).await;
            let writer = Writer::start_at(&pair.source, 0, rounds);
            writer.goes_on(300).await;
            pair.target.kill(0);
            writer.goes_on(300).await;
            rounds = writer.stop();
            pair.target.respawn(0, &["--appendonly", "yes", "--appendfsync", "always"]);
            pair.target.ready(&pair.target.nodes[0], Role::Primary).await;
        }
        judge(&pair, &link, 0, 0, rounds).await;
    }
}

#[tokio::test]
async fn the_heir_of_a_target_goes_on_from_what_it_has() {
    for engine in engines() {
        let mut pair = Pair::new(&engine, Replicas { source: 0, target: 4 }, &[]).await;
        let writer = Writer::start(&pair.source, 0);
        let mut link = pair.link(0, 0);
        for heir in 1..=4 {
            status(&link, "streaming", |status| status.state == LinkState::Streaming).await;
            writer.goes_on(300).await;
            pair.target.kill(heir - 1);
            pair.target.take_over(heir).await;
            // The wiring would tell of the new primary in the same way.
            drop(link);
            link = pair.link(0, heir);
        }
        let rounds = writer.stop();
        judge(&pair, &link, 0, 4, rounds).await;
    }
}

#[tokio::test]
async fn the_heir_of_a_source_continues_its_history() {
    for engine in engines() {
        let mut pair = Pair::new(&engine, Replicas { source: 3, target: 0 }, &[]).await;
        let mut link = pair.link(0, 0);
        let mut rounds = 0;
        for heir in 1..=3 {
            let writer = Writer::start(&pair.source, heir - 1);
            writer.goes_on(200).await;
            // What the link has and the heir has not would be lost with the source, and the histories would part. So the heir is
            // ahead here, and the link behind.
            pair.distance.send_replace(Distance { is_cut: true, ..Distance::default() });
            writer.goes_on(200).await;
            rounds += writer.stop();
            let offset = pair.source.offset(heir - 1);
            until("the heir has everything", async || {
                let has = pair.source.offset(heir);
                if has >= offset { Ok(()) } else { Err((has, offset)) }
            })
            .await;
            pair.source.kill(heir - 1);
            pair.source.take_over(heir).await;
            drop(link);
            pair.distance.send_replace(Distance::default());
            link = pair.link(heir, 0);
        }
        judge(&pair, &link, 3, 0, rounds).await;
    }
}
