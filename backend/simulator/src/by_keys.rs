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
        let mut slots: Vec<Slot> = each(order.slots).take(count).collect();
        let stops = order.end == MoveEnd::Death || self.random.chance(HALFWAY_PERCENT);
        let last = slots.pop().filter(|_| stops);
        let stage = self.random.pick(&HALFWAY).copied().unwrap_or(Stage::Told);
        // No time passes within a step, so what is moved wholly can be moved together.
        let whole: SlotSet = if stops { slots.into_iter().collect() } else { each(order.slots).take(count).collect() };
        if !whole.is_empty() {
            self.move_part(&source, &whole, Stage::Told, &order)?;
        }
        last.map_or(Ok(()), |slot| self.move_part(&source, &[slot].into_iter().collect(), stage, &order))
    }

    fn move_part(&mut self, source: &NodeId, slots: &SlotSet, until: Stage, order: &KeyMove<'_>) -> Result<(), &'static str> {
        let target = order.target;
        let owned = self.serving_of(target).ok_or("the target does not answer")?.conf.own.slots.clone();
        self.mark(source, target, &slots.without(&owned), until)?;
        if until >= Stage::SomeKeys {
            self.move_keys(source, target, slots, if until == Stage::SomeKeys { Portion::Half } else { Portion::All });
        }
        if until >= Stage::OwnedByTarget {
            self.on_shard(target, |engine| engine.set_owner(slots, target));
        }
        if until >= Stage::Told {
            self.on_shard(source, |engine| engine.set_owner(slots, target));
            for witness in order.witnesses {
                self.tell_witness(*witness, slots, target);
            }
        }
        Ok(())
    }

    fn mark(&mut self, source: &NodeId, target: &NodeId, slots: &SlotSet, until: Stage) -> Result<(), &'static str> {
        if slots.is_empty() {
            return Ok(());
        }
        let owner = self.serving_of(source).ok_or("it does not answer")?;
        if !owner.is_primary() || !includes(&owner.conf.own.slots, slots) || !owner.knows(target) {
            return Err("I'm not the owner of this hash slot");
        }
        let heir = self.serving_of(target).ok_or("the target does not answer")?;
        if !heir.is_primary() || !heir.knows(source) {
            return Err("the target is no primary that knows the source");
        }
        if self.migrations.iter().any(|running| running.source == *source || running.target == *source) {
            return Err("slots are being moved at once");
        }
        if until == Stage::Told {
            return Ok(());
        }
        for slot in each(slots) {
            self.on_shard(target, |engine| engine.open(slot, OpenSlot::ImportingFrom(source.clone())));
            if until >= Stage::Marked {
                self.on_shard(source, |engine| engine.open(slot, OpenSlot::MigratingTo(target.clone())));
            }
        }
        Ok(())
    }

    fn move_keys(&mut self, source: &NodeId, target: &NodeId, slots: &SlotSet, portion: Portion) {
        let Some(engine) = self.engine_of(source) else { return };
        let keys = engine.data.take_slots(slots, portion);
        engine.offset += 1;
        if let Some(engine) = self.engine_of(target) {
            for (slot, numbers) in keys {
                engine.data.extend(slot, numbers);
            }
            engine.offset += 1;
        }
    }

    fn tell_witness(&mut self, witness: SocketAddrV4, slots: &SlotSet, owner: &NodeId) {
        let there = self.engines().find(|(serial, _)| self.nodes[serial].port.0 == witness.port());
        let Some(id) = there.map(|(_, engine)| engine.id.clone()) else { return };
        self.on_shard(&id, |engine| engine.set_owner(slots, owner));
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
    fn set_owner(&mut self, slots: &SlotSet, owner: &NodeId) {
        self.conf.open_slots.retain(|slot, _| !slots.contains(*slot));
        if *owner == self.id {
            if !includes(&self.conf.own.slots, slots) {
                self.conf.assign(slots, Owner::Myself);
                self.bump_epoch();
            }
        } else if self.conf.peers.get(owner).is_some_and(|peer| !includes(&peer.slots, slots)) {
            self.conf.assign(slots, Owner::Peer(owner));
        }
    }
}
