//! The cluster as one observation tells it: which nodes live, and who owns each shard's slots.
//!
//! Every planning module reads this view. Its invariant: a node counts as dead only when that is certain, and an engine
//! that answers with another identity is never taken for the node's. It decides nothing.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::SocketAddrV4;

use valkyard_model::{
    ConfigEpoch, DataSource, DesiredInstance, EngineSeen, ImportSource, InitialRole, LinkState, LiveSettings, NodeAllocation,
    NodeHistory, NodeId, NodeKind, NodeObservation, NodeSerial, Observation, RoleSeen, SLOT_COUNT, Seen, ShardIndex, SlotSet,
    SourceSeen, Timestamp, even_shares,
};

use crate::census::{self, Places, View};
use crate::durability::{Persists, may_hold_more};
use crate::rebalance::Holding;
use crate::settings::node_settings;

/// What is known of an allocated node that an observation leaves out: nothing.
static UNSEEN: NodeObservation = NodeObservation {
    files: Seen::Unknown,
    process: Seen::Unknown,
    engine: Seen::Unknown,
    history: NodeHistory {
        starts: 0,
        last_start: None,
        last_exit: None,
        stops: 0,
        last_stop: None,
        silent_since: None,
        in_sync_since: None,
        may_have_taken_over: false,
        last_failover: None,
        forgotten_since: None,
        is_at_rest: false,
        torn_log: None,
        saves: 0,
        last_save: None,
    },
};

/// Whether a node lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Its process runs, or its engine answers.
    Alive,
    /// Its process is gone for certain: it holds no lock, and nobody accepts connections at its address.
    Dead,
    /// It cannot be told, or the signs contradict each other.
    Uncertain,
}

/// An allocated node and what was seen of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<'a> {
    pub(crate) allocation: &'a NodeAllocation,
    pub(crate) seen: &'a NodeObservation,
    /// Its place in [`crate::census::Places`].
    pub(crate) place: usize,
    engine: Option<&'a EngineSeen>,
    life: Life,
    /// What its folder holds that may be loaded, and of when; nothing where nothing is persisted.
    pub(crate) data: Option<(DataSource, Timestamp)>,
}

impl<'a> Node<'a> {
    fn new(allocation: &'a NodeAllocation, seen: &'a NodeObservation, place: usize, persists: Persists) -> Self {
        let engine = seen.engine.known().filter(|engine| engine.id == allocation.id);
        let data = match persists {
            Persists::Nothing => None,
            Persists::Data => seen.files.known().and_then(|files| files.data.newest()),
        };
        Self { allocation, seen, place, engine, life: life(seen, engine), data }
    }

    pub(crate) fn serial(&self) -> NodeSerial {
        self.allocation.serial
    }

    pub(crate) fn id(&self) -> &'a NodeId {
        &self.allocation.id
    }

    /// The engine's word, if it answers with this node's identity.
    pub(crate) fn engine(&self) -> Option<&'a EngineSeen> {
        self.engine
    }

    /// The identity of somebody else's engine that answers at this node's address.
    pub(crate) fn foreign_engine(&self) -> Option<&'a NodeId> {
        self.seen.engine.known().map(|engine| &engine.id).filter(|id| **id != self.allocation.id)
    }

    pub(crate) fn life(&self) -> Life {
        self.life
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.life() == Life::Dead
    }

    /// Whether the engine says that it owns slots.
    pub(crate) fn claims_slots(&self) -> bool {
        self.engine().is_some_and(|engine| engine.role == RoleSeen::Primary && !engine.slots.is_empty())
    }

    /// Whether the engine says that it is a primary without slots: it holds no data of the instance.
    pub(crate) fn is_empty_primary(&self) -> bool {
        self.engine().is_some_and(|engine| engine.role == RoleSeen::Primary && engine.slots.is_empty())
    }

    /// Whether it has keys, whatever it owns: a replica that took over before it heard of its primary's slots looks empty.
    pub(crate) fn has_keys(&self) -> bool {
        self.engine().is_some_and(|engine| engine.keys > 0)
    }

    /// Whether it is on its way out and never copied anything: nobody will miss it.
    pub(crate) fn leaves_with_nothing(&self) -> bool {
        let is_blank = |engine: &EngineSeen| engine.keys == 0 && engine.replication_offset == 0 && !engine.loading;
        !self.is_member() && self.engine().is_some_and(is_blank)
    }

    /// Whether it has heard of all slots that this primary owns, so that it would take them all over.
    pub(crate) fn knows_slots_of(&self, primary: &Node<'_>) -> bool {
        let (Some(engine), Some(owner)) = (self.engine(), primary.engine()) else { return false };
        engine.peers.get(primary.id()).is_some_and(|peer| peer.slots == owner.slots)
    }

    /// Whether it says that it copies this node, in sync or not.
    pub(crate) fn follows(&self, primary: &Node<'_>) -> bool {
        self.engine().is_some_and(|engine| match &engine.role {
            RoleSeen::Replica { of, .. } => of == primary.id(),
            RoleSeen::Primary => false,
        })
    }

    /// Whether it is receiving a full copy.
    pub(crate) fn is_syncing(&self) -> bool {
        let syncing = |engine: &EngineSeen| matches!(engine.role, RoleSeen::Replica { link: LinkState::Syncing, .. });
        self.engine().is_some_and(syncing)
    }

    /// Whether it is an in-sync copy of this primary.
    pub(crate) fn copies(&self, primary: &NodeId) -> bool {
        self.engine().is_some_and(|engine| match &engine.role {
            RoleSeen::Replica { of, link: LinkState::Up } => of == primary && !engine.loading,
            RoleSeen::Replica { link: LinkState::Syncing | LinkState::Down, .. } | RoleSeen::Primary => false,
        })
    }

    pub(crate) fn client_address(&self, desired: &DesiredInstance) -> SocketAddrV4 {
        SocketAddrV4::new(desired.address.ip, self.allocation.port.0)
    }
}

