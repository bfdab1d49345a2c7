//! Hash slots and sets of them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Slots of a cluster (the engine's `CLUSTER_SLOTS`).
pub const SLOT_COUNT: u16 = 16_384;

/// One hash slot, below [`SLOT_COUNT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slot(u16);

impl Slot {
    /// The slot with this number, if there is one.
    #[must_use]
    pub fn new(number: u16) -> Option<Self> {
        (number < SLOT_COUNT).then_some(Self(number))
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }
}

/// Slots `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SlotRange {
    first: Slot,
    last: Slot,
}

impl SlotRange {
    /// The range from `first` to `last`, if it is not backwards and within the slots.
    #[must_use]
    pub fn new(first: u16, last: u16) -> Option<Self> {
        let (first, last) = (Slot::new(first)?, Slot::new(last)?);
        (first <= last).then_some(Self { first, last })
    }

    /// The lowest slot.
    #[must_use]
    pub fn first(self) -> Slot {
        self.first
    }

    /// The highest slot.
    #[must_use]
    pub fn last(self) -> Slot {
        self.last
    }

    /// How many slots it holds.
    #[must_use]
    pub fn count(self) -> u16 {
        self.last.0 - self.first.0 + 1
    }
}

impl fmt::Display for SlotRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last { write!(f, "{}", self.first.0) } else { write!(f, "{}-{}", self.first.0, self.last.0) }
    }
}

/// A set of slots as sorted ranges that neither touch nor overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SlotSet(Vec<SlotRange>);

impl SlotSet {
    /// The ranges, ascending.
    #[must_use]
    pub fn ranges(&self) -> &[SlotRange] {
        &self.0
    }

    /// How many slots it holds.
    #[must_use]
    pub fn count(&self) -> u16 {
        self.0.iter().map(|range| range.count()).sum()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it holds this slot.
    #[must_use]
    pub fn contains(&self, slot: Slot) -> bool {
        self.0.iter().any(|range| range.first <= slot && slot <= range.last)
    }

    /// Whether the two sets share a slot.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.0.iter().any(|a| other.0.iter().any(|b| a.first <= b.last && b.first <= a.last))
    }
}

impl FromIterator<SlotRange> for SlotSet {
    fn from_iter<I: IntoIterator<Item = SlotRange>>(ranges: I) -> Self {
        let mut sorted: Vec<SlotRange> = ranges.into_iter().collect();
        sorted.sort();
        let mut merged: Vec<SlotRange> = Vec::with_capacity(sorted.len());
        for range in sorted {
            match merged.last_mut() {
                Some(before) if range.first.0 <= before.last.0 + 1 => before.last = before.last.max(range.last),
                Some(_) | None => merged.push(range),
            }
        }
        Self(merged)
    }
}

impl fmt::Display for SlotSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            write!(f, "{}{range}", if index == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

/// Divides all slots into `shards` contiguous ranges whose sizes differ by one at most.
///
/// # Panics
/// When `shards` is zero or above [`SLOT_COUNT`]; validated specs have 1 to 250 shards.
#[must_use]
pub fn even_shares(shards: u16) -> Vec<SlotRange> {
    assert!((1..=SLOT_COUNT).contains(&shards), "a cluster has between 1 and {SLOT_COUNT} shards, not {shards}");
    let boundary = |index: u16| u32::from(index) * u32::from(SLOT_COUNT) / u32::from(shards);
    (0..shards)
        .map(|index| {
            let range = |number: u32| u16::try_from(number).expect("boundaries lie within the slots");
            SlotRange::new(range(boundary(index)), range(boundary(index + 1) - 1)).expect("each share holds a slot")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_cover_every_slot_once_and_are_even() {
        for shards in [1, 2, 3, 7, 125, 250] {
            let shares = even_shares(shards);
            let sizes: Vec<u16> = shares.iter().map(|share| share.count()).collect();
            assert!(sizes.iter().max().expect("some") - sizes.iter().min().expect("some") <= 1);
            let whole: SlotSet = shares.into_iter().collect();
            assert_eq!(whole.to_string(), "0-16383");
        }
    }

    #[test]
    fn sets_merge_neighbours_and_know_overlaps() {
        let range = |a, b| SlotRange::new(a, b).expect("valid");
        let set: SlotSet = [range(10, 20), range(0, 4), range(5, 9), range(15, 30)].into_iter().collect();
        assert_eq!(set.to_string(), "0-30");
        assert_eq!(set.count(), 31);
        let other: SlotSet = [range(31, 40)].into_iter().collect();
        assert!(!set.overlaps(&other));
        assert!(set.contains(Slot::new(30).expect("valid")) && !set.contains(Slot::new(31).expect("valid")));
        assert!(SlotRange::new(5, 4).is_none() && SlotRange::new(0, SLOT_COUNT).is_none());
    }
}
