//! How an engine takes what others say of themselves on the bus.
//!
//! Slot by slot, as the engine does it: a claim of a higher epoch wins, an unclaimed slot goes to whoever claims it, and a
//! slot that is being imported changes hands by command only.

use valkyard_model::{ConfigEpoch, NodeId, OpenSlot, SlotSet};

use crate::engine::{Description, Engine};
use crate::keys::Portion;

/// What a node says of itself to all others.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) from: NodeId,
    pub(crate) own: Description,
    pub(crate) current_epoch: ConfigEpoch,
}

/// What a message did.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) has_changed: bool,
    /// Part of the sender's claim is void; this is who owns it.
    pub(crate) correction: Option<(NodeId, Description)>,
}

impl Engine {
    pub(crate) fn message(&self) -> Message {
        Message { from: self.id.clone(), own: self.conf.own.clone(), current_epoch: self.conf.current_epoch }
    }

    /// Takes what another node says of itself.
    pub(crate) fn hear(&mut self, message: &Message) -> Heard {
        let mut heard = Heard::default();
        if message.current_epoch > self.conf.current_epoch {
            self.conf.current_epoch = message.current_epoch;
            heard.has_changed = true;
        }
        let Some(known) = self.conf.peers.get(&message.from) else { return heard };
        let is_news = *known != message.own || !self.conf.unclaimed.shared_with(&message.own.slots).is_empty();
        heard.has_changed |= self.resolve_collision(message);
        if is_news {
            heard.correction = self.stronger_owner(message);
            heard.has_changed |= match &message.own.replica_of {
                Some(primary) => self.hear_replica(&message.from, primary, &message.own),
                None => self.hear_primary(&message.from, &message.own),
            };
        }
        heard.has_changed |= self.follow_the_chain();
        heard
    }

    /// Of two primaries with one epoch, that with the lower id raises its own.
    fn resolve_collision(&mut self, message: &Message) -> bool {
        let is_collision = message.own.replica_of.is_none()
            && self.is_primary()
            && self.conf.own.epoch == message.own.epoch
            && self.id < message.from;
        if is_collision {
            let epoch = ConfigEpoch(self.conf.current_epoch.0 + 1);
            self.conf.own.epoch = epoch;
            self.conf.current_epoch = epoch;
        }
        is_collision
    }

    /// Whoever owns slots of the sender by a higher epoch.
    fn stronger_owner(&self, message: &Message) -> Option<(NodeId, Description)> {
        let claimed = message.own.slots.without(&self.conf.unclaimed);
        let own = std::iter::once((&self.id, &self.conf.own));
        let others = own.chain(&self.conf.peers).filter(|(id, _)| **id != message.from);
        let stronger = others.filter(|(_, other)| other.epoch > message.own.epoch && other.slots.overlaps(&claimed));
        stronger.max_by_key(|(_, other)| other.epoch).map(|(id, other)| (id.clone(), other.clone()))
    }

    /// A node copies another: it owns nothing, and what was to move to or from it concerns its primary now.
    fn hear_replica(&mut self, from: &NodeId, primary: &NodeId, own: &Description) -> bool {
        for open in self.conf.open_slots.values_mut() {
            match open {
                OpenSlot::MigratingTo(end) | OpenSlot::ImportingFrom(end) if end == from && *primary != self.id => {
                    *end = primary.clone();
                }
                OpenSlot::MigratingTo(_) | OpenSlot::ImportingFrom(_) => {}
            }
        }
        let Some(known) = self.conf.peers.get_mut(from) else { return false };
        let has_changed = known != own;
        self.conf.unclaimed = self.conf.unclaimed.without(&known.slots);
        *known = Description { slots: SlotSet::default(), ..own.clone() };
        has_changed
    }

    /// A primary claims slots. Whoever loses all to one that had none else follows it, copies included.
    fn hear_primary(&mut self, from: &NodeId, own: &Description) -> bool {
        let taken = self.takeable(from, own);
        let lost = self.conf.own.slots.shared_with(&taken);
        let leader = self.conf.own.replica_of.clone().unwrap_or_else(|| self.id.clone());
        let mut lost_by_leader = lost.clone();
        self.conf.own.slots = self.conf.own.slots.without(&taken);
        for (id, peer) in self.conf.peers.iter_mut().filter(|(id, _)| *id != from) {
            if *id == leader {
                lost_by_leader = peer.slots.shared_with(&taken);
            }
            peer.slots = peer.slots.without(&taken);
        }
        // What left for somebody else is not on its way any more, by the view of copies neither.
        self.conf.open_slots.retain(|slot, open| !(matches!(open, OpenSlot::MigratingTo(_)) && taken.contains(*slot)));
        self.close(&lost);
        let Some(known) = self.conf.peers.get_mut(from) else { return false };
        let dropped = known.slots.without(&own.slots);
        let before = known.clone();
        *known = Description { replica_of: None, epoch: own.epoch, slots: known.slots.union(&taken) };
        let has_changed = *known != before;
        let still_unclaimed = self.conf.unclaimed.without(&own.slots);
        let has_unclaimed_more = !dropped.without(&self.conf.unclaimed).is_empty();
        self.conf.unclaimed = still_unclaimed.union(&dropped);
        let is_leader_empty = if leader == self.id {
            self.conf.own.slots.is_empty()
        } else {
            self.conf.peers.get(&leader).is_some_and(|peer| peer.slots.is_empty())
        };
        if leader != *from && !lost_by_leader.is_empty() && is_leader_empty && lost_by_leader.count() == own.slots.count() {
            self.follow(from);
        }
        has_changed || has_unclaimed_more
    }

    /// The claimed slots that this view lets the claimant have.
    fn takeable(&self, from: &NodeId, own: &Description) -> SlotSet {
        let known = self.conf.peers.get(from).map(|peer| &peer.slots);
        let mut takeable = known.map_or_else(|| own.slots.clone(), |known| own.slots.without(known));
        let myself = std::iter::once((&self.id, &self.conf.own));
        for (_, owner) in myself.chain(&self.conf.peers).filter(|(id, owner)| *id != from && owner.epoch >= own.epoch) {
            takeable = takeable.without(&owner.slots.without(&self.conf.unclaimed));
        }
        // What is imported changes hands by command only.
        let imported: SlotSet = self.conf.open_slots.keys().copied().filter(|slot| self.imports(*slot)).collect();
        takeable.without(&imported)
    }

    /// Lost slots take their keys along.
    fn close(&mut self, lost: &SlotSet) {
        if lost.is_empty() {
            return;
        }
        self.conf.open_slots.retain(|slot, _| !lost.contains(*slot));
        if !self.conf.own.slots.is_empty() {
            self.data.take_slots(lost, Portion::All);
            self.offset += 1;
        }
    }

    /// A replica of a replica follows that one's primary.
    fn follow_the_chain(&mut self) -> bool {
        let Some(primary) = &self.conf.own.replica_of else { return false };
        let next = self.conf.peers.get(primary).and_then(|peer| peer.replica_of.clone());
        let Some(next) = next.filter(|next| *next != self.id && self.conf.peers.contains_key(next)) else { return false };
        self.follow(&next);
        true
    }
}
