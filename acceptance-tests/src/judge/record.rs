//! What clients did and saw.

use std::time::Duration;

use super::key::Key;
use super::moment::Moment;

/// What a client did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Wrote this value, the next of its key.
    Write(u64),
    /// Read the newest value.
    Read,
}

/// What it saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The write was acknowledged.
    Acknowledged,
    /// The write was acknowledged, and this was the value before.
    Replaced(Option<u64>),
    /// The read was answered.
    Found(Option<u64>),
    /// The library gave an error to its caller; a write may have taken effect or not.
    Failed(String),
}

/// The libraries that clients use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientKind {
    /// redis-rs, asynchronous cluster client.
    Rust,
    /// valkey-py, `ValkeyCluster`.
    Python,
}

/// One command of one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The key, as an index into [`Record::keys`].
    pub key: usize,
    /// What was done.
    pub action: Action,
    /// What came of it.
    pub outcome: Outcome,
    /// When the client called its library.
    pub sent: Moment,
    /// When the library returned.
    pub done: Moment,
}

impl Event {
    /// How long the caller waited.
    #[must_use]
    pub fn latency(&self) -> Duration {
        self.done.since(self.sent)
    }

    /// The value, if the event is an acknowledged write.
    #[must_use]
    pub fn acknowledged(&self) -> Option<u64> {
        match (self.action, &self.outcome) {
            (Action::Write(value), Outcome::Acknowledged | Outcome::Replaced(_)) => Some(value),
            (Action::Write(_) | Action::Read, _) => None,
        }
    }
}

/// Everything that the clients of a load did, each key's events in the order of its client.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Every key.
    pub keys: Vec<Key>,
    /// The library of each client.
    pub clients: Vec<ClientKind>,
    /// Every event.
    pub events: Vec<Event>,
}
