//! A writer whose commands show whether each was carried out once, and the comparison afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use valkyard_replicator::Link;

use crate::client::{Client, request};
use crate::engine::Shard;
use crate::pair::Pair;

/// Rounds that are sent together.
const ROUNDS: u64 = 8;
/// Keys of each kind, in as many slots.
const KEYS: u64 = 16;

/// Writes to a primary until it is stopped: counters, lists, streams, and transactions, none of which can be repeated or left out
/// without a trace.
#[derive(Debug)]
pub(crate) struct Writer {
    stop: Arc<AtomicBool>,
    rounds: Arc<AtomicU64>,
    writing: JoinHandle<()>,
}

impl Writer {
    pub(crate) fn start(shard: &Shard, node: usize) -> Self {
        Self::start_at(shard, node, 0)
    }

    /// Goes on after so many rounds.
    pub(crate) fn start_at(shard: &Shard, node: usize, rounds: u64) -> Self {
        let (stop, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(rounds)));
        let (stopped, counted, mut client) = (Arc::clone(&stop), Arc::clone(&rounds), shard.client(node));
        let writing = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let first = counted.load(Ordering::Relaxed);
                write_rounds(&mut client, first);
                counted.store(first + ROUNDS, Ordering::Relaxed);
            }
        });
        Self { stop, rounds, writing }
    }

    /// Waits until it wrote so many rounds more.
    pub(crate) async fn goes_on(&self, rounds: u64) {
        let wanted = self.rounds.load(Ordering::Relaxed) + rounds;
        crate::wait::until("the writer goes on", async || {
            let now = self.rounds.load(Ordering::Relaxed);
            if now >= wanted { Ok(()) } else { Err((now, self.writing.is_finished())) }
        })
        .await;
    }

    /// Stops it; gives the rounds that were acknowledged.
    pub(crate) fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.writing.join().expect("no write failed");
        self.rounds.load(Ordering::Relaxed)
    }
}

fn write_rounds(client: &mut Client, first: u64) {
    let mut bytes = Vec::new();
    for round in first..first + ROUNDS {
        let (key, value) = (round % KEYS, round.to_string());
        let name = |kind: &str| format!("{kind}:{key}");
        bytes.extend(request(&["INCR", &name("counter")]));
        bytes.extend(request(&["LPUSH", &name("list"), &value]));
        bytes.extend(request(&["XADD", &name("stream"), "*", "round", &value]));
        bytes.extend(request(&["MULTI"]));
        bytes.extend(request(&["INCR", &format!("{{t{key}}}a")]));
        bytes.extend(request(&["INCRBY", &format!("{{t{key}}}b"), "2"]));
        bytes.extend(request(&["EXEC"]));
    }
    client.send(&bytes).expect("the primary reads");
    for _ in 0..ROUNDS * 7 {
        let reply = client.reply().expect("the primary answers");
        assert!(!reply.starts_with('-'), "{reply}");
    }
}

/// Compares a target with its source and with what was acknowledged since the shard was empty.
pub(crate) async fn judge(pair: &Pair, link: &Link, source: usize, target: usize, rounds: u64) {
    pair.same(link, source, target).await;
    let mut client = pair.target.client(target);
    let mut sums = [0_u64; 5];
    for key in 0..KEYS {
        let number = |reply: String| reply.parse::<u64>().unwrap_or(0);
        sums[0] += number(client.call(&["GET", &format!("counter:{key}")]));
        sums[1] += number(client.call(&["LLEN", &format!("list:{key}")]));
        sums[2] += number(client.call(&["XLEN", &format!("stream:{key}")]));
        sums[3] += number(client.call(&["GET", &format!("{{t{key}}}a")]));
        sums[4] += number(client.call(&["GET", &format!("{{t{key}}}b")]));
    }
    assert_eq!(sums, [rounds, rounds, rounds, rounds, 2 * rounds], "something was lost or repeated");
}
