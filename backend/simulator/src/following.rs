//! A primary instance elsewhere and the links from it: what its shards have written, how much of that each can send again, and
//! what arrives here.
//!
//! Every write has a number of its own, so that what an engine holds tells whether it is a prefix of its source's history.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};

use valkyard_model::{
    LinkSeen, NodeSerial, ReplicationPoint, ReplicationSeen, Reseeding, Role, SeedLack, Seen, ShardIndex, Slot, SlotSet,
    SourceSeen, SourceShard, StreamState, Switchover, even_shares,
};

use crate::engine::Engine;
use crate::keys::{Keys, Point};
use crate::machine::Machine;
use crate::slots::{CLIENT_SLOTS, client_slot};
use crate::switchover::Elsewhere;

/// Writes of the source that it can send again.
const BACKLOG: usize = 60;
/// How often, in a hundred ticks, a shard of the source is written to.
const WRITE_PERCENT: u64 = 20;
/// Most writes that a link carries in a tick.
const BATCH: usize = 8;
/// Where the source's nodes listen: an address of no simulated node.
const SOURCE_IP: Ipv4Addr = Ipv4Addr::new(127, 77, 0, 1);
const PRIMARY_PORT: u16 = 11_000;
const COPY_PORT: u16 = 12_000;
/// Numbers of the source's writes begin here, above those of this machine.
pub(crate) const FIRST_NUMBER: u64 = 1 << 50;

/// What one shard of the source has written, oldest first.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) slots: SlotSet,
    pub(crate) lineage: u64,
    pub(crate) entries: Vec<(Slot, u64)>,
    /// What it was before it lost some of it, by lineage.
    pub(crate) former: BTreeMap<u64, Vec<(Slot, u64)>>,
}

/// A link that this daemon holds.
#[derive(Clone, Debug)]
pub(crate) struct SimLink {
    source: SocketAddrV4,
    target: NodeSerial,
    state: StreamState,
    applied: Option<Point>,
}

/// The source and its links.
#[derive(Clone, Debug, Default)]
pub(crate) struct Following {
    pub(crate) logs: BTreeMap<ShardIndex, Log>,
    pub(crate) links: BTreeMap<ShardIndex, SimLink>,
    is_away: bool,
    pub(crate) next_number: u64,
    pub(crate) elsewhere: Elsewhere,
}

impl Log {
    fn history(&self, lineage: u64) -> Option<&[(Slot, u64)]> {
        if lineage == self.lineage { Some(&self.entries) } else { self.former.get(&lineage).map(Vec::as_slice) }
    }

    fn is_prefix(history: &[(Slot, u64)], data: &Keys, length: usize) -> bool {
        let holds = |(slot, number): &(Slot, u64)| data.holds(*slot, *number);
        history.get(..length).is_some_and(|prefix| data.count() == length as u64 && prefix.iter().all(holds))
    }

    /// Whether this is what the shard had at some time: at the point it says, if it says one.
    fn has_been(&self, data: &Keys) -> bool {
        match data.point {
            Some(point) => {
                let length = usize::try_from(point.offset).unwrap_or(usize::MAX);
                self.history(point.lineage).is_some_and(|history| Self::is_prefix(history, data, length))
            }
            None => {
                let length = usize::try_from(data.count()).unwrap_or(usize::MAX);
                let histories = self.former.values().map(Vec::as_slice).chain([self.entries.as_slice()]);
                histories.into_iter().any(|history| Self::is_prefix(history, data, length))
            }
        }
    }
}

impl Following {
    /// The source of an instance that follows one.
    pub(crate) fn of(role: &Role, shards: u16) -> Self {
        let logs = match role {
            Role::Secondary { .. } => even_shares(shards).into_iter().zip(0..).map(|(share, index)| {
                let log = Log { slots: SlotSet::from_iter([share]), lineage: 1, entries: Vec::new(), former: BTreeMap::new() };
                (ShardIndex(index), log)
            }),
            Role::None | Role::Primary { .. } | Role::Leaving => return Self::default(),
        };
        Self { logs: logs.collect(), next_number: FIRST_NUMBER, ..Self::default() }
    }
}

