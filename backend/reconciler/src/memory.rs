//! What a reconciler remembers between turns of one incarnation: its first look, faults, starts, stops, and which nodes are
//! at rest. Lost with the daemon, and nothing depends on it for safety: an empty memory only means that the first retry
//! comes at once and that less is certain.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use valkyard_model::{Fault, NodeObservation, NodeSerial, Observation, Step, StepKind, Timestamp, Uid};

use crate::world::StepError;

#[derive(Debug, Default)]
struct Count {
    count: u32,
    last: Option<Timestamp>,
}

impl Count {
    fn add(&mut self, now: Timestamp) {
        self.count += 1;
        self.last = Some(now);
    }
}

/// What happened to one incarnation of an instance.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    uid: Option<Uid>,
    first_look: Option<Timestamp>,
    faults: BTreeMap<(StepKind, Option<NodeSerial>), Fault>,
    starts: BTreeMap<NodeSerial, Count>,
    stops: BTreeMap<NodeSerial, Count>,
    /// Nodes of which no process can run.
    at_rest: BTreeSet<NodeSerial>,
}

impl Memory {
    /// Forgets everything about another incarnation.
    pub(crate) fn belong_to(&mut self, uid: Uid) {
        if self.uid != Some(uid) {
            *self = Self { uid: Some(uid), ..Self::default() };
        }
    }

    /// Adds to an observation what only memory knows; forgets the starts of nodes that serve and the stops of processes
    /// that ended.
    pub(crate) fn complete(&mut self, observation: &mut Observation) {
        observation.first_look = *self.first_look.get_or_insert(observation.at);
        self.starts.retain(|serial, _| observation.nodes.contains_key(serial));
        self.stops.retain(|serial, _| observation.nodes.get(serial).is_some_and(|node| !is_gone(node)));
        for (serial, node) in &mut observation.nodes {
            if is_gone(node) && node.files.known().is_some() {
                self.at_rest.insert(*serial);
            }
            if node.process.known().is_some() || node.engine.known().is_some() {
                self.at_rest.remove(serial);
            }
            node.history.is_at_rest = self.at_rest.contains(serial);
            if node.engine.known().is_some_and(|engine| engine.cluster_ok) {
                self.starts.remove(serial);
            }
            if let Some(starts) = self.starts.get(serial) {
                node.history.starts = starts.count;
                node.history.last_start = starts.last;
            }
            if let Some(stops) = self.stops.get(serial) {
                node.history.stops = stops.count;
                node.history.last_stop = stops.last;
            }
        }
        observation.faults = self.faults.values().cloned().collect();
    }

    /// Notes that a step is about to be carried out.
    pub(crate) fn begin(&mut self, step: &Step, now: Timestamp) {
        if let Step::AllocateNodes { nodes } = step {
            self.at_rest.extend(nodes.iter().map(|node| node.serial));
        }
        if let Step::StartProcess { node, .. } = step {
            self.at_rest.remove(node);
            self.starts.entry(*node).or_default().add(now);
            self.stops.remove(node);
        }
        if let Step::StopProcess { node, .. } | Step::ShutDownEngine { node } = step {
            self.stops.entry(*node).or_default().add(now);
        }
    }

    /// Notes how a step ended.
    pub(crate) fn end(&mut self, step: &Step, result: Result<(), StepError>, now: Timestamp) {
        let key = (step.kind(), step.node());
        match result {
            Ok(()) => {
                self.faults.remove(&key);
            }
            Err(error) => {
                // A start that failed is a fault and not a process that ended.
                if let Step::StartProcess { node, .. } = step
                    && let Some(starts) = self.starts.get_mut(node)
                {
                    starts.count -= 1;
                }
                let attempts = self.faults.get(&key).map_or(0, |fault| fault.attempts) + 1;
                let fault = Fault {
                    step: key.0,
                    node: key.1,
                    kind: error.kind,
                    detail: error_chain(error.source.as_ref()),
                    attempts,
                    last: now,
                };
                self.faults.insert(key, fault);
            }
        }
    }
}

fn is_gone(node: &NodeObservation) -> bool {
    node.process.is_absent() && node.engine.is_absent()
}

/// An error and its causes in one line.
pub(crate) fn error_chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
