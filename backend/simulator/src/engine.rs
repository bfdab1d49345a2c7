//! A simulated engine: its part of the cluster, its data, its commands that concern nobody else.
//!
//! Follows the engine's rules as far as safety depends on them: the higher epoch owns a slot; who loses all slots to one
//! claimant copies it; a full copy replaces everything; a process that ends takes its data along.

use std::collections::BTreeMap;

use valkyard_model::{
    BinaryVersion, ClusterSeed, ConfigEpoch, HistoryNames, LiveSettings, MigrationSeen, NodeId, OpenSlot, PartSeen, SeedRole,
    Slot, SlotSet, Timestamp,
};

use crate::disk::Diligence;
use crate::keys::Keys;

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
    /// Slots that are being moved by keys.
    pub(crate) open_slots: BTreeMap<Slot, OpenSlot>,
    /// Slots whose owner by this view does not claim them any more: anybody may.
    pub(crate) unclaimed: SlotSet,
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
        let (open_slots, unclaimed) = (BTreeMap::new(), SlotSet::default());
        Self { own, peers, current_epoch: seed.current_epoch, open_slots, unclaimed }
    }

    /// Makes slots the property of this node or of a peer, by this view, whatever anybody claims.
    pub(crate) fn assign(&mut self, slots: &SlotSet, owner: Owner<'_>) {
        self.own.slots = self.own.slots.without(slots);
        for peer in self.peers.values_mut() {
            peer.slots = peer.slots.without(slots);
        }
        self.unclaimed = self.unclaimed.without(slots);
        match owner {
            Owner::Myself => self.own.slots = self.own.slots.union(slots),
            Owner::Peer(id) => {
                if let Some(peer) = self.peers.get_mut(id) {
                    peer.slots = peer.slots.union(slots);
                }
            }
        }
    }
}

/// Who owns slots by a node's view.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Owner<'i> {
    Myself,
    Peer(&'i NodeId),
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
    pub(crate) version: BinaryVersion,
    pub(crate) conf: Conf,
    pub(crate) data: Keys,
    pub(crate) disk: Diligence,
    /// Whether it could read its data; one that could not ends.
    pub(crate) is_readable: bool,
    pub(crate) libraries: u32,
    pub(crate) settings: LiveSettings,
    pub(crate) part: PartSeen,
    pub(crate) offset: u64,
    /// The history of data: a copy with the same one can catch up, any other is replaced.
    pub(crate) lineage: u64,
    /// What its stream is called.
    pub(crate) history: HistoryNames,
    pub(crate) link: Link,
    /// From when on it may call the cluster ok.
    pub(crate) ok_from: Timestamp,
    /// Until when it loads a dataset.
    pub(crate) loads_until: Timestamp,
    /// From when on its links to the others are up.
    pub(crate) linked_from: Timestamp,
    /// Until when it accepts no writes, as a replica is about to take over by agreement.
    pub(crate) paused_until: Timestamp,
    /// Whom it will not learn of, until when.
    pub(crate) banned: BTreeMap<NodeId, Timestamp>,
    /// Of whom it will learn, when.
    pub(crate) rumours: BTreeMap<NodeId, Timestamp>,
    pub(crate) migrations: Vec<MigrationSeen>,
}

impl Engine {
    pub(crate) fn is_primary(&self) -> bool {
        self.conf.own.replica_of.is_none()
    }

    pub(crate) fn claims_slots(&self) -> bool {
        self.is_primary() && !self.conf.own.slots.is_empty()
    }

    pub(crate) fn claims(&self, slot: Slot) -> bool {
        self.is_primary() && self.conf.own.slots.contains(slot)
    }

    pub(crate) fn knows(&self, id: &NodeId) -> bool {
        self.conf.peers.contains_key(id)
    }

    pub(crate) fn follows(&self, id: &NodeId) -> bool {
        self.conf.own.replica_of.as_ref() == Some(id)
    }

    /// Whether it has everything that this primary had, but for what is on its way.
    pub(crate) fn is_copy_of(&self, id: &NodeId) -> bool {
        self.follows(id) && self.link == Link::Up
    }

    pub(crate) fn imports(&self, slot: Slot) -> bool {
        matches!(self.conf.open_slots.get(&slot), Some(OpenSlot::ImportingFrom(_)))
    }

    /// Takes the slots of the primary it copies, at a new epoch, without asking anybody: those that it believes to be the
    /// primary's.
    pub(crate) fn take_over(&mut self) -> Result<(), &'static str> {
        let primary = self.conf.own.replica_of.clone().ok_or("it is a primary already")?;
        let known = self.conf.peers.get_mut(&primary).ok_or("its primary is not known to it")?;
        let slots = std::mem::take(&mut known.slots);
        self.conf.unclaimed = self.conf.unclaimed.without(&slots);
        let epoch = ConfigEpoch(self.conf.current_epoch.0 + 1);
        self.conf.own = Description { replica_of: None, epoch, slots };
        self.conf.current_epoch = epoch;
        self.link = Link::Down;
        self.rename_history();
        Ok(())
    }

    /// Raises its epoch above all that it knows, unless it is above them already (`CLUSTER BUMPEPOCH`).
    pub(crate) fn bump_epoch(&mut self) {
        let others = self.conf.peers.values().map(|peer| peer.epoch).max().unwrap_or_default();
        let highest = others.max(self.conf.current_epoch);
        if self.conf.own.epoch < highest || self.conf.own.epoch <= others {
            let epoch = ConfigEpoch(highest.0 + 1);
            self.conf.own.epoch = epoch;
            self.conf.current_epoch = epoch;
        }
    }

    /// Starts to copy this primary.
    pub(crate) fn follow(&mut self, primary: &NodeId) {
        self.conf.own.replica_of = Some(primary.clone());
        self.conf.own.slots = SlotSet::default();
        self.conf.open_slots.clear();
        self.link = Link::Down;
    }
}