fn life(seen: &NodeObservation, engine: Option<&EngineSeen>) -> Life {
    match (&seen.process, &seen.engine) {
        (Seen::Known(_), _) => Life::Alive,
        // An engine that answers without a process lost its folder, and with it the lock that tells.
        (Seen::Absent | Seen::Unknown, _) if engine.is_some() => Life::Alive,
        (Seen::Absent, Seen::Absent) => Life::Dead,
        // Whoever listens at the address is somebody else.
        (Seen::Absent | Seen::Unknown, _) if seen.history.is_at_rest => Life::Dead,
        // No lock is no proof: it goes with the folder while the process lives on.
        (Seen::Absent, Seen::Known(_) | Seen::Unknown) | (Seen::Unknown, _) => Life::Uncertain,
    }
}

/// A node's ownership of slots, in its own words or in a peer's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim<'a> {
    pub(crate) node: NodeSerial,
    pub(crate) epoch: ConfigEpoch,
    /// `None` when only a replica's allegiance tells who the owner is.
    pub(crate) slots: Option<&'a SlotSet>,
    is_own_word: bool,
}

impl Claim<'_> {
    /// The higher epoch wins, as on the bus; of equal ones the claimant's own word, then the older node.
    fn rank(&self) -> (ConfigEpoch, bool, Reverse<NodeSerial>) {
        (self.epoch, self.is_own_word, Reverse(self.node))
    }
}

/// The nodes of one shard.
#[derive(Debug)]
pub(crate) struct Shard<'a> {
    pub(crate) index: ShardIndex,
    pub(crate) nodes: Vec<Node<'a>>,
    /// The strongest claim to its slots that anybody living knows of.
    pub(crate) claim: Option<Claim<'a>>,
    /// Whether every slot is owned by a living primary of another shard.
    pub(crate) owns_nothing: bool,
}

