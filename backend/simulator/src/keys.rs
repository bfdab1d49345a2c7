//! The keys of an engine: each acknowledged write is a key of its own, in its slot.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use valkyard_model::{Slot, SlotSet};

/// Keys by slot. Cheap to copy, as replication does all the time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Keys {
    slots: Arc<BTreeMap<Slot, BTreeSet<u64>>>,
    /// How much of another instance's history they are; goes wherever they go.
    pub(crate) point: Option<Point>,
}

/// A place in the history of a shard of a primary instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    /// Which history.
    pub(crate) lineage: u64,
    /// Writes of it.
    pub(crate) offset: u64,
}

impl Keys {
    pub(crate) fn insert(&mut self, slot: Slot, number: u64) {
        Arc::make_mut(&mut self.slots).entry(slot).or_default().insert(number);
    }

    pub(crate) fn extend(&mut self, slot: Slot, numbers: BTreeSet<u64>) {
        if !numbers.is_empty() {
            Arc::make_mut(&mut self.slots).entry(slot).or_default().extend(numbers);
        }
    }

    pub(crate) fn holds(&self, slot: Slot, number: u64) -> bool {
        self.slots.get(&slot).is_some_and(|numbers| numbers.contains(&number))
    }

    pub(crate) fn has_any(&self, slot: Slot) -> bool {
        self.slots.get(&slot).is_some_and(|numbers| !numbers.is_empty())
    }

    pub(crate) fn of(&self, slot: Slot) -> BTreeSet<u64> {
        self.slots.get(&slot).cloned().unwrap_or_default()
    }

    fn take(&mut self, slot: Slot, portion: Portion) -> BTreeSet<u64> {
        if !self.has_any(slot) {
            return BTreeSet::new();
        }
        let Some(numbers) = Arc::make_mut(&mut self.slots).get_mut(&slot) else { return BTreeSet::new() };
        match portion {
            Portion::All => std::mem::take(numbers),
            Portion::Half => {
                let Some(middle) = numbers.iter().nth(numbers.len() / 2).copied() else { return BTreeSet::new() };
                let newer = numbers.split_off(&middle);
                std::mem::replace(numbers, newer)
            }
        }
    }

    /// Removes and returns what is in these slots, or the older half of it.
    pub(crate) fn take_slots(&mut self, slots: &SlotSet, portion: Portion) -> Vec<(Slot, BTreeSet<u64>)> {
        let there: Vec<Slot> = self.slots.keys().copied().filter(|slot| slots.contains(*slot)).collect();
        there.into_iter().map(|slot| (slot, self.take(slot, portion))).collect()
    }

    /// Copies what is in these slots.
    pub(crate) fn copy_slots(&self, slots: &SlotSet, into: &mut Self) {
        for (slot, numbers) in self.slots.iter().filter(|(slot, _)| slots.contains(**slot)) {
            into.extend(*slot, numbers.clone());
        }
    }

    /// Every key in these slots.
    pub(crate) fn each_in<'s>(&'s self, slots: &'s SlotSet) -> impl Iterator<Item = (Slot, u64)> + 's {
        let there = self.slots.iter().filter(|(slot, _)| slots.contains(**slot));
        there.flat_map(|(slot, numbers)| numbers.iter().map(|number| (*slot, *number)))
    }

    pub(crate) fn count(&self) -> u64 {
        self.slots.values().map(|numbers| u64::try_from(numbers.len()).expect("a set's size fits")).sum()
    }
}

/// How much of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Portion {
    All,
    Half,
}
