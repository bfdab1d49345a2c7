//! A daemon with a primary instance in one location and a secondary in another, and what tests ask of the two.

use std::time::Duration;

use redis::cluster::{ClusterClient, ClusterConnection};
use redis::{Commands, RedisError};
use serde_json::{Value, json};

use crate::api::{Answer, Api};
use crate::cluster::url;
use crate::daemon::{Daemon, DaemonOptions};
use crate::wait::wait_until;

/// The primary of a pair.
pub const PRIMARY: &str = "projects/p/locations/us-central1/instances/cache";
/// The secondary of a pair.
pub const SECONDARY: &str = "projects/p/locations/europe-west1/instances/copy";
/// A create takes some seconds, a copy of little data one more; the rest is a busy machine.
const CREATE_LIMIT: Duration = Duration::from_secs(90);
/// A link follows within milliseconds, and after a failure within seconds; the rest is a busy machine.
const FOLLOW_LIMIT: Duration = Duration::from_secs(60);

/// Two instances.
#[derive(Debug)]
pub struct Pair {
    /// Their daemon.
    pub daemon: Daemon,
}

impl Pair {
    /// Starts a daemon and creates the primary; `body` adds to its request.
    ///
    /// # Panics
    /// When it cannot be created.
    #[must_use]
    pub fn with_primary(body: &Value) -> Self {
        let pair = Self { daemon: Daemon::start(DaemonOptions::default()) };
        let mut whole = json!({"nodeType": "SHARED_CORE_NANO"});
        for (name, value) in body.as_object().expect("a request is an object") {
            whole[name] = value.clone();
        }
        let operation = pair.create(PRIMARY, &whole);
        pair.done(&operation);
        pair
    }

    /// The daemon's API.
    #[must_use]
    pub fn api(&self) -> Api {
        self.daemon.api()
    }

    /// Asks for an instance of this name and returns the operation.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn create(&self, name: &str, body: &Value) -> Value {
        let answer = self.try_create(name, body);
        assert_eq!(answer.status, 200, "create {name}: {}", answer.body);
        answer.body
    }

    /// Asks for an instance of this name.
    #[must_use]
    pub fn try_create(&self, name: &str, body: &Value) -> Answer {
        let (parent, id) = name.rsplit_once("/instances/").expect("a full name");
        self.api().call("POST", &format!("/v1/{parent}/instances?instanceId={id}"), &body.to_string())
    }

    /// Waits until an operation has succeeded.
    ///
    /// # Panics
    /// When it fails.
    pub fn done(&self, operation: &Value) -> Value {
        let name = operation["name"].as_str().expect("an operation has a name");
        let ended = self.api().wait(name, CREATE_LIMIT);
        assert!(ended.get("error").is_none(), "{ended}");
        ended["response"].clone()
    }

    /// Creates the secondary and waits until it follows; `body` adds to its request.
    ///
    /// # Panics
    /// When it cannot be created.
    pub fn add_secondary(&self, body: &Value) -> Value {
        let mut whole = secondary_of(PRIMARY);
        for (name, value) in body.as_object().expect("a request is an object") {
            whole[name] = value.clone();
        }
        let operation = self.create(SECONDARY, &whole);
        self.done(&operation)
    }

    /// Asks for a change of every field in `body`.
    #[must_use]
    pub fn ask_for(&self, name: &str, body: &Value) -> Answer {
        let fields: Vec<&str> = body.as_object().expect("a request is an object").keys().map(String::as_str).collect();
        self.api().call("PATCH", &format!("/v1/{name}?updateMask={}", fields.join(",")), &body.to_string())
    }

    /// An instance as the API shows it.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn instance(&self, name: &str) -> Value {
        let answer = self.api().get(&format!("/v1/{name}"));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    /// The replication as the administration API shows it.
    ///
    /// # Panics
    /// When it does not answer.
    #[must_use]
    pub fn replication(&self) -> Value {
        let answer = self.api().get(&format!("/v1/admin/{PRIMARY}/replication"));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    /// A cluster client of an instance.
    ///
    /// # Panics
    /// When it cannot connect.
    #[must_use]
    pub fn client(&self, name: &str) -> ClusterConnection {
        let instance = self.instance(name);
        wait_until("a cluster client's connection", FOLLOW_LIMIT, || {
            let client = ClusterClient::new(vec![url(&instance)]).map_err(|error| error.to_string())?;
            client.get_connection().map_err(|error| error.to_string())
        })
    }

    /// Waits until every shard of every secondary streams.
    ///
    /// # Panics
    /// When that does not come.
    pub fn wait_until_streaming(&self) {
        wait_until("every shard to stream", FOLLOW_LIMIT, || {
            let replication = self.replication();
            let secondaries = replication["secondaries"].as_array().cloned().unwrap_or_default();
            let shards: Vec<Value> =
                secondaries.iter().flat_map(|one| one["shards"].as_array().cloned().unwrap_or_default()).collect();
            let streams = |shard: &Value| shard["state"] == "STREAMING";
            if !shards.is_empty() && shards.iter().all(streams) { Ok(()) } else { Err(replication.to_string()) }
        });
    }

    /// Waits until the secondary's counters are exactly these, after they were the same on the primary.
    ///
    /// # Panics
    /// When one is not, with both sides.
    pub fn wait_until_equal(&self, tally: &Tally) {
        for name in [PRIMARY, SECONDARY] {
            let mut client = self.client(name);
            wait_until(&format!("the counters of {name}"), FOLLOW_LIMIT, || {
                let found = Tally::read(&mut client, tally.counts.len()).map_err(|error| error.to_string())?;
                if found == *tally { Ok(()) } else { Err(format!("{found:?} in place of {tally:?}\n{}", self.replication())) }
            });
        }
    }
}

/// A request for a secondary of this instance.
#[must_use]
pub fn secondary_of(primary: &str) -> Value {
    json!({"crossInstanceReplicationConfig": {"instanceRole": "SECONDARY", "primaryInstance": {"instance": primary}}})
}

/// Counters and lists that tell a write which was lost or carried out twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    counts: Vec<(i64, i64)>,
}

impl Tally {
    /// That many counters, each with a list beside it.
    #[must_use]
    pub fn new(counters: usize) -> Self {
        Self { counts: vec![(0, 0); counters] }
    }

    /// Raises each counter and lengthens each list, and counts along. A write that fails is tried again until its answer is
    /// certain: whether a failed one was carried out is read from the primary.
    ///
    /// # Panics
    /// When the instance takes no writes for too long.
    pub fn write(&mut self, client: &mut ClusterConnection, rounds: usize) {
        for _ in 0..rounds {
            for (number, (count, length)) in self.counts.iter_mut().enumerate() {
                *count = wait_until("a counter to be raised", FOLLOW_LIMIT, || {
                    client.incr(format!("count:{number}"), 1).map_err(|error: RedisError| error.to_string())
                });
                *length = wait_until("a list to grow", FOLLOW_LIMIT, || {
                    client.lpush(format!("list:{number}"), *count).map_err(|error: RedisError| error.to_string())
                });
            }
        }
    }

    /// What an instance has of that many counters.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn read(client: &mut ClusterConnection, counters: usize) -> Result<Self, RedisError> {
        let mut counts = Vec::with_capacity(counters);
        for number in 0..counters {
            let count: Option<i64> = client.get(format!("count:{number}"))?;
            let length: i64 = client.llen(format!("list:{number}"))?;
            counts.push((count.unwrap_or(0), length));
        }
        Ok(Self { counts })
    }
}
