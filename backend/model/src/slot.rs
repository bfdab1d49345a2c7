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

    /// What is left of it beside another range.
    fn without(self, cut: Self) -> impl Iterator<Item = Self> {
        let below = (self.first < cut.first).then(|| Self { first: self.first, last: Slot(self.last.0.min(cut.first.0 - 1)) });
        let above = (self.last > cut.last).then(|| Self { first: Slot(self.first.0.max(cut.last.0 + 1)), last: self.last });
        let is_apart = self.last < cut.first || cut.last < self.first;
        let parts = if is_apart { [Some(self), None] } else { [below, above] };
        parts.into_iter().flatten()
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

    /// All slots.
    #[must_use]
    pub fn all() -> Self {
        Self(vec![SlotRange { first: Slot(0), last: Slot(SLOT_COUNT - 1) }])
    }

    /// The slots of both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.0.iter().chain(&other.0).copied().collect()
    }

    /// The slots that are not in the other set.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut left = self.0.clone();
        for cut in &other.0 {
            left = left.into_iter().flat_map(|range| range.without(*cut)).collect();
        }
        Self(left)
    }

    /// The slots that are also in the other set.
    #[must_use]
    pub fn shared_with(&self, other: &Self) -> Self {
        self.without(&self.without(other))
    }

    /// The highest slots, this many or all.
    #[must_use]
    pub fn highest(&self, count: u16) -> Self {
        let mut left = count;
        let mut taken = Vec::new();
        for range in self.0.iter().rev() {
            let share = range.count().min(left);
            if share == 0 {
                break;
            }
            taken.push(SlotRange { first: Slot(range.last.0 + 1 - share), last: range.last });
            left -= share;
        }
        taken.into_iter().collect()
    }

    /// Whether the two sets share a slot.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.0.iter().any(|a| other.0.iter().any(|b| a.first <= b.last && b.first <= a.last))
    }
}

impl FromIterator<Slot> for SlotSet {
    fn from_iter<I: IntoIterator<Item = Slot>>(slots: I) -> Self {
        slots.into_iter().map(|slot| SlotRange { first: slot, last: slot }).collect()
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
    fn sets_are_cut_and_joined_slot_by_slot() {
        let range = |a, b| SlotRange::new(a, b).expect("valid");
        let set = |ranges: &[(u16, u16)]| ranges.iter().map(|(a, b)| range(*a, *b)).collect::<SlotSet>();
        let whole = set(&[(0, 9), (20, 29), (40, 40)]);
        assert_eq!(whole.without(&set(&[(5, 24), (40, 50)])), set(&[(0, 4), (25, 29)]));
        assert_eq!(whole.without(&set(&[(3, 3), (21, 22)])), set(&[(0, 2), (4, 9), (20, 20), (23, 29), (40, 40)]));
        assert_eq!(whole.shared_with(&set(&[(8, 21)])), set(&[(8, 9), (20, 21)]));
        assert_eq!(whole.union(&set(&[(10, 19)])), set(&[(0, 29), (40, 40)]));
        assert_eq!(whole.highest(3), set(&[(28, 29), (40, 40)]));
        assert_eq!(whole.highest(0), SlotSet::default());
        assert_eq!(whole.highest(1_000), whole);
        assert_eq!(SlotSet::all().count(), SLOT_COUNT);
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
