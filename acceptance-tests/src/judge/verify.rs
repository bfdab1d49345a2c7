//! The comparison of a record with what the instance holds at the end.
//!
//! The rule for a key: it holds its last acknowledged value, or a later one that was attempted without an answer; nothing
//! else. Keys that keep all values hold every acknowledged one, in order, and none that was not attempted.

use std::collections::{BTreeMap, BTreeSet};

use redis::cluster::{ClusterClient, ClusterConnection};
use serde_json::Value;

use super::key::{Key, Kind, values_in};
use super::record::{Action, Event, Outcome, Record};
use super::report::{ClientError, LostWrite, Report};
use crate::cluster::url;

/// What a key holds at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    /// Its values in order; for a register none or one.
    pub(super) values: Vec<u64>,
    /// Whether it will expire.
    pub(super) expires: bool,
}

impl Record {
    /// Reads every key and judges.
    ///
    /// # Panics
    /// When the instance does not answer.
    #[must_use]
    pub fn verify(&self, instance: &Value) -> Report {
        let client = ClusterClient::new(vec![url(instance)]).expect("a discovery endpoint makes a client");
        let mut connection = client.get_connection().expect("the instance answers after the load");
        let held: Vec<Held> = self.keys.iter().map(|key| read(&mut connection, key)).collect();
        self.judge(&held)
    }

    /// The verdict on these contents, in the order of [`Record::keys`].
    pub(super) fn judge(&self, held: &[Held]) -> Report {
        let mut report = Report::default();
        let mut by_key: BTreeMap<usize, Vec<&Event>> = BTreeMap::new();
        for event in &self.events {
            by_key.entry(event.key).or_default().push(event);
            let kind = self.clients[self.keys[event.key].client];
            report.latencies.entry(kind).or_default().push(event.latency());
            report.acknowledged += usize::from(event.acknowledged().is_some());
            if let Outcome::Failed(text) = &event.outcome {
                let key = self.keys[event.key].name.clone();
                let error = ClientError { at: event.done, client: kind, key, text: text.clone() };
                let list = if error.is_a_known_fault() { &mut report.library_faults } else { &mut report.errors };
                list.push(error);
            }
        }
        if let Some(event) = self.events.iter().max_by_key(|event| event.latency()) {
            let key = &self.keys[event.key];
            let (client, name, slot) = (self.clients[key.client], &key.name, key.slot());
            report.slowest = format!("{client:?} {:?} {name} (slot {slot}) at {}", event.action, event.sent);
        }
        for latencies in report.latencies.values_mut() {
            latencies.sort_unstable();
        }
        for (index, events) in by_key {
            let key = &self.keys[index];
            if key.kind.keeps_all() {
                judge_log(key, &events, &held[index], &mut report)
            } else {
                judge_register(key, &events, &held[index], &mut report)
            }
        }
        report.lost.sort_unstable();
        report
    }
}

fn read(connection: &mut ClusterConnection, key: &Key) -> Held {
    let answer: redis::Value = key.read_all().query(connection).unwrap_or_else(|error| panic!("{}: {error}", key.name));
    let life: i64 = redis::cmd("TTL").arg(&key.name).query(connection).unwrap_or_else(|error| panic!("{}: {error}", key.name));
    Held { values: values_in(&answer), expires: life > 0 }
}

fn lost_write(key: &Key, event: &Event, value: u64) -> LostWrite {
    LostWrite { sent: event.sent, acknowledged: event.done, slot: key.slot(), key: key.name.clone(), value }
}

/// Follows a register through every look at it: one that shows an older value than the last acknowledged tells that the
/// latter is gone. Values between two looks may have been overwritten; of those nobody can tell.
fn judge_register(key: &Key, events: &[&Event], held: &Held, report: &mut Report) {
    let mut newest: Option<(u64, &Event)> = None;
    let mut attempted = 0;
    for event in events {
        let seen = match (event.action, &event.outcome) {
            // A library that sends again after a lost connection replaces its own write.
            (Action::Write(value), Outcome::Replaced(Some(before))) if value == *before => None,
            (Action::Write(_), Outcome::Replaced(before)) => Some(*before),
            (Action::Read, Outcome::Found(seen)) => Some(*seen),
            (Action::Write(_) | Action::Read, _) => None,
        };
        if let Some(seen) = seen {
            look(key, seen, &mut newest, attempted, report);
        }
        if let Action::Write(value) = event.action {
            attempted = attempted.max(value);
        }
        if let Some(value) = event.acknowledged() {
            newest = Some((value, event));
        }
    }
    look(key, held.values.last().copied(), &mut newest, attempted, report);
    if key.kind == Kind::Expiring && !held.values.is_empty() && !held.expires {
        report.altered.push(format!("{} does not expire any more", key.name));
    }
}

fn look(key: &Key, seen: Option<u64>, newest: &mut Option<(u64, &Event)>, attempted: u64, report: &mut Report) {
    let seen = seen.unwrap_or_default();
    if seen > attempted {
        report.altered.push(format!("{} showed {seen}, which nobody had written", key.name));
    }
    // A lost write is counted once.
    if let Some((value, event)) = newest.take_if(|(value, _)| *value > seen) {
        report.lost.push(lost_write(key, event, value));
    }
}

fn judge_log(key: &Key, events: &[&Event], held: &Held, report: &mut Report) {
    let present: BTreeSet<u64> = held.values.iter().copied().collect();
    let mut attempted = BTreeSet::new();
    let mut newest = None;
    for event in events {
        match (event.action, &event.outcome) {
            (Action::Write(value), Outcome::Acknowledged | Outcome::Replaced(_)) => {
                attempted.insert(value);
                newest = Some(value);
                let write = lost_write(key, event, value);
                if present.contains(&value) { report.kept.push(write) } else { report.lost.push(write) }
            }
            (Action::Write(value), Outcome::Failed(_) | Outcome::Found(_)) => {
                attempted.insert(value);
            }
            (Action::Read, Outcome::Found(seen)) => {
                if *seen < newest && newest.is_some_and(|newest| present.contains(&newest)) {
                    report.stale.push(format!("{} showed {seen:?} at {}, {newest:?} was acknowledged", key.name, event.done));
                }
            }
            (Action::Read, Outcome::Acknowledged | Outcome::Replaced(_) | Outcome::Failed(_)) => {}
        }
    }
    for value in present.difference(&attempted) {
        report.altered.push(format!("{} holds {value}, which nobody wrote", key.name));
    }
    report.repeated += held.values.len() - present.len();
    // Fields of a hash have no order.
    if key.kind != Kind::Hash && !held.values.is_sorted() {
        report.altered.push(format!("{} is out of order", key.name));
    }
}

#[cfg(test)]
#[path = "verify_tests.rs"]
mod tests;
