//! Web pages and names that lead here from elsewhere are refused on both transports; everything else in these tests shows
//! that programs are not.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use memorystore_proto::v1;
use memorystore_proto::v1::memorystore_client::MemorystoreClient;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint, Uri};

use crate::server::{INSTANCES, Server, path_of};

#[tokio::test]
async fn a_web_page_can_neither_read_nor_change() {
    let server = Server::start().await;
    server.create("cache", json!({ "shardCount": 1 })).await;
    let create = format!("{INSTANCES}?instanceId=other");
    for (method, path) in [
        (Method::GET, INSTANCES.to_owned()),
        (Method::POST, create),
        (Method::DELETE, path_of("cache")),
        (Method::OPTIONS, INSTANCES.to_owned()),
        (Method::GET, "/".to_owned()),
        (Method::GET, "/nothing".to_owned()),
    ] {
        let request = Request::builder().method(&method).uri(format!("{}{path}", server.base));
        let request = request.header("origin", "http://evil.example").header("content-type", "text/plain");
        let answer = server.send_built(request.body(Body::from(r#"{"shardCount":1}"#)).expect("a request")).await;
        let (code, status, message) = answer.error();
        assert_eq!((code, status.as_str()), (403, "PERMISSION_DENIED"), "{method} {path}");
        assert!(message.ends_with("came from http://evil.example"), "{message}");
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
    let listed = server.get(INSTANCES).await.ok();
    let names: Vec<&Value> = listed["instances"].as_array().expect("a list").iter().map(|one| &one["name"]).collect();
    assert_eq!(names, [&json!("projects/local/locations/us-central1/instances/cache")]);
}

/// The first line and the body of the answer to a request sent as these bytes.
async fn raw(server: &Server, request: &str) -> (String, Value) {
    let mut stream = TcpStream::connect(server.base.trim_start_matches("http://")).await.expect("the server listens");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it closes");
    let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
    (head.lines().next().expect("a status line").to_owned(), serde_json::from_str(body).expect("JSON"))
}

#[tokio::test]
async fn a_name_that_was_made_to_lead_here_is_refused() {
    let server = Server::start().await;
    let (line, body) = raw(&server, "GET /v1/x HTTP/1.1\r\nHost: evil.example:4590\r\nConnection: close\r\n\r\n").await;
    assert!(line.starts_with("HTTP/1.1 403"), "{line}");
    assert_eq!(body["error"]["status"], "PERMISSION_DENIED");
    assert!(body["error"]["message"].as_str().is_some_and(|text| text.ends_with("not to evil.example:4590")), "{body}");
    for named in ["localhost:1", "127.0.0.1", "[::1]:4590"] {
        let (line, _) = raw(&server, &format!("GET / HTTP/1.1\r\nHost: {named}\r\nConnection: close\r\n\r\n")).await;
        assert!(line.starts_with("HTTP/1.1 200"), "{named}: {line}");
    }
}

#[tokio::test]
async fn a_request_that_names_no_host_is_refused() {
    let server = Server::start().await;
    let (line, body) = raw(&server, "GET / HTTP/1.0\r\n\r\n").await;
    assert!(line.contains(" 403 "), "{line}");
    assert_eq!(body["error"]["status"], "PERMISSION_DENIED");
    let (line, _) = raw(&server, "GET / HTTP/1.0\r\nHost: localhost\r\n\r\n").await;
    assert!(line.contains(" 200 "), "{line}");
}

async fn channel(server: &Server, origin: Option<&'static str>) -> Channel {
    let endpoint = Endpoint::from_shared(server.base.clone()).expect("a uri");
    let endpoint = match origin {
        Some(authority) => endpoint.origin(Uri::from_static(authority)),
        None => endpoint,
    };
    endpoint.connect().await.expect("a connection")
}

#[tokio::test]
async fn grpc_is_refused_as_grpc() {
    let server = Server::start().await;
    let list = || v1::ListInstancesRequest {
        parent: "projects/local/locations/us-central1".to_owned(),
        ..v1::ListInstancesRequest::default()
    };
    let mut client = MemorystoreClient::new(channel(&server, None).await);
    client.list_instances(list()).await.expect("a program may");
    let mut from_page = tonic::Request::new(list());
    from_page.metadata_mut().insert("origin", MetadataValue::from_static("http://evil.example"));
    let refused = client.list_instances(from_page).await.expect_err("a page may not");
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(refused.message(), "requests from web pages are refused; this one came from http://evil.example");
    let mut rebound = MemorystoreClient::new(channel(&server, Some("http://evil.example")).await);
    let refused = rebound.list_instances(list()).await.expect_err("a name from elsewhere");
    assert_eq!(refused.code(), Code::PermissionDenied, "{refused:?}");
    assert_eq!(server.get("/").await.status, StatusCode::OK);
}
