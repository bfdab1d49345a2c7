//! The cluster bus: who hears of whom, elections after long silence, and whether a node calls the cluster ok.

use chrono::TimeDelta;
use valkyard_model::{NodeId, NodeSerial};

use crate::engine::Engine;
use crate::hearing::Message;
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
        let has_learned = self.gossip();
        let messages: Vec<Message> = self.nodes.values().filter_map(|node| self.linked(node)).map(Engine::message).collect();
        let listeners: Vec<NodeSerial> = self.nodes.keys().copied().collect();
        let mut corrections = Vec::new();
        let mut is_quiet = !has_learned;
        for serial in listeners {
            if self.linked(&self.nodes[&serial]).is_none() {
                continue;
            }
            let mut random = self.random.clone();
            let Some(engine) = self.engine_mut(serial) else { continue };
            let own = engine.id.clone();
            for message in messages.iter().filter(|message| message.from != own) {
                if !random.chance(ARRIVING_PERCENT) {
                    is_quiet &= engine.conf.peers.get(&message.from).is_none_or(|known| *known == message.own);
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
        let are_all_up = self.nodes.values().all(|node| node.process.is_none() || self.linked(node).is_some());
        self.is_bus_quiet = is_quiet && are_all_up;
    }

    /// Whether an engine calls the cluster ok: it may, and sees a majority of the primaries.
    pub(crate) fn calls_ok(&self, engine: &Engine) -> bool {
        let (owners, reached) = self.voters(engine);
        self.now >= engine.ok_from.max(engine.loads_until) && reached.len() > owners / 2
    }

    /// How many primaries with slots an engine counts, and which of them it reaches.
    pub(crate) fn voters<'m>(&'m self, engine: &'m Engine) -> (usize, Vec<&'m Engine>) {
        let mut owners = usize::from(engine.claims_slots());
        let mut reached: Vec<&Engine> = engine.claims_slots().then_some(engine).into_iter().collect();
        for (id, _) in engine.conf.peers.iter().filter(|(_, peer)| !peer.slots.is_empty()) {
            owners += 1;
            reached.extend(self.node_of(id).and_then(|node| self.serving(node)));
        }
        (owners, reached)
    }

    pub(crate) fn engine_mut(&mut self, serial: NodeSerial) -> Option<&mut Engine> {
        self.nodes.get_mut(&serial)?.process.as_mut().map(|process| &mut process.engine)
    }

    pub(crate) fn engine_of(&mut self, id: &NodeId) -> Option<&mut Engine> {
        let serial = *self.homes.get(id)?;
        self.engine_mut(serial)
    }

    pub(crate) fn node_of(&self, id: &NodeId) -> Option<&SimNode> {
        self.nodes.get(self.homes.get(id)?)
    }

    /// The engine with this identity, if it accepts connections and works.
    pub(crate) fn serving_of(&self, id: &NodeId) -> Option<&Engine> {
        self.serving(self.node_of(id)?)
    }

    /// The engine of a node whose links to the others have formed.
    fn linked<'n>(&self, node: &'n SimNode) -> Option<&'n Engine> {
        self.serving(node).filter(|engine| engine.linked_from <= self.now)
    }

    /// Whether two engines know each other and are linked in both directions.
    pub(crate) fn are_linked(&self, one: &Engine, other: &Engine) -> bool {
        let are_up = one.linked_from.max(other.linked_from) <= self.now;
        are_up && one.knows(&other.id) && other.knows(&one.id)
    }

    fn hold_elections(&mut self) {
        let is_lost = |node: &SimNode| {
            let since = if node.process.is_none() { node.died_at } else { node.silent_since(self.now) };
            since.is_some_and(|since| self.now - since > ELECTION_AFTER)
        };
        let lost: Vec<NodeId> = self.nodes.values().filter(|node| is_lost(node)).map(|node| node.id.clone()).collect();
        for primary in lost {
            let candidate = |(serial, node): (&NodeSerial, &SimNode)| {
                let engine = self.serving(node)?;
                (engine.follows(&primary) && self.calls_ok(engine) && self.has_votes(engine)).then_some((engine.offset, *serial))
            };
            let Some((_, winner)) = self.nodes.iter().filter_map(candidate).max() else { continue };
            if let Some(serial) = self.homes.get(&primary).copied() {
                self.note_loss_of(serial);
            }
            if let Some(engine) = self.engine_mut(winner)
                && engine.take_over().is_ok()
            {
                self.disturb();
            }
        }
    }
}