impl Machine {
    /// Nothing is known of the source, and no link gets anything, until it is back.
    pub fn set_source_away(&mut self, is_away: bool) {
        self.following.is_away = is_away;
    }

    /// A shard of the source loses its newest writes and goes on with another history.
    pub fn lose_source_history(&mut self, shard: ShardIndex, writes: usize) {
        let lineage = self.fresh_number();
        let Some(log) = self.following.logs.get_mut(&shard) else { return };
        log.former.insert(log.lineage, log.entries.clone());
        log.entries.truncate(log.entries.len().saturating_sub(writes));
        log.lineage = lineage;
        self.disturb();
    }

    /// Writes that the source has and no serving primary here.
    #[must_use]
    pub fn unfollowed_writes(&self) -> usize {
        let lacks =
            |(slot, number): &&(Slot, u64)| self.owner_of(*slot).is_none_or(|(_, owner)| !owner.data.holds(*slot, *number));
        self.following.logs.values().flat_map(|log| &log.entries).filter(lacks).count()
    }

    /// Whether a node of a shard has new data in its folder that nobody has counted.
    #[must_use]
    pub fn is_seeded(&self, shard: ShardIndex) -> bool {
        let imports =
            self.nodes.values().filter(|node| node.shard == shard).filter_map(|node| node.folder.as_ref()?.import.as_ref());
        imports.into_iter().any(|import| !import.is_counted)
    }

    /// Engines that carry a point.
    #[must_use]
    pub fn points(&self) -> usize {
        self.engines().filter(|(_, engine)| engine.data.point.is_some()).count()
    }

    /// Keys that a shard serves.
    #[must_use]
    pub fn keys_of(&self, shard: ShardIndex) -> usize {
        let primary = self.serving_primary(shard).and_then(|serial| self.nodes[&serial].engine());
        primary.map_or(0, |engine| usize::try_from(engine.data.count()).expect("few keys"))
    }

    /// Writes of the source so far.
    #[must_use]
    pub fn source_writes(&self) -> usize {
        self.following.logs.values().map(|log| log.entries.len()).sum()
    }

    /// The data that a tap of this shard gives now.
    pub(crate) fn tapped(&self, shard: ShardIndex) -> Option<(Keys, ReplicationPoint)> {
        let log = self.following.logs.get(&shard).filter(|_| !self.following.is_away)?;
        let mut keys = Keys::default();
        log.entries.iter().for_each(|(slot, number)| keys.insert(*slot, *number));
        Some((keys, point_message(Point { lineage: log.lineage, offset: log.entries.len() as u64 })))
    }

    pub(crate) fn replication_seen(&self) -> ReplicationSeen {
        let Some(record) = &self.record else { return ReplicationSeen::default() };
        let source = record.replication.role.primary().filter(|_| !self.following.is_away).map(|primary| {
            let shard = |(index, log): (&ShardIndex, &Log)| {
                let at = |port: u16| SocketAddrV4::new(SOURCE_IP, port + index.0);
                let (primary, copies, offset) = (at(PRIMARY_PORT), vec![at(COPY_PORT)], log.entries.len() as u64);
                (*index, SourceShard { slots: log.slots.clone(), primary, copies, offset })
            };
            let shards = self.following.logs.iter().map(shard).collect();
            SourceSeen { uid: primary.uid, shards, is_settled: true, is_closed: self.is_source_closed() }
        });
        let link = |(shard, link): (&ShardIndex, &SimLink)| {
            let SimLink { source, target, state, applied } = link.clone();
            let applied = applied.map(point_message);
            let seen =
                LinkSeen { source, target, state, applied, source_offset: None, lag_bytes: None, lag: None, synced_at: None };
            (*shard, seen)
        };
        let replication = &record.replication;
        let changes_places = matches!(
            replication.switchover,
            Some(Switchover::Opening { .. } | Switchover::Clearing | Switchover::TakingOver { .. })
        );
        let tells_points = replication.role == Role::Leaving || changes_places || !replication.uncleared.is_empty();
        let point = |(serial, engine): (NodeSerial, &Engine)| {
            (serial, engine.data.point.map_or(Seen::Absent, |point| Seen::Known(point_message(point))))
        };
        let points = self.engines().filter(|(_, engine)| tells_points && engine.is_primary()).map(point).collect();
        ReplicationSeen { source, links: self.following.links.iter().map(link).collect(), points }
    }

