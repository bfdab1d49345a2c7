//! Replication: replicas connect, copy and catch up, a little behind their primaries.

use chrono::TimeDelta;
use valkyard_model::NodeSerial;

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
            let (link, offset, lineage) = (replica.link, replica.offset, replica.lineage);
            let source = self.homes.get(of).and_then(|serial| self.serving(self.nodes.get(serial)?));
            let Some(primary) = source.filter(|primary| primary.is_primary()) else {
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
                    let is_late = link == Link::Up && !self.random.clone().chance(ARRIVING_PERCENT);
                    let copy = (!is_late).then(|| (primary.data.clone(), primary.offset, primary.lineage));
                    self.random.chance(ARRIVING_PERCENT);
                    self.receive(serial, copy);
                }
            }
        }
    }

    fn receive(&mut self, serial: NodeSerial, copy: Option<(Vec<u64>, u64, u64)>) {
        if let (Some(engine), Some((data, offset, lineage))) = (self.engine_mut(serial), copy) {
            *engine = Engine { data, offset, lineage, link: Link::Up, ..engine.clone() };
        }
    }

    fn set_link(&mut self, serial: NodeSerial, link: Link) {
        if let Some(engine) = self.engine_mut(serial) {
            engine.link = link;
        }
    }
}