impl<'a> Shard<'a> {
    pub(crate) fn owner(&self) -> Option<&Node<'a>> {
        let claim = self.claim?;
        self.nodes.iter().find(|node| node.serial() == claim.node)
    }

    /// The owner, when it lives and says itself that it is the primary.
    pub(crate) fn primary(&self) -> Option<&Node<'a>> {
        self.owner().filter(|owner| owner.life() == Life::Alive && owner.claims_slots())
    }

    /// Who leads the shard: its primary, or, while the shard owns no slots, the empty primary that most others copy; one that
    /// stays before one that leaves.
    pub(crate) fn lead(&self) -> Option<&Node<'a>> {
        if !self.slots().is_empty() {
            return self.primary();
        }
        let followers = |node: &Node<'_>| self.siblings(node).filter(|other| other.follows(node)).count();
        let empty = self.nodes.iter().filter(|node| node.life() == Life::Alive && node.is_empty_primary());
        empty.max_by_key(|node| (node.is_member(), followers(node), Reverse(node.serial())))
    }

    /// Slots that the shard owns as far as anybody knows.
    pub(crate) fn slots(&self) -> SlotSet {
        self.claim.and_then(|claim| claim.slots).cloned().unwrap_or_default()
    }

    /// Whether every node that lives serves as the lead or as an in-sync copy of it.
    pub(crate) fn is_calm(&self) -> bool {
        self.lead().is_some_and(|lead| {
            let is_placed = |node: &&Node<'_>| node.is_dead() || node.copies(lead.id());
            self.siblings(lead).all(|node| is_placed(&node))
        })
    }

    /// Who starts as the primary of a new shard.
    pub(crate) fn initial_primary(&self) -> Option<&Node<'a>> {
        let members = || self.nodes.iter().filter(|node| node.is_member());
        members().find(|node| node.allocation.initial_role == InitialRole::Primary).or_else(|| members().next())
    }

    pub(crate) fn siblings<'s>(&'s self, node: &Node<'_>) -> impl Iterator<Item = &'s Node<'a>> + use<'s, 'a> {
        let serial = node.serial();
        self.nodes.iter().filter(move |other| other.serial() != serial)
    }

    /// Whether nothing of the shard's data can be left anywhere.
    pub(crate) fn is_dead(&self) -> bool {
        self.nodes.iter().all(|node| node.is_dead() || node.leaves_with_nothing())
    }

    /// The node that forbids to wake this dead one.
    ///
    /// A primary that wakes up empty makes its replicas copy nothing. So while a shard has no living primary, its dead nodes
    /// sleep until a takeover has settled, or until nobody is left who could hold a copy; and a node that others still copy
    /// sleeps in any case. Replicas sleep too: any of them may have been promoted without anybody else hearing of it. A shard
    /// that owns nothing has nothing to lose.
    pub(crate) fn wake_blocker(&self, node: &Node<'_>) -> Option<&Node<'a>> {
        if self.owns_nothing {
            return None;
        }
        let follower = self.siblings(node).find(|other| other.is_member() && other.life() == Life::Alive && other.follows(node));
        if self.primary().is_some() {
            return follower;
        }
        let has_nothing = |sibling: &&Node<'_>| {
            let mut empty = self.nodes.iter().filter(|other| other.life() == Life::Alive && other.is_empty_primary());
            let is_hollow = sibling.is_empty_primary() || empty.any(|primary| sibling.follows(primary));
            // What a primary left on disk is worth more than what a copy never got.
            let is_behind_disk = node.data.is_some() && !may_hold_more(self, sibling);
            let is_hollow = is_hollow && !sibling.has_keys();
            sibling.is_dead() || sibling.leaves_with_nothing() || is_hollow || is_behind_disk
        };
        let mut holders = self.siblings(node).filter(|sibling| !has_nothing(sibling));
        let first = holders.next()?;
        Some(holders.find(|holder| holder.engine().is_none()).filter(|_| first.engine().is_some()).unwrap_or(first))
    }
}

/// The shards of an instance, in order.
#[derive(Debug)]
pub(crate) struct Cluster<'a> {
    pub(crate) desired: &'a DesiredInstance,
    pub(crate) shards: Vec<Shard<'a>>,
    /// The primary instance that it follows, if it follows one and something is known of that.
    pub(crate) source: Option<&'a SourceSeen>,
    /// Whom each node that answers knows, by place.
    views: Vec<Option<View>>,
    /// Whether all nodes that answer know each other.
    pub(crate) is_acquainted: bool,
    /// What nodes of each kind are to run with.
    settings: BTreeMap<NodeKind, LiveSettings>,
}

impl<'a> Cluster<'a> {
    pub(crate) fn of(desired: &'a DesiredInstance, observed: &'a Observation) -> Self {
        let mut by_id: Vec<&NodeAllocation> = desired.nodes.values().collect();
        by_id.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        let places: BTreeMap<NodeSerial, usize> = by_id.iter().enumerate().map(|(place, node)| (node.serial, place)).collect();
        let mut shards: BTreeMap<ShardIndex, Shard<'a>> = BTreeMap::new();
        let mut settings = BTreeMap::new();
        let persists = Persists::of(desired);
        for allocation in desired.nodes.values() {
            let seen = observed.nodes.get(&allocation.serial).unwrap_or(&UNSEEN);
            let index = allocation.shard;
            let shard =
                shards.entry(index).or_insert_with(|| Shard { index, nodes: Vec::new(), claim: None, owns_nothing: false });
            shard.nodes.push(Node::new(allocation, seen, places[&allocation.serial], persists));
            let wanted = || LiveSettings::wanted(&node_settings(desired, allocation));
            settings.entry(allocation.kind).or_insert_with(wanted);
        }
        let primary = desired.replication.role.primary();
        let source = observed.replication.source.as_ref().filter(|source| primary.is_some_and(|one| one.uid == source.uid));
        let shards = shards.into_values().collect();
        let mut cluster = Self { desired, shards, source, views: Vec::new(), is_acquainted: false, settings };
        cluster.survey(&by_id);
        cluster
    }

