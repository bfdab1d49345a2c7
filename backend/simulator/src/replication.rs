//! Replication: replicas connect, copy and catch up, a little behind their primaries.

use chrono::TimeDelta;
use valkyard_model::{HistoryNames, NodeId, NodeSerial};

use crate::engine::{Engine, Link};
use crate::machine::Machine;

/// A full copy of a small dataset.
const FULL_COPY: TimeDelta = TimeDelta::milliseconds(40);
/// Catching up from the backlog.
const PARTIAL_COPY: TimeDelta = TimeDelta::milliseconds(5);
/// Ticks in a hundred in which a replica in sync receives what is new.
const ARRIVING_PERCENT: u64 = 80;

impl Machine {
    pub(crate) fn replicate(&mut self) {
        let serials: Vec<NodeSerial> = self.nodes.keys().copied().collect();
        for serial in serials {
            let Some(replica) = self.serving(&self.nodes[&serial]) else { continue };
            let Some(of) = &replica.conf.own.replica_of else { continue };
            if replica.loads_until > self.now {
                continue;
            }
            let (link, offset, lineage) = (replica.link, replica.offset, replica.lineage);
            let Some(primary) = self.serving_of(of).filter(|primary| primary.is_primary()) else {
                self.set_link(serial, Link::Down);
                continue;
            };
            let can_catch_up = primary.lineage == lineage && primary.offset >= offset;
            match link {
                Link::Down => {
                    let time = if can_catch_up { PARTIAL_COPY } else { FULL_COPY };
                    let until = self.now + time;
                    self.set_link(serial, Link::Syncing { until });
                }
                Link::Syncing { until } if until > self.now => {}
                Link::Up if primary.offset == offset => {}
                Link::Syncing { .. } | Link::Up => {
                    let source = primary.id.clone();
                    let is_late = link == Link::Up && !self.random.chance(ARRIVING_PERCENT);
                    if !is_late {
                        self.receive(serial, &source);
                    }
                }
            }
        }
    }

    /// A replica gets everything that its primary has.
    pub(crate) fn receive(&mut self, serial: NodeSerial, primary: &NodeId) {
        let Some(source) = self.node_of(primary).and_then(|node| node.engine()) else { return };
        let (data, libraries) = (source.data.clone(), source.libraries);
        let open_slots = source.conf.open_slots.clone();
        let (offset, lineage) = (source.offset, source.lineage);
        let history = HistoryNames { is_kept: true, ..source.history.clone() };
        let is_anew = self.engine_mut(serial).is_some_and(|engine| engine.lineage != lineage);
        if is_anew {
            self.begin_log_anew(serial);
        }
        if let Some(engine) = self.engine_mut(serial) {
            (engine.data, engine.libraries, engine.offset, engine.lineage) = (data, libraries, offset, lineage);
            (engine.conf.open_slots, engine.link, engine.history) = (open_slots, Link::Up, history);
        }
    }

    /// A primary that ends in order waits until its copies have everything.
    pub(crate) fn hand_out_the_rest(&mut self, serial: NodeSerial) {
        let Some(id) = self.nodes.get(&serial).map(|node| node.id.clone()) else { return };
        for copy in self.copies_of(&id) {
            self.receive(copy, &id);
        }
    }

    /// The working copies of a primary.
    pub(crate) fn copies_of(&self, primary: &NodeId) -> Vec<NodeSerial> {
        self.engines().filter(|(_, engine)| engine.is_copy_of(primary)).map(|(serial, _)| serial).collect()
    }

    /// Carries a command's effect out on a node and, as it is replicated before it is acknowledged, on its copies.
    pub(crate) fn on_shard(&mut self, primary: &NodeId, effect: impl Fn(&mut Engine)) {
        for serial in self.copies_of(primary) {
            if let Some(engine) = self.engine_mut(serial) {
                effect(engine);
            }
        }
        if let Some(engine) = self.engine_of(primary) {
            effect(engine);
        }
    }

    fn set_link(&mut self, serial: NodeSerial, link: Link) {
        if let Some(engine) = self.engine_mut(serial) {
            engine.link = link;
        }
    }
}
