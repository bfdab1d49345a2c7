//! Could one register have answered like this? A search in the manner of Wing and Gong, with the memo of Lowe.
//!
//! Called with the history of one key. It relies on every written value being written once: then a write without an answer
//! either was read by somebody, and so took effect before that read returned, or nobody can tell whether it did, and it
//! may be left out. It knows no other operations than whole reads and writes.

use std::collections::{BTreeSet, HashSet};
use std::fmt;

use super::moment::Moment;

/// What an operation did to the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Wrote a value that no other operation writes.
    Write(u64),
    /// Read this value, or that there is none.
    Read(Option<u64>),
}

/// One operation as its client saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What it did.
    pub access: Access,
    /// When it was called.
    pub called: Moment,
    /// When it returned; `None` if it did with an error, so that a write took effect at any time or never. Reads without an
    /// answer tell nothing.
    pub returned: Option<Moment>,
}

/// No order of the operations explains what was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The longest explicable beginning, in number of operations.
    pub explained: usize,
    /// The operations among which the next one had to be chosen when no beginning could be continued further.
    pub stuck_at: Vec<Operation>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after {} operations none of these can come next:", self.explained)?;
        self.stuck_at.iter().try_for_each(|operation| write!(f, "\n  {operation:?}"))
    }
}

/// An operation that certainly took effect between two moments.
#[derive(Clone, Copy, Debug)]
struct Certain {
    access: Access,
    called: Moment,
    until: Moment,
}

/// A beginning of an order: every operation before `first_open` and those in `ahead` are placed, the register holds `value`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Prefix {
    first_open: usize,
    ahead: BTreeSet<usize>,
    value: Option<u64>,
}

impl Prefix {
    fn placed(&self) -> usize {
        self.first_open + self.ahead.len()
    }

    fn has(&self, index: usize) -> bool {
        index < self.first_open || self.ahead.contains(&index)
    }

    fn with(&self, index: usize, value: Option<u64>) -> Self {
        let mut next = Self { value, ..self.clone() };
        next.ahead.insert(index);
        while next.ahead.remove(&next.first_open) {
            next.first_open += 1;
        }
        next
    }

    /// Operations that may come next: those called before any open one had to be done.
    fn candidates(&self, history: &[Certain]) -> Vec<usize> {
        let mut candidates = Vec::new();
        let mut earliest_end = Moment(u64::MAX);
        for (index, operation) in history.iter().enumerate().skip(self.first_open) {
            if operation.called > earliest_end {
                break;
            }
            if !self.has(index) {
                earliest_end = earliest_end.min(operation.until);
                candidates.push(index);
            }
        }
        candidates.retain(|index| history[*index].called <= earliest_end);
        candidates
    }
}

/// Checks the history of a register that is empty at first.
///
/// # Errors
/// Where it stops making sense.
pub fn check_register(operations: &[Operation]) -> Result<(), Violation> {
    let history = certain(operations);
    let mut open = vec![Prefix { first_open: 0, ahead: BTreeSet::new(), value: None }];
    let mut met = HashSet::new();
    let mut best = open[0].clone();
    while let Some(prefix) = open.pop() {
        if prefix.placed() == history.len() {
            return Ok(());
        }
        if prefix.placed() > best.placed() {
            best = prefix.clone();
        }
        // Those that were called first are tried first, as they lie on top.
        for index in prefix.candidates(&history).into_iter().rev() {
            let next = match history[index].access {
                Access::Write(value) => prefix.with(index, Some(value)),
                Access::Read(value) if value == prefix.value => prefix.with(index, value),
                Access::Read(_) => continue,
            };
            if met.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    let original = |index: usize| Operation {
        access: history[index].access,
        called: history[index].called,
        returned: Some(history[index].until),
    };
    Err(Violation { explained: best.placed(), stuck_at: best.candidates(&history).into_iter().map(original).collect() })
}

/// The operations whose effect is certain, in the order of their calls.
fn certain(operations: &[Operation]) -> Vec<Certain> {
    let first_read_end = |value: u64| {
        let reads = operations.iter().filter(|operation| operation.access == Access::Read(Some(value)));
        reads.filter_map(|read| read.returned).min()
    };
    let mut history: Vec<Certain> = operations
        .iter()
        .filter_map(|operation| {
            let until = match (operation.returned, operation.access) {
                (Some(returned), _) => returned,
                (None, Access::Write(value)) => first_read_end(value)?,
                (None, Access::Read(_)) => return None,
            };
            Some(Certain { access: operation.access, called: operation.called, until })
        })
        .collect();
    history.sort_by_key(|operation| operation.called);
    history
}

#[cfg(test)]
#[path = "linearizability_tests.rs"]
mod tests;
