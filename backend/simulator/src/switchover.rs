//! The other side of a switchover, and what the store records of this one. The instance on the machine either is the heir, whose
//! primary is elsewhere, or the primary, whose heir is elsewhere.

use chrono::TimeDelta;
use valkyard_model::{
    Access, Accession, Drained, HistoryNames, Member, NodeSerial, Points, PossibleLoss, ReplicationPoint, Role, ShardIndex,
    Switchover, SwitchoverStep, Timestamp,
};

use crate::engine::Engine;
use crate::following::{Log, point_message};
use crate::keys::Point;
use crate::machine::Machine;
use crate::slots::{CLIENT_SLOTS, client_slot};

/// What the other side does takes up to this long, in milliseconds.
const ELSEWHERE_MILLIS: u64 = 150;

/// What the other side is about to do.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Elsewhere {
    /// When the primary elsewhere has closed its nodes, or the heir elsewhere takes its next step.
    pub(crate) due: Option<Timestamp>,
}

impl Machine {
    /// A switchover to the instance of this machine, or from it to its only secondary elsewhere, is accepted.
    ///
    /// # Panics
    /// When it is in no replication.
    pub fn begin_switchover(&mut self) {
        let now = self.now;
        self.accept(|record| {
            let own = Member { name: record.name.clone(), uid: record.uid };
            let to = match &record.replication.role {
                Role::Secondary { .. } => own,
                Role::Primary { secondaries } => secondaries[0].clone(),
                Role::None | Role::Leaving => panic!("it is in no replication"),
            };
            record.replication.switchover = Some(Switchover::Draining { to, since: now, drained: Vec::new() });
            record.generation = record.generation.next();
            record.shape_generation = record.generation;
        });
    }

    pub(crate) fn stage(&self) -> Option<&Switchover> {
        self.record.as_ref()?.replication.switchover.as_ref()
    }

    /// Whether the primary elsewhere takes no writes any more.
    pub(crate) fn is_source_closed(&self) -> bool {
        self.following.elsewhere.due.is_some_and(|due| due <= self.now)
    }

