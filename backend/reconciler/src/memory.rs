//! What a reconciler remembers between turns: faults, starts and stops. Lost with the daemon, and nothing depends on it
//! for safety: an empty memory only means that the first retry comes at once.

use std::collections::BTreeMap;
use std::error::Error;

use valkyard_model::{Fault, NodeSerial, Observation, Step, StepKind, Timestamp};

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

/// Faults, starts and stops of one instance.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    faults: BTreeMap<(StepKind, Option<NodeSerial>), Fault>,
    starts: BTreeMap<NodeSerial, Count>,
    stops: BTreeMap<NodeSerial, Count>,
}

impl Memory {
    /// Adds to an observation what only memory knows; forgets the starts of nodes that serve and the stops of processes
    /// that ended.
    pub(crate) fn complete(&mut self, observation: &mut Observation) {
        self.starts.retain(|serial, _| observation.nodes.contains_key(serial));
        self.stops.retain(|serial, _| observation.nodes.get(serial).is_some_and(|node| !node.process.is_absent()));
        for (serial, node) in &mut observation.nodes {
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
        if let Step::StartProcess { node, .. } = step {
            self.starts.entry(*node).or_default().add(now);
            self.stops.remove(node);
        }
        if let Step::StopProcess { node, .. } = step {
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
