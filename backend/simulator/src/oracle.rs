//! What must hold whatever happens: acknowledged writes, and steps that no machine would forgive.
//!
//! Knows the whole truth of the machine, which the planner never does. Promises are kept slot by slot, wherever a slot goes.
//! Only accidents void them: what the engines had not copied yet when a process ended by itself, and what nobody else had.

use std::collections::{BTreeMap, BTreeSet};

use valkyard_model::{Lifecycle, NodeId, NodeSerial, ShardIndex, Slot, Standing};

use crate::disk::LogState;
use crate::engine::{Engine, Link};
use crate::keys::Keys;
use crate::machine::{Machine, SimNode};

/// The oracle's memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Oracle {
    /// Acknowledged writes that have to be there. Nothing for a slot while nobody can answer for it.
    pub(crate) safe: BTreeMap<Slot, BTreeSet<u64>>,
    /// The shard that a slot was served by last.
    pub(crate) served_by: BTreeMap<Slot, ShardIndex>,
    /// What each shard's last snapshot holds.
    pub(crate) snapshots: BTreeMap<ShardIndex, Keys>,
    /// Libraries of functions that every primary has to have.
    pub(crate) libraries: u32,
    objections: Vec<String>,
}

impl Oracle {
    /// Notes something that must not happen.
    pub(crate) fn object(&mut self, objection: String) {
        self.objections.push(objection);
    }
}

impl Machine {
    /// Everything that was done and must not be.
    #[must_use]
    pub fn objections(&self) -> &[String] {
        &self.oracle.objections
    }

    /// Acknowledged writes that had to survive and did not, by slot.
    #[must_use]
    pub fn lost_writes(&self) -> Vec<String> {
        let mut findings = Vec::new();
        for (slot, safe) in &self.oracle.safe {
            let Some((owner, engine)) = self.owner_of(*slot) else { continue };
            // What was moved before the slot itself is found at the other end.
            let importer = self.importer_of(*slot, engine);
            let is_there = |number: &u64| {
                engine.data.holds(*slot, *number) || importer.is_some_and(|importer| importer.data.holds(*slot, *number))
            };
            let lost = safe.iter().filter(|number| !is_there(number)).count();
            if lost > 0 {
                let (slot, count) = (slot.number(), safe.len());
                findings.push(format!("{lost} of {count} acknowledged writes of slot {slot}, now with {owner}, are lost"));
            }
        }
        findings
    }

    /// How many writes are known to be safe.
    #[must_use]
    pub fn safe_writes(&self) -> usize {
        self.oracle.safe.values().map(BTreeSet::len).sum()
    }

    /// Who serves a slot: of several claimants that with the highest epoch.
    pub(crate) fn owner_of(&self, slot: Slot) -> Option<(NodeSerial, &Engine)> {
        self.engines().filter(|(_, engine)| engine.claims(slot)).max_by_key(|(_, engine)| engine.conf.own.epoch)
    }

    /// Who imports a slot from its owner.
    pub(crate) fn importer_of(&self, slot: Slot, owner: &Engine) -> Option<&Engine> {
        self.engines()
            .map(|(_, engine)| engine)
            .find(|engine| engine.id != owner.id && engine.is_primary() && engine.imports(slot))
    }

    /// A process is about to end by accident, or somebody takes its place although it may live: what only it held is gone.
    pub(crate) fn note_loss_of(&mut self, serial: NodeSerial) {
        let Some(node) = self.nodes.get(&serial) else { return };
        let Some(engine) = node.engine().filter(|engine| engine.is_readable) else { return };
        let disk = self.on_disk(serial);
        let slots: Vec<Slot> = self.oracle.safe.keys().copied().collect();
        let mut kept: Vec<(Slot, Option<BTreeSet<u64>>)> = Vec::new();
        for slot in slots {
            let living = self.living_owner(slot);
            let is_owner = living.is_some_and(|owner| owner.id == engine.id);
            let is_importer = engine.is_primary() && engine.imports(slot) && !is_owner;
            if is_owner || is_importer {
                // A copy that is out of touch may take over too, else its disk has it.
                let rest = || self.left_to_heirs(slot, node).filter(|_| disk.is_some());
                let left = self.survivors(slot, engine).or_else(rest);
                kept.push((slot, left.or_else(|| disk.as_ref().map(|keys| keys.of(slot)))));
            } else if living.is_none() && self.oracle.served_by.get(&slot) == Some(&node.shard) {
                // The second trouble of its shard. A log on disk is no worse than the copy that was left, unless another
                // copy that lives and has less takes over.
                let has_log = engine.disk.fsync.is_some() && engine.disk.log == LogState::Complete && node.folder.is_some();
                if has_log {
                    kept.extend(self.left_to_heirs(slot, node).map(|left| (slot, Some(left))));
                } else {
                    kept.push((slot, disk.as_ref().map(|keys| keys.of(slot))));
                }
            }
        }
        for (slot, numbers) in kept {
            match (numbers, self.oracle.safe.get_mut(&slot)) {
                (Some(numbers), Some(safe)) => safe.retain(|number| numbers.contains(number)),
                (_, _) => drop(self.oracle.safe.remove(&slot)),
            }
        }
    }

