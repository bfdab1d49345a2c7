//! The slots that the simulated clients use, and walking through sets of slots.

use valkyard_model::{Slot, SlotSet};

/// How many slots clients write to.
pub(crate) const CLIENT_SLOTS: u16 = 40;
/// How far apart they lie: the last one is the last slot of all.
const CLIENT_SLOT_DISTANCE: u16 = 420;
const FIRST_CLIENT_SLOT: u16 = 3;

/// One of the slots that clients write to.
pub(crate) fn client_slot(index: u16) -> Slot {
    Slot::new(index * CLIENT_SLOT_DISTANCE + FIRST_CLIENT_SLOT).expect("the slots of clients lie within all slots")
}

/// Whether every slot of `part` is in `whole`.
pub(crate) fn includes(whole: &SlotSet, part: &SlotSet) -> bool {
    part.without(whole).is_empty()
}

/// Every slot of a set, ascending.
pub(crate) fn each(set: &SlotSet) -> impl Iterator<Item = Slot> {
    set.ranges().iter().flat_map(|range| range.first().number()..=range.last().number()).filter_map(Slot::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_use_the_whole_range() {
        assert!(SlotSet::all().contains(client_slot(0)));
        assert_eq!(client_slot(CLIENT_SLOTS - 1).number(), 16_383);
    }
}
