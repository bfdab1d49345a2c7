//! Who knows whom: for each node that answers, which allocated nodes it has in its view.
//!
//! Made once per look by `Cluster::of`, since an instance of 250 nodes tells of 62,000 acquaintances: every rule about them
//! reads these sets. It decides nothing.

use std::cmp::Ordering;

use valkyard_model::{EngineSeen, NodeAllocation, PeerSeen};

/// Places of nodes in the order of their identities, as a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places(Vec<u64>);

impl Places {
    pub(crate) fn add(&mut self, place: usize) {
        let word = place / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (place % 64);
    }

    pub(crate) fn has(&self, place: usize) -> bool {
        self.0.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    /// Whether everything in here but this one place is in the other set.
    pub(crate) fn is_within_but_for(&self, place: usize, other: &Self) -> bool {
        self.0.iter().enumerate().all(|(index, word)| {
            let exempt = if place / 64 == index { 1 << (place % 64) } else { 0 };
            word & !exempt & !other.0.get(index).copied().unwrap_or(0) == 0
        })
    }
}

/// The view of one node.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    /// Allocated nodes that it knows.
    pub(crate) known: Places,
    /// Whether it knows a node that is not allocated.
    pub(crate) has_strangers: bool,
}

/// Goes through the peers of an engine beside the allocated nodes; both are in the order of their identities.
pub(crate) fn survey<'a>(by_id: &[&NodeAllocation], engine: &'a EngineSeen, mut found: impl FnMut(usize, &'a PeerSeen)) -> View {
    let mut view = View::default();
    let mut place = 0;
    for (id, peer) in &engine.peers {
        let mut order = Ordering::Less;
        while let Some(node) = by_id.get(place) {
            order = id.cmp(&node.id);
            if order != Ordering::Greater {
                break;
            }
            place += 1;
        }
        if order == Ordering::Equal && place < by_id.len() {
            view.known.add(place);
            found(place, peer);
            place += 1;
        } else {
            view.has_strangers = true;
        }
    }
    view
}
