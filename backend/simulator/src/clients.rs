//! The clients of the instance: they write to slots wherever these are, following MOVED and ASK.

use valkyard_model::{Access, NodeId, OpenSlot, Part, Slot};

use crate::engine::Engine;
use crate::machine::Machine;
use crate::slots::{CLIENT_SLOTS, client_slot};

/// Writes tried in one tick.
const TRIES: u64 = 4;
/// How many of them are made, in a hundred.
const WRITE_PERCENT: u64 = 25;
/// How often, in a hundred, a write to a slot that is on its way goes to a key that is still there.
const OLD_KEY_PERCENT: u64 = 50;

impl Machine {
    /// Clients write; a slot whose shard has calmed down answers for what it has.
    pub(crate) fn write_and_check(&mut self) {
        // Until its first data is in, an instance is nobody's; and clients only read from one that follows another.
        if self.record.as_ref().is_some_and(|record| record.importing().is_some() || record.replication.part() == Part::Copy) {
            return;
        }
        for _ in 0..TRIES {
            if self.random.chance(WRITE_PERCENT) {
                let index = u16::try_from(self.random.below(u64::from(CLIENT_SLOTS))).expect("a slot's index");
                self.write(client_slot(index));
            }
        }
        for slot in (0..CLIENT_SLOTS).map(client_slot) {
            let is_promised = self.oracle.safe.contains_key(&slot);
            if is_promised && self.is_bus_quiet {
                continue;
            }
            let Some((serial, owner)) = self.owner_of(slot) else { continue };
            let shard = self.nodes[&serial].shard;
            if is_promised {
                self.oracle.served_by.insert(slot, shard);
                continue;
            }
            let mut held = owner.data.of(slot);
            held.extend(self.importer_of(slot, owner).map(|importer| importer.data.of(slot)).unwrap_or_default());
            if self.is_calm(shard) {
                self.oracle.safe.insert(slot, held);
                self.oracle.served_by.insert(slot, shard);
            }
        }
    }

    fn write(&mut self, slot: Slot) {
        let Some(place) = self.place_of_write(slot) else { return };
        let number = self.fresh_number();
        let Some(engine) = self.engine_of(&place) else { return };
        engine.data.insert(slot, number);
        engine.offset += 1;
        if let Some(safe) = self.oracle.safe.get_mut(&slot) {
            safe.insert(number);
        }
    }

    /// Who acknowledges a write to this slot, if anybody does.
    fn place_of_write(&mut self, slot: Slot) -> Option<NodeId> {
        let is_old_key = self.random.chance(OLD_KEY_PERCENT);
        let (_, owner) = self.owner_of(slot)?;
        if !self.accepts(owner) {
            return None;
        }
        let Some(OpenSlot::MigratingTo(target)) = owner.conf.open_slots.get(&slot) else { return Some(owner.id.clone()) };
        if is_old_key && owner.data.has_any(slot) {
            return Some(owner.id.clone());
        }
        let target = self.serving_of(target)?;
        (target.is_primary() && target.imports(slot) && self.accepts(target)).then(|| target.id.clone())
    }

    fn accepts(&self, engine: &Engine) -> bool {
        self.calls_ok(engine) && engine.paused_until <= self.now && engine.part.access == Access::ReadWrite
    }
}