    /// What every other living copy of a shard without an owner has of a slot; nothing if there is none.
    fn left_to_heirs(&self, slot: Slot, dying: &SimNode) -> Option<BTreeSet<u64>> {
        let others = self.nodes.values().filter(|node| node.shard == dying.shard && node.id != dying.id);
        let heirs = others.filter_map(SimNode::engine).filter(|engine| !engine.is_primary() && engine.offset > 0);
        heirs.map(|engine| engine.data.of(slot)).reduce(|one, other| one.intersection(&other).copied().collect())
    }

    /// The owner of a slot, even one that hangs.
    pub(crate) fn living_owner(&self, slot: Slot) -> Option<&Engine> {
        let engines = self.nodes.values().filter_map(SimNode::engine);
        engines.filter(|engine| engine.claims(slot)).max_by_key(|engine| engine.conf.own.epoch)
    }

    /// What is left of a slot without this engine. Nothing when nobody has a copy of what it held.
    fn survivors(&self, slot: Slot, lost: &Engine) -> Option<BTreeSet<u64>> {
        // One that was told to end is no copy any more.
        let stays = |node: &SimNode| node.process.as_ref().is_some_and(|process| process.ends_at.is_none());
        let is_copy = |node: &&SimNode| stays(node) && node.engine().is_some_and(|engine| engine.is_copy_of(&lost.id));
        let of = |only: fn(&Self, &NodeId) -> bool| -> Vec<&SimNode> {
            self.nodes.values().filter(is_copy).filter(|node| only(self, &node.id)).collect()
        };
        // One that was told to leave comes after those that stay, whatever it has; and those that stay count also when they
        // have not heard of this primary yet, but have the beginning of what it has.
        let staying = of(Self::stays);
        let is_behind = |node: &&SimNode| {
            let is_prefix = |engine: &Engine| !engine.is_primary() && engine.lineage == lost.lineage && engine.offset > 0;
            stays(node) && self.stays(&node.id) && node.engine().is_some_and(is_prefix)
        };
        let do_some_stay = !staying.is_empty();
        let others = || of(|_, _| true).into_iter().chain(self.nodes.values().filter(is_behind)).collect();
        let copies: Vec<&SimNode> = if do_some_stay { staying } else { others() };
        let is_plain = |node: &&&SimNode| node.hangs(self.now).is_none() && node.hidden_until <= self.now;
        let are_all_plain = copies.iter().filter(is_plain).count() == copies.len();
        let engines = || copies.iter().filter_map(|node| node.engine());
        // One that cannot be seen may be passed over, and one that leaves when it was forgotten already.
        let heir = if are_all_plain && do_some_stay {
            engines().max_by_key(|engine| engine.offset)
        } else {
            engines().min_by_key(|engine| engine.offset)
        };
        let mut left = heir?.data.of(slot);
        let others = self.nodes.values().filter_map(SimNode::engine).filter(|engine| engine.id != lost.id && engine.is_primary());
        for other in others.filter(|engine| engine.claims(slot) || engine.imports(slot)) {
            left.extend(other.data.of(slot));
        }
        Some(left)
    }

    fn stays(&self, id: &NodeId) -> bool {
        let allocated = self.record.as_ref().and_then(|record| record.nodes.values().find(|node| node.id == *id));
        allocated.is_none_or(|node| node.standing == Standing::Member)
    }

    /// Whether a shard has a primary that serves, and every other living node of it copies it in sync.
    pub(crate) fn is_calm(&self, shard: ShardIndex) -> bool {
        let Some(primary) = self.serving_primary(shard) else { return false };
        let id = &self.nodes[&primary].id;
        let counts = |(_, node): &(&NodeSerial, &SimNode)| node.shard == shard && node.process.is_some() && self.stays(&node.id);
        self.nodes.iter().filter(counts).all(|(serial, node)| {
            let engine = self.serving(node);
            engine.is_some_and(|engine| self.calls_ok(engine) && (*serial == primary || engine.is_copy_of(id)))
        })
    }

    /// A step ends a process that others may depend on.
    pub(crate) fn judge_stop(&mut self, serial: NodeSerial) {
        let Some(record) = self.record.as_ref().filter(|record| record.lifecycle == Lifecycle::Present) else { return };
        let Some(node) = self.nodes.get(&serial) else { return };
        // Its data is thrown away on purpose.
        if record.replication.reseeding.contains_key(&node.shard) {
            return;
        }
        let is_away = record.nodes.get(&serial).is_some_and(|allocated| record.zones_out.contains(&allocated.zone));
        let Some(engine) = node.engine().filter(|engine| engine.claims_slots() && node.hangs(self.now).is_none()) else { return };
        let is_served_elsewhere = self.engines().any(|(_, other)| {
            other.id != engine.id
                && other.is_primary()
                && other.conf.own.epoch > engine.conf.own.epoch
                && other.conf.own.slots.overlaps(&engine.conf.own.slots)
        });
        let has_copy = self.engines().any(|(_, other)| other.follows(&engine.id) && other.link == Link::Up);
        if !is_away && !has_copy && !is_served_elsewhere {
            self.oracle.object(format!("{serial} was stopped while it is the only copy of its slots"));
        }
    }
}
