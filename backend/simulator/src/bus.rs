//! The cluster bus: who hears of whom, elections after long silence, and whether a node calls the cluster ok.

use chrono::TimeDelta;
use valkyard_model::{NodeId, NodeSerial};

use crate::engine::{Engine, Message};
use crate::machine::{Machine, SimNode};

/// Messages in a hundred that arrive within one tick; the rest come with a later one.
const ARRIVING_PERCENT: u64 = 60;
/// How long a primary has to be silent before its replicas stand for election (the nodes' own backstop).
const ELECTION_AFTER: TimeDelta = TimeDelta::seconds(6);

impl Machine {
    pub(crate) fn run_bus(&mut self) {
        self.hold_elections();
        if self.is_bus_quiet {
            return;
        }
        let messages: Vec<Message> = self.nodes.values().filter_map(|node| self.serving(node)).map(Engine::message).collect();
        let listeners: Vec<NodeSerial> = self.nodes.keys().copied().collect();
        let mut corrections = Vec::new();
        let mut is_quiet = true;
        for serial in listeners {
            if self.serving(&self.nodes[&serial]).is_none() {
                continue;
            }
            let mut random = self.random.clone();
            let Some(engine) = self.engine_mut(serial) else { continue };
            let own = engine.id.clone();
            for message in messages.iter().filter(|message| message.from != own) {
                if !random.chance(ARRIVING_PERCENT) {
                    is_quiet &= engine.conf.peers.get(&message.from) == Some(&message.own);
                    continue;
                }
                let heard = engine.hear(message);
                is_quiet &= !heard.has_changed && heard.correction.is_none();
                corrections.extend(heard.correction.map(|correction| (message.from.clone(), correction)));
            }
            self.random = random;
        }
        for (to, (from, own)) in corrections {
            let current_epoch = own.epoch;
            if let Some(engine) = self.engine_of(&to) {
                engine.hear(&Message { from, own, current_epoch });
            }
        }
        let are_all_up = self.nodes.values().all(|node| node.process.is_none() || self.serving(node).is_some());
        self.is_bus_quiet = is_quiet && are_all_up;
    }

    /// Whether an engine calls the cluster ok: it may, and sees a majority of the primaries.
    pub(crate) fn calls_ok(&self, engine: &Engine) -> bool {
        let owns = usize::from(engine.claims_slots());
        let (mut size, mut reached) = (owns, owns);
        for (id, _) in engine.conf.peers.iter().filter(|(_, peer)| !peer.slots.is_empty()) {
            size += 1;
            let owner = self.homes.get(id).and_then(|serial| self.nodes.get(serial));
            reached += usize::from(owner.is_some_and(|node| self.serving(node).is_some()));
        }
        self.now >= engine.ok_from.max(engine.loads_until) && reached > size / 2
    }

    pub(crate) fn engine_mut(&mut self, serial: NodeSerial) -> Option<&mut Engine> {
        self.nodes.get_mut(&serial)?.process.as_mut().map(|process| &mut process.engine)
    }

    fn engine_of(&mut self, id: &NodeId) -> Option<&mut Engine> {
        let serial = *self.homes.get(id)?;
        self.engine_mut(serial)
    }

    fn hold_elections(&mut self) {
        let is_lost = |node: &SimNode| {
            let is_silent = node.died_at.is_some_and(|died| self.now - died > ELECTION_AFTER);
            node.process.is_none() && is_silent
        };
        let lost: Vec<NodeId> = self.nodes.values().filter(|node| is_lost(node)).map(|node| node.id.clone()).collect();
        for primary in lost {
            let candidate = |(serial, node): (&NodeSerial, &SimNode)| {
                let engine = self.serving(node)?;
                let follows = engine.conf.own.replica_of.as_ref() == Some(&primary);
                (follows && self.calls_ok(engine)).then_some((engine.offset, *serial))
            };
            let Some((_, winner)) = self.nodes.iter().filter_map(candidate).max() else { continue };
            if let Some(engine) = self.engine_mut(winner)
                && engine.take_over().is_ok()
            {
                self.disturb();
            }
        }
    }
}
