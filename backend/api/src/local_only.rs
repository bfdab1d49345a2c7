//! Only programs on this machine that mean the daemon are answered.
//!
//! The API has no password: whoever reaches the port may do everything. Binding loopback keeps other machines out, but not the
//! web pages in a browser on this one. A page's own requests carry `Origin`; a page whose name was made to resolve to loopback
//! (DNS rebinding) reads answers as its own, but sends its name as `Host`. Both are refused, before anything else is looked
//! at, on REST and gRPC alike.

use std::net::IpAddr;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{HOST, ORIGIN};
use http::uri::Authority;

use crate::{ApiError, rest};

/// Passes on what a local program sent; answers everything else itself, in the language of the question.
pub(crate) async fn local_only(request: Request, next: Next) -> Response {
    match check(&request) {
        Ok(()) => next.run(request).await,
        Err(error) if is_grpc(&request) => tonic::Status::from(error).into_http::<Body>().into_response(),
        Err(error) => rest::refusal(error),
    }
}

/// Whether the sender expects gRPC.
pub(crate) fn is_grpc<B>(request: &http::Request<B>) -> bool {
    let content_type = request.headers().get(http::header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

fn check<B>(request: &http::Request<B>) -> Result<(), ApiError> {
    if let Some(origin) = request.headers().get(ORIGIN) {
        return Err(ApiError::FromWebPage { origin: String::from_utf8_lossy(origin.as_bytes()).into_owned() });
    }
    // HTTP/2 has it in the URI, HTTP/1 in a header; a request with both, or with several, must be right in each.
    let in_uri = request.uri().authority().map(|authority| authority.as_str().as_bytes());
    let mut hosts = in_uri.into_iter().chain(request.headers().get_all(HOST).iter().map(http::HeaderValue::as_bytes)).peekable();
    if hosts.peek().is_none() {
        return Err(ApiError::ForeignHost { host: "nobody (it has no Host)".to_owned() });
    }
    match hosts.find(|host| !is_loopback(host)) {
        None => Ok(()),
        Some(host) => Err(ApiError::ForeignHost { host: String::from_utf8_lossy(host).into_owned() }),
    }
}

/// Whether `host[:port]` is this machine by a name that nobody else can give away.
fn is_loopback(host: &[u8]) -> bool {
    let Ok(authority) = Authority::try_from(host) else { return false };
    let host = authority.host();
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.parse().is_ok_and(|ip: IpAddr| ip.to_canonical().is_loopback()) || bare.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(uri: &str, headers: &[(&str, &str)]) -> Option<String> {
        let mut request = http::Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(&request.body(()).expect("a request")).err().map(|error| error.to_string())
    }

    #[test]
    fn loopback_addresses_and_localhost_are_this_machine() {
        for host in ["127.0.0.1:4590", "127.20.0.1", "localhost", "LocalHost:80", "[::1]:4590", "[::ffff:127.0.0.1]:1"] {
            assert_eq!(refused("/v1/x", &[("host", host)]), None, "{host}");
            assert_eq!(refused(&format!("http://{host}/v1/x"), &[]), None, "{host}");
        }
    }

    #[test]
    fn any_other_host_and_none_are_refused() {
        for host in ["evil.example:4590", "127.0.0.1.evil.example", "localhost.evil.example", "192.168.0.1", "0.0.0.0", "", "a b"]
        {
            let text = refused("/v1/x", &[("host", host)]).unwrap_or_else(|| panic!("{host} is accepted"));
            assert_eq!(text, format!("requests must be addressed to a loopback address or localhost, not to {host}"));
        }
        assert!(refused("http://evil.example/v1/x", &[("host", "localhost")]).is_some(), "the address counts");
        assert!(refused("http://localhost/v1/x", &[("host", "evil.example")]).is_some(), "the header counts");
        assert!(refused("/v1/x", &[("host", "localhost"), ("host", "evil.example")]).is_some(), "every header counts");
        assert!(refused("/v1/x", &[]).is_some(), "HTTP/1.0 may have none");
    }

    #[test]
    fn an_origin_is_a_web_page_whatever_it_says() {
        for origin in ["http://evil.example", "null", "http://localhost:4590", ""] {
            let text = refused("/v1/x", &[("host", "localhost"), ("origin", origin)]).expect("is refused");
            assert_eq!(text, format!("requests from web pages are refused; this one came from {origin}"));
        }
    }
}
