//! What the keeper remembers: which steps were refused since they last succeeded. Gone with the daemon; then each is tried at
//! once.

use std::error::Error;

use valkyard_model::Timestamp;
use valkyard_planner::{KeepingFault, KeepingStep};

use crate::KeepingError;

#[derive(Debug, Default)]
pub(crate) struct Memory {
    faults: Vec<KeepingFault>,
}

/// An error and all its causes, for people.
pub(crate) fn error_chain(error: &(dyn Error + 'static)) -> String {
    let texts: Vec<String> =
        std::iter::successors(Some(error), |error| (*error).source()).map(|error| error.to_string()).collect();
    texts.join(": ")
}

impl Memory {
    pub(crate) fn faults(&self) -> Vec<KeepingFault> {
        self.faults.clone()
    }

    /// Takes note of how a step ended; returns the failure if it is the first in a row, which is the one to tell.
    pub(crate) fn end(&mut self, step: &KeepingStep, result: Result<(), KeepingError>, now: Timestamp) -> Option<String> {
        let (kind, about) = step.subject();
        let before = self.faults.iter().position(|fault| fault.kind == kind && fault.about == about);
        let before = before.map(|index| self.faults.swap_remove(index));
        let error = result.err()?;
        let detail = error_chain(&error);
        let attempts = before.as_ref().map_or(0, |fault| fault.attempts) + 1;
        self.faults.push(KeepingFault { kind, about, attempts, last: now, detail: detail.clone() });
        before.is_none().then_some(detail)
    }

    /// Forgets what was refused too long ago to matter: its cause or its object is gone.
    pub(crate) fn forget(&mut self, now: Timestamp) {
        const KEPT: chrono::TimeDelta = chrono::TimeDelta::minutes(10);
        self.faults.retain(|fault| now - fault.last < KEPT);
    }
}
