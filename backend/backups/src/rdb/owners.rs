//! Who shall have the keys of which slot.

use valkyard_model::{SLOT_COUNT, Slot, SlotSet};

/// The mark of a slot that nobody owns; there are never as many owners.
const NOBODY: u16 = u16::MAX;

/// An owner, by its number, for each slot.
#[derive(Debug)]
pub(crate) struct Owners {
    of_slots: Box<[u16]>,
    count: usize,
}

impl Owners {
    /// Each set of slots is an owner's.
    ///
    /// # Errors
    /// The first slot that two of them have.
    pub(crate) fn new<'s>(sets: impl Iterator<Item = &'s SlotSet>) -> Result<Self, Slot> {
        let mut of_slots = vec![NOBODY; usize::from(SLOT_COUNT)].into_boxed_slice();
        let mut count = 0;
        for (owner, slots) in (0..).zip(sets) {
            for range in slots.ranges() {
                for slot in range.first().number()..=range.last().number() {
                    let entry = &mut of_slots[usize::from(slot)];
                    if *entry != NOBODY {
                        return Err(Slot::new(slot).expect("within a range of slots"));
                    }
                    *entry = owner;
                }
            }
            count += 1;
        }
        Ok(Self { of_slots, count })
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The number of a slot's owner.
    pub(super) fn of(&self, slot: u16) -> Option<usize> {
        let owner = self.of_slots[usize::from(slot)];
        (owner != NOBODY).then_some(usize::from(owner))
    }
}
