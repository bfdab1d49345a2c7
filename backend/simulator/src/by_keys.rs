//! Slots that move one by one with their keys (`SETSLOT`, `MIGRATE`), and slots that are claimed.
//!
//! The daemon does it command by command, so it can stop between any two. Marks and owners are replicated to a primary's
//! copies before they hold; keys follow with the replication stream.

use std::net::SocketAddrV4;

use valkyard_model::{NodeId, NodeSerial, OpenSlot, Slot, SlotSet};

use crate::engine::{Engine, Owner};
use crate::keys::Portion;
use crate::machine::Machine;
use crate::slots::{each, includes};

/// Slots that fit into the time of one step.
const SLOTS_AT_ONCE: std::ops::Range<u64> = 200..1_200;
/// How often, in a hundred, the time is up in the middle of a slot.
const HALFWAY_PERCENT: u64 = 20;

/// How far a slot is moved, each including those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Imported,
    Marked,
    SomeKeys,
    AllKeys,
    OwnedByTarget,
    Told,
}

const HALFWAY: [Stage; 5] = [Stage::Imported, Stage::Marked, Stage::SomeKeys, Stage::AllKeys, Stage::OwnedByTarget];

/// A move of slots by keys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyMove<'s> {
    pub(crate) source: NodeSerial,
    pub(crate) target: &'s NodeId,
    pub(crate) slots: &'s SlotSet,
    pub(crate) witnesses: &'s [SocketAddrV4],
    pub(crate) end: MoveEnd,
}

/// Why a move ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MoveEnd {
    /// Its time is up.
    TimeUp,
    /// The daemon dies.
    Death,
}

impl Machine {
    pub(crate) fn move_by_keys(&mut self, order: KeyMove<'_>) -> Result<(), &'static str> {
        self.disturb();
        let source = self.nodes.get(&order.source).and_then(|node| self.serving(node)).ok_or("it does not answer")?;
        let source = source.id.clone();
        let count = SLOTS_AT_ONCE.start + self.random.below(SLOTS_AT_ONCE.end - SLOTS_AT_ONCE.start);
        let count = usize::try_from(count).expect("small");
        let slots: Vec<Slot> = each(order.slots).take(count).collect();
        let stops = order.end == MoveEnd::Death || self.random.chance(HALFWAY_PERCENT);
        for (index, slot) in slots.iter().enumerate() {
            let is_last = index + 1 == slots.len();
            let stage = match self.random.pick(&HALFWAY) {
                Some(stage) if is_last && stops => *stage,
                Some(_) | None => Stage::Told,
            };
            self.move_slot(&source, *slot, stage, &order)?;
        }
        Ok(())
    }

    fn move_slot(&mut self, source: &NodeId, slot: Slot, until: Stage, order: &KeyMove<'_>) -> Result<(), &'static str> {
        let target = order.target;
        let is_target_owner = self.serving_of(target).ok_or("the target does not answer")?.claims(slot);
        if !is_target_owner {
            self.mark(source, target, slot, until)?;
        }
        if until >= Stage::SomeKeys {
            self.move_keys(source, target, slot, Portion::Half);
        }
        if until >= Stage::AllKeys {
            self.move_keys(source, target, slot, Portion::All);
        }
        if until >= Stage::OwnedByTarget {
            self.on_shard(target, |engine| engine.set_owner(slot, target));
        }
        if until >= Stage::Told {
            self.on_shard(source, |engine| engine.set_owner(slot, target));
            for witness in order.witnesses {
                self.tell_witness(*witness, slot, target);
            }
        }
        Ok(())
    }

    fn mark(&mut self, source: &NodeId, target: &NodeId, slot: Slot, until: Stage) -> Result<(), &'static str> {
        let owner = self.serving_of(source).ok_or("it does not answer")?;
        if !owner.claims(slot) || !owner.knows(target) {
            return Err("I'm not the owner of this hash slot");
        }
        let heir = self.serving_of(target).ok_or("the target does not answer")?;
        if !heir.is_primary() || !heir.knows(source) {
            return Err("the target is no primary that knows the source");
        }
        if self.migrations.iter().any(|running| running.source == *source || running.target == *source) {
            return Err("slots are being moved at once");
        }
        self.on_shard(target, |engine| engine.open(slot, OpenSlot::ImportingFrom(source.clone())));
        if until >= Stage::Marked {
            self.on_shard(source, |engine| engine.open(slot, OpenSlot::MigratingTo(target.clone())));
        }
        Ok(())
    }

    fn move_keys(&mut self, source: &NodeId, target: &NodeId, slot: Slot, portion: Portion) {
        let Some(keys) = self.engine_of(source).map(|engine| engine.data.take(slot, portion)) else { return };
        if keys.is_empty() {
            return;
        }
        if let Some(engine) = self.engine_of(source) {
            engine.offset += 1;
        }
        if let Some(engine) = self.engine_of(target) {
            engine.data.extend(slot, keys);
            engine.offset += 1;
        }
    }

    fn tell_witness(&mut self, witness: SocketAddrV4, slot: Slot, owner: &NodeId) {
        let there = self.engines().find(|(serial, _)| self.nodes[serial].port.0 == witness.port());
        let Some(id) = there.map(|(_, engine)| engine.id.clone()) else { return };
        self.on_shard(&id, |engine| engine.set_owner(slot, owner));
    }

    /// Makes slots a primary's own by its word alone (`SETSLOT NODE` on itself, then `BUMPEPOCH`).
    pub(crate) fn claim_slots(&mut self, serial: NodeSerial, slots: &SlotSet, end: MoveEnd) -> Result<(), &'static str> {
        self.disturb();
        let engine = self.nodes.get(&serial).and_then(|node| self.serving(node)).ok_or("it does not answer")?;
        if !engine.is_primary() {
            return Err("please use SETSLOT only with primaries");
        }
        let id = engine.id.clone();
        let rivals = self.nodes.values().filter(|node| node.id != id).filter_map(|node| node.engine());
        if rivals.into_iter().any(|rival| rival.is_primary() && rival.conf.own.slots.overlaps(slots)) {
            self.oracle.object(format!("{serial} claims slots that a living node owns"));
        }
        self.on_shard(&id, |engine| {
            let owner = if engine.id == id { Owner::Myself } else { Owner::Peer(&id) };
            engine.conf.assign(slots, owner);
        });
        if end == MoveEnd::TimeUp
            && let Some(engine) = self.engine_mut(serial)
        {
            engine.bump_epoch();
        }
        Ok(())
    }
}

impl Engine {
    fn open(&mut self, slot: Slot, mark: OpenSlot) {
        self.conf.open_slots.insert(slot, mark);
    }

    /// `SETSLOT NODE`: an importing node that becomes the owner raises its epoch, so that the others believe it.
    fn set_owner(&mut self, slot: Slot, owner: &NodeId) {
        let slots: SlotSet = [slot].into_iter().collect();
        if *owner != self.id {
            if self.knows(owner) && !self.conf.peers.get(owner).is_some_and(|peer| includes(&peer.slots, &slots)) {
                self.conf.assign(&slots, Owner::Peer(owner));
            }
            self.conf.open_slots.remove(&slot);
            return;
        }
        let was_imported = self.conf.open_slots.remove(&slot).is_some();
        if self.claims(slot) {
            return;
        }
        self.conf.assign(&slots, Owner::Myself);
        if was_imported {
            self.bump_epoch();
        }
    }
}