    /// Goes through every node's view once: who knows whom, and who claims what.
    fn survey(&mut self, by_id: &[&'a NodeAllocation]) {
        let mut claims = Claims::default();
        let mut views = vec![None; by_id.len()];
        let mut speaks = vec![false; by_id.len()];
        self.nodes().filter(|node| node.engine().is_some()).for_each(|node| speaks[node.place] = true);
        for node in self.nodes() {
            let Some(engine) = node.engine() else { continue };
            if engine.role == RoleSeen::Primary {
                claims.consider(node.allocation, engine.epoch, &engine.slots, true);
            }
            views[node.place] = Some(census::survey(by_id, engine, |place, peer| {
                // Of a node that answers, only its own word counts: others may show it slots that it has given away.
                if peer.replica_of.is_none() && !speaks[place] {
                    claims.consider(by_id[place], peer.epoch, &peer.slots, false);
                }
            }));
        }
        let mut answering = Places::default();
        (0..speaks.len()).filter(|place| speaks[*place]).for_each(|place| answering.add(place));
        let knows_all = |(place, view): (usize, &Option<View>)| {
            view.as_ref().is_none_or(|view| answering.is_within_but_for(place, &view.known))
        };
        self.is_acquainted = views.iter().enumerate().all(knows_all);
        self.views = views;
        for shard in &mut self.shards {
            shard.claim = claims.0.get(&shard.index).copied().or_else(|| followed_primary(shard));
        }
        if self.holdings().is_some() {
            self.shards.iter_mut().for_each(|shard| shard.owns_nothing = shard.slots().is_empty());
        }
    }

    /// What nodes of this kind are to run with.
    pub(crate) fn wanted_settings(&self, kind: NodeKind) -> Option<&LiveSettings> {
        self.settings.get(&kind)
    }

    /// Whom a node that answers knows.
    pub(crate) fn view(&self, node: &Node<'_>) -> Option<&View> {
        self.views[node.place].as_ref()
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = &Node<'a>> {
        self.shards.iter().flat_map(|shard| &shard.nodes)
    }

    pub(crate) fn shard(&self, index: ShardIndex) -> Option<&Shard<'a>> {
        self.shards.iter().find(|shard| shard.index == index)
    }

    /// The shard that a node with this identity belongs to.
    pub(crate) fn shard_of(&self, id: &NodeId) -> Option<&Shard<'a>> {
        self.shards.iter().find(|shard| shard.nodes.iter().any(|node| node.id() == id))
    }

    /// Whether the spec has this shard.
    pub(crate) fn stays(&self, shard: &Shard<'_>) -> bool {
        shard.index.0 < self.desired.spec.shard_count
    }

    /// The slots that each shard of a new instance begins with; nothing while that depends on a primary instance of which it is
    /// not known.
    pub(crate) fn first_shares(&self) -> Option<Vec<SlotSet>> {
        let count = self.desired.spec.shard_count;
        match self.desired.importing() {
            Some(ImportSource::Primary(_)) => {
                let source = self.source.filter(|source| source.is_settled && source.shards.len() == usize::from(count))?;
                Some(source.shards.values().map(|shard| shard.slots.clone()).collect())
            }
            Some(ImportSource::Backup(_) | ImportSource::Files(_)) | None => {
                Some(even_shares(count).into_iter().map(|share| SlotSet::from_iter([share])).collect())
            }
        }
    }

    /// Who owns what, when that is certain: every slot is claimed by a living primary's own word.
    pub(crate) fn holdings(&self) -> Option<Vec<Holding>> {
        let holding = |shard: &Shard<'a>| {
            let slots = shard.primary().and_then(Node::engine).map(|engine| engine.slots.clone()).unwrap_or_default();
            Holding { shard: shard.index, slots, stays: self.stays(shard) }
        };
        let holdings: Vec<Holding> = self.shards.iter().map(holding).collect();
        let owned: u32 = holdings.iter().map(|holding| u32::from(holding.slots.count())).sum();
        (owned == u32::from(SLOT_COUNT)).then_some(holdings)
    }
}

/// The strongest claim to each shard's slots so far.
#[derive(Debug, Default)]
struct Claims<'a>(BTreeMap<ShardIndex, Claim<'a>>);

impl<'a> Claims<'a> {
    fn consider(&mut self, home: &NodeAllocation, epoch: ConfigEpoch, slots: &'a SlotSet, is_own_word: bool) {
        if slots.is_empty() {
            return;
        }
        let claim = Claim { node: home.serial, epoch, slots: Some(slots), is_own_word };
        let strongest = self.0.entry(home.shard).or_insert(claim);
        if claim.rank() > strongest.rank() {
            *strongest = claim;
        }
    }
}

/// Where no living node knows an owner, a replica still knows whom it copies.
fn followed_primary<'a>(shard: &Shard<'a>) -> Option<Claim<'a>> {
    let followed = shard.nodes.iter().filter_map(Node::engine).find_map(|engine| match &engine.role {
        RoleSeen::Replica { of, .. } => shard.nodes.iter().find(|node| node.id() == of),
        RoleSeen::Primary => None,
    })?;
    Some(Claim { node: followed.serial(), epoch: ConfigEpoch::default(), slots: None, is_own_word: false })
}
