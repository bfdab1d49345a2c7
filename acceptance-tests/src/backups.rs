//! Backups as a test asks for them: over REST, waiting for operations.

use std::time::Duration;

use serde_json::{Value, json};

use crate::api::{Answer, Api};

/// Taking, restoring or comparing some thousand keys takes seconds; the rest is a busy machine.
const WORK_LIMIT: Duration = Duration::from_secs(120);
const LOCATION: &str = "projects/p/locations/us-central1";

/// Calls about backups to one daemon.
#[derive(Clone, Debug)]
pub struct Backups {
    api: Api,
}

impl Backups {
    /// Calls to the daemon of this API.
    #[must_use]
    pub fn of(api: Api) -> Self {
        Self { api }
    }

    /// The full name of a backup of an instance in `projects/p/locations/us-central1`.
    #[must_use]
    pub fn name(instance: &str, backup: &str) -> String {
        format!("{LOCATION}/backupCollections/{instance}/backups/{backup}")
    }

    /// Asks for a backup.
    #[must_use]
    pub fn ask(&self, instance: &str, backup: &str) -> Answer {
        let body = json!({"backupId": backup, "ttl": "86400s"}).to_string();
        self.api.call("POST", &format!("/v1/{LOCATION}/instances/{instance}:backup"), &body)
    }

    /// Makes a backup and returns its details.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn take(&self, instance: &str, backup: &str) -> Value {
        let operation = self.finish(&self.ask(instance, backup));
        assert!(operation.get("error").is_none(), "{operation}");
        self.details(instance, backup)
    }

    /// Waits for the operation that was answered.
    ///
    /// # Panics
    /// When it was refused, or does not end.
    #[must_use]
    pub fn finish(&self, answer: &Answer) -> Value {
        assert_eq!(answer.status, 200, "{}", answer.body);
        self.api.wait(answer.body["name"].as_str().expect("an operation has a name"), WORK_LIMIT)
    }

    /// What is in a backup.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn details(&self, instance: &str, backup: &str) -> Value {
        let answer = self.api.get(&format!("/v1/admin/{}", Self::name(instance, backup)));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    /// Every backup of an instance, as the public API shows it; none where there is no collection yet.
    ///
    /// # Panics
    /// When the list is refused.
    #[must_use]
    pub fn list(&self, instance: &str) -> Vec<Value> {
        let answer = self.api.get(&format!("/v1/{LOCATION}/backupCollections/{instance}/backups"));
        assert!([200, 404].contains(&answer.status), "{}", answer.body);
        answer.body["backups"].as_array().cloned().unwrap_or_default()
    }

    /// Restores a backup into a new instance of small nodes; `body` adds to the request. Returns the finished operation.
    #[must_use]
    pub fn restore(&self, instance: &str, backup: &str, into: &str, body: &Value) -> Value {
        let mut whole = body.clone();
        whole["managedBackupSource"] = json!({"backup": Self::name(instance, backup)});
        self.create(into, &whole)
    }

    /// Creates an instance of small nodes that begins with files. Returns the finished operation.
    #[must_use]
    pub fn import(&self, urls: &[String], into: &str, body: &Value) -> Value {
        let mut whole = body.clone();
        whole["gcsSource"] = json!({"uris": urls});
        self.create(into, &whole)
    }

    /// Asks for a restore that is refused.
    #[must_use]
    pub fn restore_refused(&self, instance: &str, backup: &str, into: &str, body: &Value) -> Answer {
        let mut whole = body.clone();
        whole["managedBackupSource"] = json!({"backup": Self::name(instance, backup)});
        self.ask_to_create(into, &whole)
    }

    fn create(&self, id: &str, body: &Value) -> Value {
        self.finish(&self.ask_to_create(id, body))
    }

    fn ask_to_create(&self, id: &str, body: &Value) -> Answer {
        let mut whole = json!({"nodeType": "SHARED_CORE_NANO"});
        for (name, value) in body.as_object().expect("a request is an object") {
            whole[name] = value.clone();
        }
        self.api.call("POST", &format!("/v1/{LOCATION}/instances?instanceId={id}"), &whole.to_string())
    }

    /// Copies a backup to another store.
    #[must_use]
    pub fn export(&self, instance: &str, backup: &str, to: &str) -> Value {
        let path = format!("/v1/{}:export", Self::name(instance, backup));
        self.finish(&self.api.call("POST", &path, &json!({"gcsBucket": to}).to_string()))
    }

    /// Restores a backup into a scratch instance and compares. Returns the finished operation.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn verify(&self, instance: &str, backup: &str) -> Value {
        let answer = self.api.call("POST", &format!("/v1/admin/{}:verify", Self::name(instance, backup)), "{}");
        assert_eq!(answer.status, 200, "{}", answer.body);
        self.api.wait(answer.body["operation"].as_str().expect("the operation is named"), WORK_LIMIT)
    }

    /// Asks for the deletion of a backup.
    #[must_use]
    pub fn delete(&self, instance: &str, backup: &str) -> Answer {
        self.api.call("DELETE", &format!("/v1/{}", Self::name(instance, backup)), "")
    }

    /// Moves the clock of schedules.
    ///
    /// # Panics
    /// When it is refused.
    pub fn advance_clock(&self, seconds: i64) {
        let answer = self.api.call("POST", "/v1/admin/clock:advance", &json!({"seconds": seconds.to_string()}).to_string());
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// The time by the clock of schedules, in seconds since midnight UTC.
    ///
    /// # Panics
    /// When it is not told.
    #[must_use]
    pub fn seconds_of_day(&self) -> i64 {
        let answer = self.api.get("/v1/admin/clock");
        let text = answer.body["time"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned();
        let parts: Vec<i64> = text[11..19].split(':').map(|part| part.parse().expect("a number")).collect();
        parts[0] * 3_600 + parts[1] * 60 + parts[2]
    }
}
