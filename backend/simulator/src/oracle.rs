//! What must hold whatever happens: written data, owned slots, and steps that no machine would forgive.
//!
//! Knows the whole truth of the machine, which the planner never does.

use std::collections::{BTreeMap, BTreeSet};

use valkyard_model::{NodeSerial, SLOT_COUNT, ShardIndex};

use crate::engine::{Engine, Link};
use crate::machine::{Machine, SimNode};

/// The oracle's memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Oracle {
    /// Acknowledged writes of a shard that have to be there. Nothing while a shard is in trouble more than once at a time.
    safe: BTreeMap<ShardIndex, BTreeSet<u64>>,
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

    /// Acknowledged writes that had to survive and did not, by shard.
    #[must_use]
    pub fn lost_writes(&self) -> Vec<String> {
        let mut findings = Vec::new();
        for (shard, safe) in &self.oracle.safe {
            let primary = self.serving_primary(*shard).and_then(|serial| self.serving(&self.nodes[&serial]));
            let Some(primary) = primary else { continue };
            // Writes are numbered in the order they are made, and copied in that order.
            let lost = safe.iter().filter(|number| primary.data.binary_search(number).is_err()).count();
            if lost > 0 {
                findings.push(format!("{lost} of {} acknowledged writes of {shard} are lost", safe.len()));
            }
        }
        findings
    }

    /// How many writes are known to be safe.
    #[must_use]
    pub fn safe_writes(&self) -> usize {
        self.oracle.safe.values().map(BTreeSet::len).sum()
    }

    /// What is not as a complete instance should be, by the machine's own truth.
    #[must_use]
    pub fn incompleteness(&self) -> Vec<String> {
        let mut findings = self.lost_writes();
        let Some(record) = &self.record else { return vec!["there is no record".to_owned()] };
        let owners: Vec<(NodeSerial, &Engine)> = self.engines().filter(|(_, engine)| engine.claims_slots()).collect();
        for (index, (serial, engine)) in owners.iter().enumerate() {
            for (other, rival) in &owners[index + 1..] {
                if engine.conf.own.slots.overlaps(&rival.conf.own.slots) {
                    findings.push(format!("{serial} and {other} own the same slots"));
                }
            }
        }
        let owned: u32 = owners.iter().map(|(_, engine)| u32::from(engine.conf.own.slots.count())).sum();
        if owned != u32::from(SLOT_COUNT) {
            findings.push(format!("{owned} slots are owned"));
        }
        for shard in 0..record.spec.shard_count {
            if !self.is_settled(ShardIndex(shard)) {
                findings.push(format!("shard {shard} is not settled"));
            }
        }
        let backends = self.discovery.as_ref().map_or(0, |discovery| discovery.backends.len());
        if u32::try_from(backends) != Ok(record.spec.node_count()) {
            findings.push(format!("the discovery endpoint leads to {backends} nodes"));
        }
        findings
    }

    /// Whether a shard has one primary that serves, and every other node copies it in sync.
    pub(crate) fn is_settled(&self, shard: ShardIndex) -> bool {
        let Some(primary) = self.serving_primary(shard) else { return false };
        let id = &self.nodes[&primary].id;
        let copies = |engine: &Engine| engine.conf.own.replica_of.as_ref() == Some(id) && engine.link == Link::Up;
        self.nodes.iter().filter(|(_, node)| node.shard == shard).all(|(serial, node)| {
            let engine = self.serving(node);
            engine.is_some_and(|engine| self.calls_ok(engine) && (*serial == primary || copies(engine)))
        })
    }

    /// Clients write to every shard that accepts writes; a shard that settled again answers for what it has.
    pub(crate) fn write_and_check(&mut self) {
        let shards: BTreeSet<ShardIndex> = self.nodes.values().map(|node| node.shard).collect();
        for shard in shards {
            if let Some(number) = self.write(shard)
                && let Some(safe) = self.oracle.safe.get_mut(&shard)
            {
                safe.insert(number);
            }
            if !self.oracle.safe.contains_key(&shard) && self.is_settled(shard) {
                let held = self.serving_primary(shard).and_then(|serial| self.engine_mut(serial)).map(|e| e.data.clone());
                self.oracle.safe.insert(shard, held.into_iter().flatten().collect());
            }
        }
    }

    fn write(&mut self, shard: ShardIndex) -> Option<u64> {
        let serial = self.serving_primary(shard)?;
        let accepts = self.serving(&self.nodes[&serial]).is_some_and(|engine| self.calls_ok(engine));
        if !accepts || !self.random.chance(20) {
            return None;
        }
        let number = self.fresh_number();
        let engine = self.engine_mut(serial)?;
        engine.data.push(number);
        engine.offset += 1;
        Some(number)
    }

    /// A process is about to end: what only it held is gone, and a second trouble of a shard voids all promises.
    pub(crate) fn note_death(&mut self, serial: NodeSerial) {
        let Some(node) = self.nodes.get(&serial).filter(|node| node.process.is_some()) else { return };
        let shard = node.shard;
        if !self.is_settled(shard) {
            self.oracle.safe.remove(&shard);
            return;
        }
        if self.serving_primary(shard) != Some(serial) {
            return;
        }
        let is_survivor = |(other, node): &(&NodeSerial, &SimNode)| node.shard == shard && **other != serial;
        let survivors = self.nodes.iter().filter(is_survivor).filter_map(|(_, node)| self.serving(node));
        let best = survivors.max_by_key(|engine| engine.offset).map(|engine| engine.data.iter().copied().collect());
        let kept: BTreeSet<u64> = best.unwrap_or_default();
        if let Some(safe) = self.oracle.safe.get_mut(&shard) {
            safe.retain(|number| kept.contains(number));
        }
    }

    fn engines(&self) -> impl Iterator<Item = (NodeSerial, &Engine)> {
        self.nodes.iter().filter_map(|(serial, node)| Some((*serial, self.serving(node)?)))
    }
}