    pub(crate) fn ensure_link(&mut self, shard: ShardIndex, source: SocketAddrV4, target: NodeSerial) {
        let present = self.following.links.get(&shard);
        if present.is_some_and(|link| (link.source, link.target) == (source, target) && !link.state.stands_still()) {
            return;
        }
        let link = SimLink { source, target, state: StreamState::Connecting, applied: None };
        self.following.links.insert(shard, link);
        self.disturb();
    }

    pub(crate) fn set_reseeding(&mut self, shards: &Reseeding) {
        let now = self.now;
        self.accept(|record| {
            let replication = &mut record.replication;
            let done = replication.reseeding.keys().filter(|shard| !shards.contains_key(shard));
            replication.reseeded.extend(done.map(|shard| (*shard, now)));
            replication.reseeding.clone_from(shards);
        });
    }

    pub(crate) fn end_link(&mut self, shard: ShardIndex) {
        self.following.links.remove(&shard);
        self.disturb();
    }

    pub(crate) fn lose_links(&mut self) {
        self.following.links.clear();
    }

    /// Has a primary carry the point of the data that it began with.
    pub(crate) fn write_point(&mut self, serial: NodeSerial, point: &ReplicationPoint) -> Result<(), &'static str> {
        let can_write = self.nodes.get(&serial).and_then(|node| self.serving(node)).is_some_and(|engine| self.calls_ok(engine));
        let engine = self.engine_mut(serial).filter(|engine| can_write && engine.is_primary()).ok_or("it takes no writes")?;
        engine.data.point = Some(point_of(point));
        engine.offset += 1;
        Ok(())
    }

    pub(crate) fn clear_point(&mut self, serial: NodeSerial) -> Result<(), &'static str> {
        if !self.following.links.is_empty() {
            self.oracle.object("a point was cleared under a link".to_owned());
        }
        let engine = self.engine_mut(serial).filter(|engine| engine.is_primary()).ok_or("it takes no writes")?;
        engine.data.point = None;
        engine.offset += 1;
        Ok(())
    }

    pub(crate) fn record_detached(&mut self, rest: &BTreeSet<ShardIndex>) {
        if !self.following.links.is_empty() {
            self.oracle.object("clients may write while a link does".to_owned());
        }
        let rest = rest.clone();
        self.accept(|record| {
            record.replication.role = Role::None;
            record.replication.uncleared = rest;
        });
    }

    /// Time passes for the source and its links.
    pub(crate) fn run_links(&mut self) {
        if self.following.logs.is_empty() {
            return;
        }
        let shards: Vec<ShardIndex> = self.following.logs.keys().copied().collect();
        for shard in shards {
            self.write_to_source(shard);
            self.stream(shard);
        }
        self.judge_copies();
    }

    fn write_to_source(&mut self, shard: ShardIndex) {
        if self.following.is_away || !self.random.chance(WRITE_PERCENT) || !self.is_source_open() {
            return;
        }
        let Some(log) = self.following.logs.get_mut(&shard) else { return };
        let slots: Vec<Slot> = (0..CLIENT_SLOTS).map(client_slot).filter(|slot| log.slots.contains(*slot)).collect();
        let index = usize::try_from(self.random.below(slots.len() as u64)).expect("few slots");
        self.following.next_number += 1;
        log.entries.push((slots[index], self.following.next_number));
    }

    /// Whether there is somebody elsewhere who takes writes.
    fn is_source_open(&self) -> bool {
        let follows = self.record.as_ref().is_some_and(|record| record.replication.role.primary().is_some());
        follows && !self.is_source_closed() && !matches!(self.stage(), Some(Switchover::AwaitingPoints { .. }))
    }

    fn stream(&mut self, shard: ShardIndex) {
        let Some(link) = self.following.links.get(&shard).filter(|link| !link.state.stands_still()) else { return };
        let target = link.target;
        let (state, applied) = match self.next_batch(shard, target) {
            Err(state) => (state, None),
            Ok((batch, point)) => {
                let Some(engine) = self.engine_mut(target) else { return };
                for (slot, number) in &batch {
                    engine.data.insert(*slot, *number);
                }
                engine.offset += batch.len() as u64;
                engine.data.point = Some(point);
                (StreamState::Streaming, Some(point))
            }
        };
        if let Some(link) = self.following.links.get_mut(&shard) {
            (link.state, link.applied) = (state, applied);
        }
    }

    /// What goes to this target next, and the point that it has then.
    fn next_batch(&mut self, shard: ShardIndex, target: NodeSerial) -> Result<(Vec<(Slot, u64)>, Point), StreamState> {
        let broken = || StreamState::Broken { reason: "it cannot be reached".to_owned() };
        let needs_seed = |lack, reason: &str| StreamState::NeedsSeed { lack, reason: reason.to_owned() };
        let size = usize::try_from(self.random.below(BATCH as u64)).expect("small");
        let engine = self.nodes.get(&target).and_then(|node| self.serving(node));
        let engine = engine.filter(|engine| engine.is_primary() && self.calls_ok(engine) && engine.loads_until <= self.now);
        let engine = engine.filter(|_| !self.following.is_away).ok_or_else(broken)?;
        let log = self.following.logs.get(&shard).ok_or_else(broken)?;
        let point = engine.data.point.ok_or_else(|| needs_seed(SeedLack::Point, "the target has no point"))?;
        let begin = usize::try_from(point.offset).unwrap_or(usize::MAX);
        let kept_from = log.entries.len().saturating_sub(BACKLOG);
        if point.lineage != log.lineage || begin < kept_from || begin > log.entries.len() {
            return Err(needs_seed(SeedLack::History, "the history is gone"));
        }
        let end = (begin + size).min(log.entries.len());
        Ok((log.entries[begin..end].to_vec(), Point { lineage: log.lineage, offset: end as u64 }))
    }

    /// Nobody may read anything that the source never was, and no client may write to a copy.
    fn judge_copies(&mut self) {
        let follows = |role: &Role| matches!(role, Role::Secondary { .. });
        if !self.record.as_ref().is_some_and(|record| follows(&record.replication.role)) {
            return;
        }
        let mut objections = Vec::new();
        for (serial, engine) in self.engines().filter(|(_, engine)| engine.loads_until <= self.now) {
            let shard = self.nodes[&serial].shard;
            let Some(log) = self.following.logs.get(&shard) else { continue };
            if !log.has_been(&engine.data) {
                let (count, point) = (engine.data.count(), engine.data.point);
                objections.push(format!("{serial} of {shard} has {count} keys at {point:?}, which its source never had"));
            }
            if engine.part.access != valkyard_model::Access::ReadOnly {
                objections.push(format!("clients may write to {serial}"));
            }
        }
        objections.into_iter().for_each(|objection| self.oracle.object(objection));
    }
}

pub(crate) fn point_message(point: Point) -> ReplicationPoint {
    ReplicationPoint { replication_id: point.lineage.to_string(), offset: point.offset }
}

fn point_of(message: &ReplicationPoint) -> Point {
    Point { lineage: message.replication_id.parse().expect("a lineage"), offset: message.offset }
}
