//! The daemon's REST API as a test sees it.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::wait::wait_until;

/// Longest answer of a daemon that is well.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// An HTTP answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// JSON body; null if it is none.
    pub body: Value,
}

/// REST calls to one daemon.
#[derive(Clone, Debug)]
pub struct Api {
    endpoint: String,
    agent: ureq::Agent,
}

impl Api {
    /// Calls to the daemon at this endpoint, such as `http://127.0.0.1:4590`.
    #[must_use]
    pub fn new(endpoint: &str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(ANSWER_LIMIT)).build();
        Self { endpoint: endpoint.to_owned(), agent: config.into() }
    }

    /// One request; `None` when nobody answers.
    pub fn try_call(&self, method: &str, path: &str, body: &str) -> Option<Answer> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.endpoint))
            .header("content-type", "application/json")
            .body(body.to_owned())
            .expect("a valid request");
        let mut answer = self.agent.run(request).ok()?;
        let status = answer.status().as_u16();
        let text = answer.body_mut().read_to_string().ok()?;
        Some(Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::Null) })
    }

    /// One request.
    ///
    /// # Panics
    /// When nobody answers.
    pub fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        self.try_call(method, path, body).unwrap_or_else(|| panic!("{method} {path}: no answer from {}", self.endpoint))
    }

    /// GET.
    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path, "")
    }

    /// Creates an instance in `projects/p/locations/us-central1` and returns the operation's name.
    ///
    /// # Panics
    /// When it is refused.
    pub fn create(&self, id: &str, body: &Value) -> String {
        let path = format!("/v1/projects/p/locations/us-central1/instances?instanceId={id}");
        let answer = self.call("POST", &path, &body.to_string());
        assert_eq!(answer.status, 200, "create {id}: {}", answer.body);
        answer.body["name"].as_str().expect("an operation has a name").to_owned()
    }

    /// Asks for deletion and returns the operation's name.
    ///
    /// # Panics
    /// When it is refused.
    pub fn delete(&self, id: &str) -> String {
        let answer = self.call("DELETE", &format!("/v1/projects/p/locations/us-central1/instances/{id}"), "");
        assert_eq!(answer.status, 200, "delete {id}: {}", answer.body);
        answer.body["name"].as_str().expect("an operation has a name").to_owned()
    }

    /// Waits for an operation's end and returns it.
    ///
    /// # Panics
    /// When it takes longer than `limit`.
    pub fn wait(&self, operation: &str, limit: Duration) -> Value {
        wait_until(&format!("end of {operation}"), limit, || {
            let answer = self.try_call("GET", &format!("/v1/{operation}"), "").ok_or("no answer")?;
            if answer.body["done"] == true { Ok(answer.body) } else { Err(answer.body.to_string()) }
        })
    }

    /// Creates an instance and waits until it is usable.
    ///
    /// # Panics
    /// When it fails.
    pub fn create_and_wait(&self, id: &str, body: &Value, limit: Duration) -> Value {
        let begun = Instant::now();
        let operation = self.wait(&self.create(id, body), limit);
        assert!(operation.get("error").is_none(), "create {id}: {operation}");
        println!("created {id} in {:?}", begun.elapsed());
        operation["response"].clone()
    }

    /// Deletes an instance and waits until nothing is left of it.
    ///
    /// # Panics
    /// When it fails.
    pub fn delete_and_wait(&self, id: &str, limit: Duration) {
        let operation = self.wait(&self.delete(id), limit);
        assert!(operation.get("error").is_none(), "delete {id}: {operation}");
    }
}
