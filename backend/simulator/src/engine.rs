//! A simulated engine: its part of the cluster, its data, and how it takes what others say on the bus.
//!
//! Follows the engine's rules as far as safety depends on them: the higher epoch owns a slot; who loses all slots copies the
//! winner; a full copy replaces everything; a process that ends takes its data along.

use std::collections::BTreeMap;

use valkyard_model::{ClusterSeed, ConfigEpoch, NodeId, SeedRole, SlotSet, Timestamp};

/// A node as a `nodes.conf` or a message on the bus describes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Description {
    pub(crate) replica_of: Option<NodeId>,
    pub(crate) epoch: ConfigEpoch,
    pub(crate) slots: SlotSet,
}

/// What a node remembers in its folder.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Conf {
    pub(crate) own: Description,
    pub(crate) peers: BTreeMap<NodeId, Description>,
    pub(crate) current_epoch: ConfigEpoch,
}

impl Conf {
    /// The first `nodes.conf` of one of a seed's nodes.
    pub(crate) fn from_seed(seed: &ClusterSeed, own: &NodeId) -> Self {
        let describe = |role: &SeedRole| match role {
            SeedRole::Primary { slots, epoch } => Description { replica_of: None, epoch: *epoch, slots: slots.clone() },
            SeedRole::Replica { of } => Description { replica_of: Some(of.clone()), ..Description::default() },
        };
        let mut peers: BTreeMap<NodeId, Description> =
            seed.nodes.iter().map(|node| (node.id.clone(), describe(&node.role))).collect();
        let own = peers.remove(own).unwrap_or_default();
        Self { own, peers, current_epoch: seed.current_epoch }
    }
}

/// A replica's link to its primary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Link {
    Down,
    Syncing { until: Timestamp },
    Up,
}

#[derive(Clone, Debug)]
pub(crate) struct Engine {
    pub(crate) id: NodeId,
    pub(crate) conf: Conf,
    /// Writes in the order they were made.
    pub(crate) data: Vec<u64>,
    pub(crate) offset: u64,
    /// The history of data: a copy with the same one can catch up, any other is replaced.
    pub(crate) lineage: u64,
    pub(crate) link: Link,
    /// From when on it may call the cluster ok.
    pub(crate) ok_from: Timestamp,
    /// Until when it loads a dataset.
    pub(crate) loads_until: Timestamp,
}

/// What a node says of itself to all others.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) from: NodeId,
    pub(crate) own: Description,
    pub(crate) current_epoch: ConfigEpoch,
}

/// What a message did.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) has_changed: bool,
    /// The sender's claim is void; this is who owns its slots.
    pub(crate) correction: Option<(NodeId, Description)>,
}

impl Engine {
    pub(crate) fn is_primary(&self) -> bool {
        self.conf.own.replica_of.is_none()
    }

    pub(crate) fn claims_slots(&self) -> bool {
        self.is_primary() && !self.conf.own.slots.is_empty()
    }

    pub(crate) fn message(&self) -> Message {
        Message { from: self.id.clone(), own: self.conf.own.clone(), current_epoch: self.conf.current_epoch }
    }

    /// Takes the slots of the primary it copies, at a new epoch, without asking anybody.
    pub(crate) fn take_over(&mut self) -> Result<(), &'static str> {
        let primary = self.conf.own.replica_of.clone().ok_or("it is a primary already")?;
        let known = self.conf.peers.get_mut(&primary).ok_or("its primary is not known to it")?;
        let slots = std::mem::take(&mut known.slots);
        let epoch = ConfigEpoch(self.conf.current_epoch.0 + 1);
        self.conf.own = Description { replica_of: None, epoch, slots };
        self.conf.current_epoch = epoch;
        self.link = Link::Down;
        Ok(())
    }

    /// Starts to copy this primary.
    pub(crate) fn follow(&mut self, primary: &NodeId) {
        self.conf.own.replica_of = Some(primary.clone());
        self.conf.own.slots = SlotSet::default();
        self.link = Link::Down;
    }

    /// Takes what another node says of itself.
    pub(crate) fn hear(&mut self, message: &Message) -> Heard {
        let mut heard = Heard::default();
        if message.current_epoch > self.conf.current_epoch {
            self.conf.current_epoch = message.current_epoch;
            heard.has_changed = true;
        }
        if !self.conf.peers.contains_key(&message.from) {
            return heard;
        }
        let claims = message.own.replica_of.is_none() && !message.own.slots.is_empty();
        if claims && let Some(stronger) = self.stronger_owner(message) {
            heard.correction = Some(stronger);
            return heard;
        }
        if claims {
            heard.has_changed |= self.yield_slots(&message.from, &message.own);
        }
        let known = self.conf.peers.get_mut(&message.from).expect("checked above");
        if *known != message.own {
            known.clone_from(&message.own);
            heard.has_changed = true;
        }
        heard.has_changed |= self.follow_the_chain();
        heard
    }

    /// Whoever owns slots of the sender by a higher epoch; of equal ones the lower id, which then raises its epoch.
    fn stronger_owner(&mut self, message: &Message) -> Option<(NodeId, Description)> {
        let overlaps = |other: &Description| other.slots.overlaps(&message.own.slots);
        let is_collision = overlaps(&self.conf.own) && self.conf.own.epoch == message.own.epoch && self.is_primary();
        if is_collision && self.id < message.from {
            let epoch = ConfigEpoch(self.conf.current_epoch.0 + 1);
            self.conf.own.epoch = epoch;
            self.conf.current_epoch = epoch;
        }
        let own = std::iter::once((&self.id, &self.conf.own));
        let others = own.chain(&self.conf.peers).filter(|(id, _)| **id != message.from);
        let stronger = others.filter(|(_, other)| overlaps(other) && other.epoch > message.own.epoch);
        stronger.max_by_key(|(_, other)| other.epoch).map(|(id, other)| (id.clone(), other.clone()))
    }

    /// Gives slots to a claimant of a higher epoch; whoever loses all follows the claimant, copies included.
    fn yield_slots(&mut self, claimant: &NodeId, claim: &Description) -> bool {
        let loses = |other: &Description| other.slots.overlaps(&claim.slots) && other.epoch < claim.epoch;
        let mut has_changed = false;
        if loses(&self.conf.own) {
            self.follow(claimant);
            has_changed = true;
        }
        let mut losers = Vec::new();
        for (id, peer) in self.conf.peers.iter_mut().filter(|(id, peer)| *id != claimant && loses(peer)) {
            peer.slots = SlotSet::default();
            losers.push(id.clone());
        }
        has_changed |= !losers.is_empty();
        if self.conf.own.replica_of.as_ref().is_some_and(|primary| losers.contains(primary)) {
            self.follow(claimant);
        }
        has_changed
    }

    /// A replica of a replica follows that one's primary.
    fn follow_the_chain(&mut self) -> bool {
        let Some(primary) = &self.conf.own.replica_of else { return false };
        let next = self.conf.peers.get(primary).and_then(|peer| peer.replica_of.clone());
        let Some(next) = next.filter(|next| *next != self.id && self.conf.peers.contains_key(next)) else { return false };
        self.follow(&next);
        true
    }
}
