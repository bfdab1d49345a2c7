//! Commands of any size, in bounded memory.

use valkyard_replicator::LinkState;

use crate::client::request;
use crate::engine::engines;
use crate::pair::{Pair, Replicas};
use crate::wait::status;

/// Most that a link may add to its process.
const MEMORY_BYTES_MAX: u64 = 32 << 20;

/// The most memory that this process has had so far.
fn memory_peak() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("the kernel tells");
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the kernel tells");
    let kib = line.trim().strip_suffix(" kB").and_then(|number| number.trim().parse::<u64>().ok());
    kib.expect("a number") * 1_024
}

#[tokio::test]
async fn a_value_of_256_mib_passes_in_little_memory() {
    const VALUE_BYTES: usize = 256 << 20;
    for engine in engines() {
        let pair = Pair::new(&engine, Replicas::default(), &["--client-query-buffer-limit", "2gb"]).await;
        let link = pair.link(0, 0);
        let mut client = pair.source.client(0);
        // Made at the source, so that this process does not hold it.
        client.call(&["SETRANGE", "huge", &(VALUE_BYTES - 1).to_string(), "x"]);
        pair.drained(&link, 0).await;
        let before = memory_peak();
        // Copied as a value of its own: a script's call is replicated with all of it.
        let script = "return redis.call('SET', KEYS[2], redis.call('GET', KEYS[1]))";
        assert_eq!(client.call(&["EVAL", script, "2", "huge", "{huge}copy"]), "OK");
        client.all(&["INCR after"]);
        pair.same(&link, 0, 0).await;
        let grown = memory_peak() - before;
        assert!(grown <= MEMORY_BYTES_MAX, "the process grew by {grown} bytes");
        assert_eq!(pair.target.client(0).call(&["STRLEN", "{huge}copy"]), VALUE_BYTES.to_string());
    }
}

#[tokio::test]
async fn commands_of_many_words_and_long_ones_in_transactions_pass() {
    for engine in engines() {
        let pair = Pair::new(&engine, Replicas::default(), &[]).await;
        let link = pair.link(0, 0);
        let mut client = pair.source.client(0);
        let many: Vec<String> =
            ["RPUSH", "list"].map(str::to_owned).into_iter().chain((0..9_000).map(|n| n.to_string())).collect();
        client.call(&many);
        client.all(&["SET {t}a 1", "SET other 1"]);
        let long = "x".repeat(3 << 20);
        client.all(&["MULTI"]);
        client.call(&["SET", "{t}long", &long]);
        client.all(&["INCR {t}a"]);
        client.call(&["APPEND", "{t}long", &long]);
        client.all(&["EXEC", "INCR other"]);
        client.call(&["SET", "elsewhere", &long]);
        client.call(&many);
        pair.same(&link, 0, 0).await;
        let mut target = pair.target.client(0);
        assert_eq!((target.call(&["GET", "{t}a"]), target.call(&["LLEN", "list"])), ("2".to_owned(), "18000".to_owned()));
    }
}

#[tokio::test]
async fn a_link_that_is_stopped_within_a_transaction_leaves_none_of_it() {
    for engine in engines() {
        let pair = Pair::new(&engine, Replicas::default(), &[]).await;
        let link = pair.link(0, 0);
        let mut client = pair.source.client(0);
        client.all(&["INCR a"]);
        pair.same(&link, 0, 0).await;
        // Slow enough that the transaction is under way when the link is dropped.
        pair.distance.send_modify(|distance| distance.bandwidth_bytes_per_s = std::num::NonZeroU64::new(4 << 20));
        let value = "x".repeat(1 << 20);
        let mut transaction = request(&["MULTI"]);
        for number in 0..20 {
            transaction.extend(request(&["APPEND", &format!("{{t}}{number}"), &value]));
        }
        transaction.extend(request(&["EXEC"]));
        client.send(&transaction).expect("it reads");
        (0..22).for_each(|_| drop(client.reply().expect("it answers")));
        let before = link.status().applied.expect("a point").offset;
        status(&link, "some of it", |status| status.source_offset.is_some_and(|offset| offset > before + (5 << 20))).await;
        assert_eq!(link.status().state, LinkState::Streaming);
        drop(link);
        assert_eq!(pair.target.client(0).call(&["DBSIZE"]), "1");
        pair.distance.send_modify(|distance| distance.bandwidth_bytes_per_s = None);
        let link = pair.link(0, 0);
        pair.same(&link, 0, 0).await;
    }
}
