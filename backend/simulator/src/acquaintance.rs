//! Who knows whom: introductions, gossip, and being forgotten.
//!
//! A node takes notice only of nodes that it knows. It learns of others by being introduced, or from those it knows; one that
//! it was told to forget it does not learn of for a minute.

use std::net::SocketAddrV4;

use chrono::TimeDelta;
use valkyard_model::{NodeId, NodeSerial, Timestamp};

use crate::engine::{Description, Engine};
use crate::machine::Machine;
use crate::slots::{CLIENT_SLOTS, client_slot};

/// How long a node does not learn again of one that it was told to forget (`cluster-blacklist-ttl`).
const BAN: TimeDelta = TimeDelta::seconds(60);
/// How long word of a node takes to those that know somebody who knows it: some rounds of pings.
const GOSSIP_MILLIS: std::ops::Range<u64> = 100..1_000;
/// How long two nodes take to shake hands.
const HANDSHAKE_MILLIS: std::ops::Range<u64> = 5..120;
/// How often, in a hundred, an order to forget travels on to the others (newer engines pass it on).
const FORGOTTEN_BY_ALL_PERCENT: u64 = 50;

impl Machine {
    /// Has a node introduce itself to others: each side learns of the other after a handshake.
    pub(crate) fn meet(&mut self, serial: NodeSerial, peers: &[SocketAddrV4]) -> Result<(), &'static str> {
        self.disturb();
        let own = self.serving_id(serial)?;
        for address in peers {
            let there = self.nodes.values().find(|node| node.port.0 == address.port());
            let Some(met) = there.and_then(|node| self.serving(node)).map(|engine| engine.id.clone()) else { continue };
            let at = self.soon(HANDSHAKE_MILLIS.start, HANDSHAKE_MILLIS.end);
            for (who, whom) in [(&own, &met), (&met, &own)] {
                if let Some(engine) = self.engine_of(who)
                    && who != whom
                {
                    // An introduction lifts the ban.
                    engine.banned.remove(whom);
                    engine.rumours.insert(whom.clone(), at);
                }
            }
        }
        Ok(())
    }

    /// Has a node forget others.
    pub(crate) fn forget(&mut self, serial: NodeSerial, peers: &[NodeId]) -> Result<(), &'static str> {
        self.disturb();
        let own = self.serving_id(serial)?;
        let owners: Vec<NodeId> = peers.iter().filter(|id| self.is_live_owner(id)).cloned().collect();
        for id in owners {
            self.oracle.object(format!("{serial} was told to forget {id}, which owns slots"));
        }
        let until = self.now + BAN;
        for id in peers {
            let engine = self.engine_mut(serial).ok_or("it does not answer")?;
            if engine.id == *id {
                return Err("I tried hard but I can't forget myself");
            }
            if engine.follows(id) {
                return Err("can't forget my master");
            }
            engine.lose_sight_of(id, until);
            if self.random.chance(FORGOTTEN_BY_ALL_PERCENT) {
                self.pass_on(&own, id, until);
            }
        }
        Ok(())
    }

    fn pass_on(&mut self, from: &NodeId, forgotten: &NodeId, until: Timestamp) {
        let serials: Vec<NodeSerial> = self.nodes.keys().copied().collect();
        for serial in serials.into_iter().filter(|serial| self.serving(&self.nodes[serial]).is_some()).collect::<Vec<_>>() {
            if let Some(engine) = self.engine_mut(serial)
                && engine.knows(from)
                && engine.id != *forgotten
                && !engine.follows(forgotten)
            {
                engine.lose_sight_of(forgotten, until);
            }
        }
    }

    fn is_live_owner(&self, id: &NodeId) -> bool {
        // A claim that a stronger one voids, as of a node that has just come back, is no ownership.
        let slots = (0..CLIENT_SLOTS).map(client_slot);
        slots.filter_map(|slot| self.living_owner(slot)).any(|owner| owner.id == *id)
    }

    /// Nodes learn of those that the nodes they know know. Whether anything is under way.
    pub(crate) fn gossip(&mut self) -> bool {
        let mut is_under_way = false;
        for (serial, id) in self.hearsay() {
            is_under_way = true;
            let (now, at) = (self.now, self.soon(GOSSIP_MILLIS.start, GOSSIP_MILLIS.end));
            let Some(engine) = self.engine_mut(serial) else { continue };
            if engine.banned.get(&id).is_none_or(|until| *until <= now) {
                engine.rumours.entry(id).or_insert(at);
            }
        }
        let serials: Vec<NodeSerial> = self.nodes.keys().copied().collect();
        for serial in serials {
            is_under_way |= self.engine_mut(serial).is_some_and(|engine| !engine.rumours.is_empty());
            self.shake_hands(serial);
        }
        is_under_way
    }

    /// Every living node with each that it does not know while somebody whom it knows does.
    fn hearsay(&self) -> Vec<(NodeSerial, NodeId)> {
        let engines: Vec<(NodeSerial, &Engine)> = self.engines().collect();
        let mut hearsay = Vec::new();
        for (serial, engine) in &engines {
            let unknown =
                engines.iter().map(|(_, other)| *other).filter(|other| other.id != engine.id && !engine.knows(&other.id));
            let told =
                unknown.filter(|other| engines.iter().any(|(_, teller)| engine.knows(&teller.id) && teller.knows(&other.id)));
            hearsay.extend(told.map(|other| (*serial, other.id.clone())));
        }
        hearsay
    }

    fn shake_hands(&mut self, serial: NodeSerial) {
        let now = self.now;
        let Some(engine) = self.engine_mut(serial) else { return };
        let due: Vec<NodeId> = engine.rumours.iter().filter(|(_, at)| **at <= now).map(|(id, _)| id.clone()).collect();
        for id in due {
            let told = self.serving_of(&id).map(Engine::message);
            let Some(engine) = self.engine_mut(serial) else { return };
            engine.rumours.remove(&id);
            let Some(told) = told else { continue };
            // An introduction is a message like any other to one that knows the node.
            if engine.knows(&id) {
                engine.hear(&told);
            } else {
                engine.conf.peers.entry(id).or_insert_with(Description::default);
            }
        }
    }

    /// A moment between these numbers of milliseconds from now.
    pub(crate) fn soon(&mut self, millis_min: u64, millis_max: u64) -> Timestamp {
        let millis = millis_min + self.random.below((millis_max - millis_min).max(1));
        self.now + TimeDelta::milliseconds(i64::try_from(millis).expect("a short time"))
    }

    fn serving_id(&self, serial: NodeSerial) -> Result<NodeId, &'static str> {
        let engine = self.nodes.get(&serial).and_then(|node| self.serving(node)).ok_or("it does not answer")?;
        Ok(engine.id.clone())
    }
}

impl Engine {
    fn lose_sight_of(&mut self, id: &NodeId, until: Timestamp) {
        if let Some(peer) = self.conf.peers.remove(id) {
            self.conf.unclaimed = self.conf.unclaimed.without(&peer.slots);
        }
        self.rumours.remove(id);
        self.banned.insert(id.clone(), until);
    }
}
