//! Requests that do not fit the API's shape.

use http::Method;
use serde_json::json;

use crate::server::{INSTANCES, Server, path_of};

#[tokio::test]
async fn unknown_paths_are_not_found_in_json() {
    let server = Server::start().await;
    for path in [
        "/v2/projects",
        "/v1/projects/p/locations/l/caches",
        "/v1/",
        "/v1",
        "/favicon.ico",
        "/v1/projects/p/locations/l/instances/i:explode",
    ] {
        let answer = server.get(path).await;
        let (code, status, message) = answer.error();
        assert_eq!((code, status.as_str()), (404, "NOT_FOUND"), "{path}");
        assert!(message.contains(path), "{message}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let server = Server::start().await;
    let answer = server.send(Method::PUT, &path_of("cache"), "{}").await;
    assert_eq!(answer.error().0, 405);
    assert_eq!(answer.headers["allow"], "GET, PATCH, DELETE");
}

#[tokio::test]
async fn unknown_and_misread_query_parameters_are_refused() {
    let server = Server::start().await;
    for (query, field) in [
        ("colour=red", "colour"),
        ("pageSize=ten", "page_size"),
        ("pageSize=-1", "page_size"),
        ("alt=media", "alt"),
        ("prettyPrint=maybe", "prettyPrint"),
    ] {
        let (code, status, message) = server.get(&format!("{INSTANCES}?{query}")).await.error();
        assert_eq!((code, status.as_str()), (400, "INVALID_ARGUMENT"), "{query}");
        assert!(message.starts_with(&format!("{field}: ")), "{message}");
    }
}

#[tokio::test]
async fn malformed_bodies_are_refused_with_the_place() {
    let server = Server::start().await;
    let answer = server.send(Method::POST, &format!("{INSTANCES}?instanceId=cache"), "{\n  \"shardCount\": 3,\n}").await;
    let (code, status, message) = answer.error();
    assert_eq!((code, status.as_str()), (400, "INVALID_ARGUMENT"));
    assert_eq!(message, "the request body is not JSON: line 3, column 1: trailing comma");
}

#[tokio::test]
async fn oversized_bodies_are_not_read_to_their_end() {
    let server = Server::start().await;
    let body = json!({ "labels": { "a": "x".repeat(2 << 20) } });
    let answer = server.post(&format!("{INSTANCES}?instanceId=cache"), body).await;
    let (code, status, message) = answer.error();
    assert_eq!((code, status.as_str()), (413, "INVALID_ARGUMENT"), "{message}");
}

#[tokio::test]
async fn rpcs_to_come_say_so() {
    let server = Server::start().await;
    let cache = path_of("cache");
    for (method, path, rpc) in [
        (Method::GET, format!("{cache}/certificateAuthority"), "GetCertificateAuthority"),
        (Method::POST, format!("{cache}:startMigration"), "StartMigration"),
        (Method::DELETE, format!("{cache}/tokenAuthUsers/alice?force=true"), "DeleteTokenAuthUser"),
        (Method::POST, "/v1/projects/p/locations/l/aclPolicies?aclPolicyId=a".to_owned(), "CreateAclPolicy"),
    ] {
        let (code, status, message) = server.send(method, &path, "").await.error();
        assert_eq!((code, status.as_str()), (400, "UNIMPLEMENTED"));
        assert_eq!(message, format!("{rpc} is not available in this version of Valkyard"));
    }
}

#[tokio::test]
async fn the_root_names_the_product() {
    let server = Server::start().await;
    let root = server.get("/").await.ok();
    assert_eq!((&root["product"], &root["api"]), (&json!("Valkyard"), &json!("/v1/")));
}

#[test]
fn every_error_code_has_a_page() {
    let pages = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors");
    for code in valkyard_api::ErrorCode::ALL {
        let page = format!("{pages}/{}.md", code.name());
        let text = std::fs::read_to_string(&page).unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(text.starts_with(&format!("# {} ({})\n", code.name(), code.number())), "{page} has another title");
    }
}
