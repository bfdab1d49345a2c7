//! A small client of the daemon's REST API, for the verbs. One request at a time, each with a time limit.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// The daemon answers reads from memory and one small database: longer means that it is not well.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// A daemon at an address.
#[derive(Clone, Debug)]
pub(crate) struct Daemon {
    http: Client<HttpConnector, Full<Bytes>>,
    endpoint: String,
}

/// An answer that is no success, with the daemon's own words.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
}

impl Daemon {
    pub(crate) fn at(endpoint: &str) -> Self {
        let http = Client::builder(TokioExecutor::new()).build_http();
        Self { http, endpoint: endpoint.trim_end_matches('/').to_owned() }
    }

    /// Reads this path.
    pub(crate) async fn read(&self, path: &str) -> Result<Bytes> {
        self.send(Method::GET, path, String::new(), ANSWER_TIMEOUT).await
    }

    /// Reads this path as JSON.
    pub(crate) async fn read_json(&self, path: &str) -> Result<Value> {
        serde_json::from_slice(&self.read(path).await?).context("parse the daemon's answer")
    }

    /// Sends JSON to this path; the answer may take so long.
    pub(crate) async fn post(&self, path: &str, body: &Value, limit: Duration) -> Result<Value> {
        let answer = self.send(Method::POST, path, body.to_string(), limit).await?;
        serde_json::from_slice(&answer).context("parse the daemon's answer")
    }

    /// Changes what is at this path by JSON; the answer may take so long.
    pub(crate) async fn patch(&self, path: &str, body: &Value, limit: Duration) -> Result<Value> {
        let answer = self.send(Method::PATCH, path, body.to_string(), limit).await?;
        serde_json::from_slice(&answer).context("parse the daemon's answer")
    }

    /// Deletes what is at this path; the answer may take so long.
    pub(crate) async fn delete(&self, path: &str, limit: Duration) -> Result<Value> {
        let answer = self.send(Method::DELETE, path, String::new(), limit).await?;
        serde_json::from_slice(&answer).context("parse the daemon's answer")
    }

    /// Every entry of a list of the public API, over all its pages.
    pub(crate) async fn list(&self, path: &str, key: &str) -> Result<Vec<Value>> {
        let mut found = Vec::new();
        let mut page_token = String::new();
        loop {
            let mut page = self.read_json(&format!("{path}?pageToken={page_token}")).await?;
            if let Value::Array(entries) = page[key].take() {
                found.extend(entries);
            }
            match page["nextPageToken"].as_str().filter(|token| !token.is_empty()) {
                Some(token) => page_token = token.to_owned(),
                None => return Ok(found),
            }
        }
    }

    async fn send(&self, method: Method, path: &str, body: String, limit: Duration) -> Result<Bytes> {
        let uri: Uri = format!("{}{path}", self.endpoint).parse().context("form the daemon's address")?;
        let request = Request::builder().method(method).uri(uri).body(Full::from(body)).context("form the request")?;
        let exchange = async {
            let answer = self.http.request(request).await?;
            let status = answer.status();
            anyhow::Ok((status, answer.into_body().collect().await?.to_bytes()))
        };
        let unreachable = || format!("no daemon answers at {}; start one with `valkyard serve`", self.endpoint);
        let answered = tokio::time::timeout(limit, exchange).await;
        let (status, body) = match answered {
            Ok(exchanged) => exchanged.with_context(unreachable)?,
            Err(_elapsed) => bail!("the daemon at {} has not answered within {limit:?}", self.endpoint),
        };
        if status == StatusCode::OK { Ok(body) } else { Err(refusal(status, &body).into()) }
    }
}

/// The message of an error of the API; other texts as they are.
fn refusal(status: StatusCode, body: &[u8]) -> Refusal {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let message = parsed.as_ref().and_then(|value| value["error"]["message"].as_str()).map(str::to_owned);
    let text = || format!("the daemon answered {status}: {}", String::from_utf8_lossy(body).trim());
    Refusal { status, message: message.unwrap_or_else(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_in_the_daemons_words() {
        let api = refusal(StatusCode::NOT_FOUND, br#"{"error": {"code": 404, "message": "Resource 'x' was not found"}}"#);
        assert_eq!(api.to_string(), "Resource 'x' was not found");
        let other = refusal(StatusCode::SERVICE_UNAVAILABLE, b"not ready\n");
        assert_eq!(other.to_string(), "the daemon answered 503 Service Unavailable: not ready");
    }
}
