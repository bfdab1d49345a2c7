//! What goes over a link: commands of every kind, and what becomes of them.

use valkyard_replicator::{LinkState, SeedReason, clear_checkpoint, read_checkpoint};

use crate::client::Client;
use crate::engine::{Engine, engine_9, engines};
use crate::pair::{Pair, Replicas};
use crate::wait::status;

/// Writes of every type; none may fail. Some on all engines, fields that expire on newer ones.
fn write_everything(engine: &Engine, client: &mut Client) {
    client.all(&[
        "DEL stream",
        "DEL list",
        "DEL bits",
        "DEL hll",
        "SET text 1",
        "INCR text",
        "APPEND text abc",
        "SETRANGE text 10 z",
        "SET gone x PX 1",
        "SET later x EX 1000",
        "GETEX later PERSIST",
        "SETEX short 5000 y",
        "MSET {m}a 1 {m}b 2",
        "GETDEL {m}a",
        "SETBIT bits 77 1",
        "RPUSH list a b c d",
        "LPOP list 2",
        "LINSERT list BEFORE d x",
        "LMOVE list list LEFT RIGHT",
        "LSET list 0 q",
        "SADD set a b c d e f g",
        "SPOP set 2",
        "SADD {s}1 a b c",
        "SADD {s}2 b c d",
        "SDIFFSTORE {s}3 {s}1 {s}2",
        "SMOVE {s}1 {s}2 a",
        "HSET hash a 1 b 2",
        "HINCRBYFLOAT hash a 1.5",
        "HDEL hash b",
        "ZADD zset 1 a 2 b 3 c",
        "ZINCRBY zset 2.5 a",
        "ZPOPMIN zset",
        "ZADD {z}1 1 a",
        "ZUNIONSTORE {z}2 1 {z}1",
        "XADD stream * f v",
        "XADD stream * f w",
        "XGROUP CREATE stream group 0",
        "XREADGROUP GROUP group one STREAMS stream >",
        "XADD stream MAXLEN 1 * f x",
        "PFADD hll a b c",
        "GEOADD geo 13.3 38.1 x",
        "COPY text {text}copy",
        "RENAME list list2{list}",
        "DEL bits",
        "UNLINK hll",
        "EXPIRE zset 5000",
        "PERSIST zset",
        "BITFIELD field SET u8 0 200",
        "OBJECT ENCODING text",
        "SORT list2{list} ALPHA STORE sorted{list}",
    ]);
    client.all(&["MULTI", "INCR {t}n", "LPUSH {t}l a", "EXEC"]);
    let script = "redis.call('SET', KEYS[1], 1) redis.call('LPUSH', KEYS[2], 'x', 'y') return redis.call('INCR', KEYS[1])";
    assert_eq!(client.call(&["EVAL", script, "2", "{e}a", "{e}b"]), "2");
    let across = "#!lua flags=allow-cross-slot-keys\nfor i = 1, 50 do redis.call('INCR', 'across:' .. i) end";
    client.call(&["EVAL", across, "0"]);
    assert_eq!(
        client.call(&[
            "FUNCTION",
            "LOAD",
            "REPLACE",
            "#!lua name=mine\nredis.register_function('f', function(k, a) return redis.call('SET', k[1], a[1]) end)"
        ]),
        "mine"
    );
    assert_eq!(client.call(&["FCALL", "f", "1", "by-function", "7"]), "OK");
    if engine.version.imports() {
        client.all(&["HSET fields a 1 b 2 c 3", "HEXPIRE fields 1000 FIELDS 1 a", "HPEXPIRE fields 1 FIELDS 1 b"]);
    }
}

#[tokio::test]
async fn a_target_has_what_its_source_has_whatever_was_written() {
    for engine in engines() {
        let pair = Pair::with(&engine, Replicas::default(), &[], |source| write_everything(&engine, &mut source.client(0))).await;
        let link = pair.link(0, 0);
        let mut client = pair.source.client(0);
        for _ in 0..20 {
            write_everything(&engine, &mut client);
        }
        // Both have to have seen that these are over.
        client.all(&["SET gone x", "DEL gone"]);
        pair.same(&link, 0, 0).await;
        assert_eq!(pair.target.client(0).call(&["FCALL", "f", "1", "by-function", "8"]), "OK");
        client.all(&["FLUSHALL", "FUNCTION FLUSH", "SET after 1"]);
        pair.same(&link, 0, 0).await;
        assert_eq!(pair.target.client(0).call(&["DBSIZE"]), "1");
        let ended = link.stop().await;
        assert_eq!(read_checkpoint(&pair.target.endpoint(0)).await.expect("a checkpoint"), ended.applied);
    }
}

#[tokio::test]
async fn a_checkpoint_is_no_data_and_survives_what_is_done_to_functions() {
    for engine in engines() {
        let pair = Pair::new(&engine, Replicas::default(), &[]).await;
        let link = pair.link(0, 0);
        let mut client = pair.source.client(0);
        client.all(&["SET a 1"]);
        pair.same(&link, 0, 0).await;
        let mut target = pair.target.client(0);
        assert_eq!((target.call(&["DBSIZE"]), target.call(&["KEYS", "*"])), ("1".to_owned(), "a".to_owned()));
        // A source that was a target itself has a library of that name, and others can load, remove, pack and restore it.
        let stale = "#!lua name=valkyard_replication\nredis.register_function('x', function() return 1 end)";
        client.call(&["FUNCTION", "LOAD", stale]);
        client.call(&["FUNCTION", "LOAD", "REPLACE", stale]);
        let restore = "local p = redis.call('FUNCTION', 'DUMP') return p";
        assert!(client.call(&["EVAL", restore, "0"]).starts_with('-'), "scripts cannot; the next lines do it");
        for verb in ["FLUSH", "APPEND", "REPLACE"] {
            if verb == "APPEND" {
                client.all(&["FUNCTION DELETE valkyard_replication"]);
            }
            let reply = copy_functions(&pair, verb);
            assert_eq!(reply, "OK", "{verb}");
        }
        client.all(&["FUNCTION DELETE valkyard_replication", "FUNCTION FLUSH", "SET b 2"]);
        pair.same(&link, 0, 0).await;
        let ended = link.stop().await;
        assert_eq!(read_checkpoint(&pair.target.endpoint(0)).await.expect("a checkpoint"), ended.applied);
        clear_checkpoint(&pair.target.endpoint(0)).await.expect("removed");
        clear_checkpoint(&pair.target.endpoint(0)).await.expect("nothing to remove");
        assert_eq!(read_checkpoint(&pair.target.endpoint(0)).await.expect("nothing"), None);
    }
}

/// Packs the functions of the target, which has the checkpoint among them, and restores them at the source.
fn copy_functions(pair: &Pair, verb: &str) -> String {
    let mut target = pair.target.client(0);
    target.send(&crate::client::request(&["FUNCTION", "DUMP"])).expect("it reads");
    let packed = target.bulk().expect("packed functions");
    pair.source.client(0).call(&[b"FUNCTION".as_slice(), b"RESTORE", &packed, verb.as_bytes()])
}

#[tokio::test]
async fn a_link_to_where_nothing_was_seeded_says_so() {
    let engine = engine_9();
    let pair = Pair::new(&engine, Replicas::default(), &[]).await;
    let link = pair.link_from(None, pair.source.endpoint(0), pair.target.endpoint(0));
    status(&link, "a want of data", |status| status.state == LinkState::NeedsSeed { reason: SeedReason::NoPoint }).await;
}
