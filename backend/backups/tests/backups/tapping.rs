//! Tapping real nodes, and what goes wrong with it.

use std::time::Duration;

use futures::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use valkyard_backups::{Credentials, RdbReader, Tap, TapError, TapFormat, TapLimits, TapRequest};

use crate::data::{Amount, fill};
use crate::engine::{engine_9, engines};

/// Long enough for an engine, short enough to wait for.
const IMPATIENT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_tap_is_no_replica_that_acknowledges() {
    for engine in engines() {
        let node = engine.start(&[]);
        let _libraries = fill(&engine, &node, Amount::Little);
        let mut tap = Tap::open(&node.request(TapFormat::Newest)).await.expect("a snapshot");
        assert_eq!(tap.point().replication_id.len(), 40);
        assert_eq!(node.client().call(&["WAIT", "1", "100"]), "0");
        while tap.next().await.expect("it goes on").is_some() {}
    }
}

#[tokio::test]
async fn a_node_that_writes_its_snapshot_to_disk_first_gives_the_same() {
    for engine in engines() {
        let node = engine.start(&["--repl-diskless-sync", "no"]);
        fill(&engine, &node, Amount::Little);
        let by_way_of_disk = node.summary().await;
        node.client().call(&["CONFIG", "SET", "repl-diskless-sync", "yes"]);
        assert_eq!((by_way_of_disk.keys, by_way_of_disk.digest), (node.keys(), node.summary().await.digest));
    }
}

#[tokio::test]
async fn a_tap_without_the_right_password_is_refused() {
    let node = engine_9().start(&["--requirepass", "secret"]);
    let mut request = node.request(TapFormat::Newest);
    let error = Tap::open(&request).await.expect_err("no password");
    assert!(matches!(&error, TapError::Refused { answer, .. } if answer.starts_with("-NOAUTH")), "{error:?}");
    request.credentials = Some(Credentials { user: "default".to_owned(), password: "wrong".to_owned() });
    let error = Tap::open(&request).await.expect_err("a wrong password");
    assert!(matches!(&error, TapError::Refused { answer, .. } if answer.starts_with("-WRONGPASS")), "{error:?}");
    assert!(!format!("{request:?} {error:?}").contains("wrong\""), "no password is shown");
    request.credentials = Some(Credentials { user: "default".to_owned(), password: "secret".to_owned() });
    Tap::open(&request).await.expect("the right password");
}

#[tokio::test]
async fn nobody_listening_is_told_from_somebody_silent() {
    let node = engine_9().start(&[]);
    let mut request = node.request(TapFormat::Newest);
    drop(node);
    assert!(matches!(Tap::open(&request).await, Err(TapError::Connect { .. })));
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    request.address = silent.local_addr().expect("bound");
    request.limits.answer = IMPATIENT;
    assert!(matches!(Tap::open(&request).await, Err(TapError::Silent { .. })));
}

#[tokio::test]
async fn a_snapshot_without_its_end_is_lost_not_complete() {
    let engine = engine_9();
    // Each key holds the writing process up by half a millisecond, so that the snapshot is on its way when the node dies.
    let node = engine.start(&["--rdb-key-save-delay", "500"]);
    fill(&engine, &node, Amount::Much);
    let stream = Tap::open(&node.request(TapFormat::Newest)).await.expect("a snapshot").into_stream();
    futures::pin_mut!(stream);
    stream.next().await.expect("a first chunk").expect("without an error");
    drop(node);
    let mut last = None;
    while let Some(next) = stream.next().await {
        last = Some(next);
    }
    let error = last.expect("an end").expect_err("the node died");
    assert!(matches!(error, TapError::Lost { .. }), "{error:?}");
}

/// A listener that plays an engine up to a point and then says nothing.
async fn stalling(after: &'static str) -> (std::net::SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let playing = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a tap connects");
        stream.write_all(after.as_bytes()).await.expect("it reads");
        std::future::pending::<()>().await;
    });
    (address, playing)
}

const GREETING: &str = "+OK\r\n+OK\r\n+OK\r\n+FULLRESYNC 0123456789012345678901234567890123456789 5\r\n\n$EOF:0123456789012345678901234567890123456789\r\nREDIS0011 and then some more than forty bytes of it, and then nothing";

#[tokio::test]
async fn a_snapshot_that_stalls_is_given_up() {
    let (address, playing) = stalling(GREETING).await;
    let limits = TapLimits { answer: IMPATIENT, begin: IMPATIENT, idle: IMPATIENT };
    let request = TapRequest { address, credentials: None, format: TapFormat::Newest, limits };
    let mut tap = Tap::open(&request).await.expect("it begins");
    tap.next().await.expect("a chunk").expect("not the end");
    let error = tap.next().await.expect_err("nothing comes");
    assert!(matches!(error, TapError::Silent { .. }), "{error:?}");
    playing.abort();
}

#[tokio::test]
async fn an_older_form_of_what_only_the_newest_can_say_is_no_file() {
    let engine = engine_9();
    let node = engine.start(&[]);
    node.client().all(&[vec!["HSET", "hash", "a", "1"], vec!["HEXPIRE", "hash", "100000", "FIELDS", "1", "a"]]);
    let outcome = async {
        let mut tap = Tap::open(&node.request(TapFormat::Version11)).await?;
        let mut reader = RdbReader::new();
        while let Some(chunk) = tap.next().await? {
            reader.feed(chunk).expect("what comes is valid");
        }
        Ok::<_, TapError>(reader.finish())
    };
    let refused = !matches!(outcome.await, Ok(Ok(_)));
    assert!(refused, "the expiry cannot be said in version 11");
}
