//! The link against small servers that misbehave in one way each.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;

fn secret() -> AdminSecret {
    AdminSecret::from_random([7; 32])
}

/// Answers each request with the next of `answers`, then stays silent; ends with the connection.
async fn serve(answers: &'static [&'static str]) -> (SocketAddrV4, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let Ok(SocketAddr::V4(address)) = listener.local_addr() else { panic!("not an IPv4 address") };
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut answers = answers.iter();
        let mut request = [0; 4096];
        while stream.read(&mut request).await.is_ok_and(|length| length > 0) {
            if let Some(answer) = answers.next() {
                stream.write_all(answer.as_bytes()).await.expect("the client reads");
            }
        }
    });
    (address, serving)
}

async fn connect_to(answers: &'static [&'static str]) -> (Result<NodeLink, LinkError>, JoinHandle<()>) {
    let (address, serving) = serve(answers).await;
    (NodeLink::connect(address, &secret()).await, serving)
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let Ok(SocketAddr::V4(address)) = listener.local_addr() else { panic!("not an IPv4 address") };
    drop(listener);
    let error = NodeLink::connect(address, &secret()).await.expect_err("nobody listens");
    assert!(matches!(error, LinkError::Refused { .. }), "{error:?}");
}

#[tokio::test]
async fn a_foreign_engine_denies() {
    let (link, _serving) =
        connect_to(&["-WRONGPASS invalid username-password pair or user is disabled.\r\n-NOPERM no\r\n"]).await;
    let error = link.expect_err("the password is wrong");
    assert!(matches!(error, LinkError::Denied { .. }), "{error:?}");
}

#[tokio::test]
async fn another_protocol_is_told_from_an_engine() {
    let (link, _serving) = connect_to(&["HTTP/1.1 400 Bad Request\r\n\r\n"]).await;
    let error = link.expect_err("a web server");
    assert!(matches!(error, LinkError::Protocol { source: ProtocolError::Reply { .. }, .. }), "{error:?}");
}

#[tokio::test]
async fn a_refused_command_leaves_the_link_usable() {
    let (link, _serving) =
        connect_to(&["+OK\r\n+OK\r\n", "-ERR You should send CLUSTER FAILOVER to a replica\r\n", "+OK\r\n"]).await;
    let mut link = link.expect("connects");
    let error = link.take_over().await.expect_err("refused");
    assert!(matches!(&error, LinkError::Engine { message, .. } if message.contains("to a replica")), "{error:?}");
    link.take_over().await.expect("the link is in step");
}

#[tokio::test]
async fn silence_ends_in_time_and_spends_the_link() {
    let (link, _serving) = connect_to(&["+OK\r\n+OK\r\n"]).await;
    let mut link = link.expect("connects");
    let error = link.take_over().await.expect_err("no answer");
    assert!(matches!(error, LinkError::Silent { .. }), "{error:?}");
    let error = link.take_over().await.expect_err("an answer to the first question may still come");
    assert!(matches!(error, LinkError::Spent { .. }), "{error:?}");
}

#[tokio::test]
async fn a_call_dropped_midway_spends_the_link() {
    let (link, _serving) = connect_to(&["+OK\r\n+OK\r\n"]).await;
    let mut link = link.expect("connects");
    let dropped = tokio::time::timeout(Duration::from_millis(10), link.take_over()).await;
    assert!(dropped.is_err(), "there is no answer");
    assert!(matches!(link.take_over().await, Err(LinkError::Spent { .. })));
}

#[tokio::test]
async fn a_peer_that_hangs_up_breaks_the_link() {
    let (link, serving) = connect_to(&["+OK\r\n+OK\r\n"]).await;
    let mut link = link.expect("connects");
    serving.abort();
    assert!(serving.await.expect_err("aborted").is_cancelled());
    let error = link.take_over().await.expect_err("the connection is gone");
    assert!(matches!(error, LinkError::Broken { .. }), "{error:?}");
}

#[tokio::test]
async fn an_engine_that_hangs_up_over_its_shutdown_did_as_told() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let Ok(SocketAddr::V4(address)) = listener.local_addr() else { panic!("not an IPv4 address") };
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut request = [0; 4096];
        let login = stream.read(&mut request).await.expect("a login");
        stream.write_all(b"+OK\r\n+OK\r\n").await.expect("the client reads");
        let command = stream.read(&mut request).await.expect("a command");
        (login, String::from_utf8_lossy(&request[..command]).into_owned())
    });
    let mut link = NodeLink::connect(address, &secret()).await.expect("connects");
    link.shut_down().await.expect("it ended");
    let (_, command) = serving.await.expect("one login, one command");
    assert!(command.contains("SHUTDOWN") && command.contains("NOSAVE"), "{command:?}");
}

#[tokio::test]
async fn an_engine_that_refuses_its_shutdown_is_not_taken_for_ended() {
    let (link, _serving) = connect_to(&["+OK\r\n+OK\r\n", "-ERR Errors trying to SHUTDOWN. Check logs.\r\n"]).await;
    let error = link.expect("connects").shut_down().await.expect_err("refused");
    assert!(matches!(error, LinkError::Engine { .. }), "{error:?}");
}

#[tokio::test]
async fn more_answers_than_questions_are_out_of_step() {
    let (link, _serving) = connect_to(&["+OK\r\n+OK\r\n", "+OK\r\n+OK\r\n"]).await;
    let error = link.expect("connects").take_over().await.expect_err("one answer too many");
    assert!(matches!(error, LinkError::Protocol { source: ProtocolError::Unexpected { .. }, .. }), "{error:?}");
}

#[tokio::test]
async fn endless_answers_are_cut_off() {
    let (address, serving) = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let Ok(SocketAddr::V4(address)) = listener.local_addr() else { panic!("not an IPv4 address") };
        let flood = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let zeros = vec![b'0'; 64 << 10];
            stream.write_all(b"+").await.expect("the client reads");
            while stream.write_all(&zeros).await.is_ok() {}
        });
        (address, flood)
    };
    let error = NodeLink::connect(address, &secret()).await.expect_err("no end of line");
    assert!(matches!(error, LinkError::Protocol { source: ProtocolError::TooLong { .. }, .. }), "{error:?}");
    serving.await.expect("ends with the connection");
}

#[tokio::test]
async fn errors_do_not_show_the_secret() {
    let (link, _serving) = connect_to(&["-ERR unknown command\r\n-ERR unknown command\r\n"]).await;
    let text = format!("{:?}", link.expect_err("refused"));
    assert!(!text.contains(secret().expose()), "{text}");
}