    pub(crate) fn switch_over(&mut self, step: &SwitchoverStep) -> Result<(), &'static str> {
        match step {
            SwitchoverStep::RecordDrained { ended } => self.record_drained(ended),
            SwitchoverStep::TurnOver { ended, possible_loss } => self.turn_over(ended, *possible_loss),
            SwitchoverStep::GiveUp { .. } => {
                self.following.elsewhere.due = None;
                self.accept(|record| {
                    record.replication.switchover = None;
                    record.generation = record.generation.next();
                    record.shape_generation = record.generation;
                });
            }
            SwitchoverStep::KeepHistory { node } => {
                let engine = self.engine_mut(*node).ok_or("it does not answer")?;
                engine.history.is_kept = true;
            }
            SwitchoverStep::RecordPoints { points } => self.record_points(points),
            SwitchoverStep::TakePoint { node, point } => return self.write_point(*node, point),
            SwitchoverStep::Finish => self.accept(|record| record.replication.switchover = None),
        }
        Ok(())
    }

    fn record_drained(&mut self, ended: &Points) {
        if !self.is_source_closed() {
            self.oracle.object("it was recorded as drained while its primary took writes".to_owned());
        }
        let lacking = self.unfollowed_writes();
        if lacking > 0 {
            self.oracle.object(format!("it was recorded as drained while {lacking} writes were missing"));
        }
        let ended = ended.clone();
        self.accept(|record| {
            let uid = record.uid;
            if let Some(Switchover::Draining { drained, .. }) = &mut record.replication.switchover {
                drained.push(Drained { uid, ended });
            }
        });
    }

    /// The instance becomes the primary. What its primary acknowledged is its own promise from now on.
    fn turn_over(&mut self, ended: &Points, possible_loss: Option<PossibleLoss>) {
        if possible_loss.is_none() {
            for (shard, log) in self.following.logs.clone() {
                for slot in (0..CLIENT_SLOTS).map(client_slot).filter(|slot| log.slots.contains(*slot)) {
                    let numbers = log.entries.iter().filter(|(of, _)| *of == slot).map(|(_, number)| *number);
                    self.oracle.safe.insert(slot, numbers.collect());
                    self.oracle.served_by.insert(slot, shard);
                }
            }
        }
        let (now, ended) = (self.now, ended.clone());
        self.accept(|record| {
            let Some(old) = record.replication.role.primary().cloned() else { return };
            record.replication.role = Role::Primary { secondaries: vec![old.clone()] };
            record.replication.switchover = Some(Switchover::Opening { ended, since: now });
            record.replication.accession = Some(Accession { at: now, from: old, possible_loss });
        });
    }

    fn record_points(&mut self, points: &Points) {
        let mut objections = Vec::new();
        if !self.following.links.is_empty() {
            objections.push("a history was said to begin under a link".to_owned());
        }
        for (shard, point) in points {
            let primary = self.serving_primary(*shard).and_then(|serial| self.nodes[&serial].engine());
            let log = &self.following.logs[shard];
            let is_there = primary.is_some_and(|engine| {
                engine.point_now() == *point && log.entries.iter().all(|(slot, number)| engine.data.holds(*slot, *number))
            });
            if !is_there {
                objections.push(format!("{shard} is not at {point:?} with everything that its primary had"));
            }
        }
        if self.engines().any(|(_, engine)| engine.part.access != Access::ReadOnly) {
            objections.push("clients write while a history begins".to_owned());
        }
        objections.into_iter().for_each(|objection| self.oracle.object(objection));
        self.accept(|record| record.replication.switchover = Some(Switchover::Clearing));
    }

    /// Time passes for the other side.
    pub(crate) fn run_elsewhere(&mut self) {
        let Some(record) = &self.record else { return };
        match (&record.replication.role, &record.replication.switchover) {
            (Role::Secondary { .. }, Some(Switchover::Draining { .. })) if self.following.elsewhere.due.is_none() => {
                self.following.elsewhere.due = Some(self.in_a_moment());
            }
            (Role::Primary { .. }, Some(Switchover::Draining { to, .. })) => {
                let to = to.clone();
                self.take_over_elsewhere(to);
            }
            (Role::Secondary { .. }, Some(Switchover::AwaitingPoints { ended })) => {
                let ended = ended.clone();
                self.tell_points(ended);
            }
            (Role::None | Role::Leaving | Role::Primary { .. } | Role::Secondary { .. }, _) => {}
        }
    }

    fn in_a_moment(&mut self) -> Timestamp {
        let millis = i64::try_from(self.random.below(ELSEWHERE_MILLIS)).expect("small");
        self.now + TimeDelta::milliseconds(millis)
    }

    /// The heir elsewhere has everything a moment after the last node here was closed.
    fn take_over_elsewhere(&mut self, to: Member) {
        let may_write = |engine: &Engine| engine.part.access == Access::ReadWrite;
        let is_open = self.nodes.values().filter_map(|node| node.engine()).any(may_write);
        let Some(shards) = self.record.as_ref().map(|record| record.spec.shard_count) else { return };
        let primaries: Vec<(ShardIndex, NodeSerial)> =
            (0..shards).map(ShardIndex).filter_map(|shard| Some((shard, self.serving_primary(shard)?))).collect();
        if is_open || primaries.len() != usize::from(shards) {
            self.following.elsewhere.due = None;
            return;
        }
        let due = match self.following.elsewhere.due {
            Some(due) => due,
            None => self.in_a_moment(),
        };
        self.following.elsewhere.due = Some(due);
        if due > self.now {
            return;
        }
        let mut ended = Points::new();
        for (shard, serial) in primaries {
            let lineage = self.fresh_number();
            let Some(engine) = self.nodes[&serial].engine() else { return };
            let mut entries: Vec<_> = engine.data.each_in(&engine.conf.own.slots).collect();
            // As they were written.
            entries.sort_by_key(|(_, number)| *number);
            ended.insert(shard, engine.point_now());
            let log = Log { slots: engine.conf.own.slots.clone(), lineage, entries, former: [].into() };
            self.following.logs.insert(shard, log);
        }
        self.following.next_number = self.following.next_number.max(crate::following::FIRST_NUMBER);
        // What was promised here is promised there.
        self.oracle.safe.clear();
        self.oracle.served_by.clear();
        self.following.elsewhere.due = None;
        self.accept(|record| {
            let own = Member { name: record.name.clone(), uid: record.uid };
            record.replication.role = Role::Secondary { primary: to, secondaries: vec![own] };
            record.replication.switchover = Some(Switchover::AwaitingPoints { ended });
        });
    }

    fn tell_points(&mut self, ended: Points) {
        let Some(due) = self.following.elsewhere.due else {
            self.following.elsewhere.due = Some(self.in_a_moment());
            return;
        };
        if due > self.now {
            return;
        }
        let point = |log: &Log| point_message(Point { lineage: log.lineage, offset: log.entries.len() as u64 });
        let points = self.following.logs.iter().map(|(shard, log)| (*shard, point(log))).collect();
        self.following.elsewhere.due = None;
        self.accept(|record| record.replication.switchover = Some(Switchover::TakingOver { ended, points }));
    }
}

impl Engine {
    /// Where it is in its history.
    pub(crate) fn point_now(&self) -> ReplicationPoint {
        ReplicationPoint { replication_id: self.history.replication_id.clone(), offset: self.offset }
    }

    /// It goes on under another name after it took over.
    pub(crate) fn rename_history(&mut self) {
        let replication_id = format!("{}.{}", self.lineage, self.conf.own.epoch.0);
        self.history = HistoryNames { replication_id, former: Some(self.point_now()), is_kept: true };
    }
}
