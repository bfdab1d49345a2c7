//! Failover by agreement (`CLUSTER FAILOVER`): the primary pauses writes, the replica catches up, the other primaries vote.

use chrono::TimeDelta;
use valkyard_model::{ConfigEpoch, NodeId, NodeSerial, Timestamp};

use crate::engine::{Engine, Link};
use crate::hearing::Message;
use crate::machine::Machine;

/// How long a primary pauses writes for a replica that never comes (`cluster-manual-failover-timeout`).
const PAUSE: TimeDelta = TimeDelta::seconds(5);
/// How long it takes when all is well.
const MILLIS: std::ops::Range<u64> = 5..50;

/// A failover by agreement that is under way.
#[derive(Clone, Debug)]
pub(crate) struct Handover {
    pub(crate) replica: NodeSerial,
    pub(crate) primary: NodeId,
    pub(crate) at: Timestamp,
}

impl Machine {
    /// Begins a failover by agreement. One that cannot succeed pauses writes and says nothing, as the engine's does.
    pub(crate) fn begin_handover(&mut self, serial: NodeSerial) -> Result<(), &'static str> {
        self.disturb();
        let replica = self.nodes.get(&serial).and_then(|node| self.serving(node)).ok_or("it does not answer")?;
        let primary_id = replica.conf.own.replica_of.clone().ok_or("you should send it to a replica")?;
        let primary = self.serving_of(&primary_id).filter(|primary| replica.knows(&primary.id)).ok_or("the primary is down")?;
        if self.handovers.iter().any(|handover| handover.replica == serial) {
            return Ok(());
        }
        let objection = self.hopelessness(serial, replica, primary);
        let is_heard =
            self.are_linked(replica, primary) && primary.is_primary() && primary.conf.peers[&replica.id].replica_of.is_some();
        let will_succeed = is_heard && self.has_votes(replica) && replica.link == Link::Up;
        if let Some(objection) = objection {
            self.oracle.object(objection);
        }
        if !is_heard {
            return Ok(());
        }
        let until = self.now + PAUSE;
        if let Some(primary) = self.engine_of(&primary_id) {
            primary.paused_until = until;
        }
        if will_succeed {
            let at = self.soon(MILLIS.start, MILLIS.end);
            self.handovers.push(Handover { replica: serial, primary: primary_id, at });
        }
        Ok(())
    }

    /// What anybody could have seen to be missing.
    fn hopelessness(&self, serial: NodeSerial, replica: &Engine, primary: &Engine) -> Option<String> {
        if replica.link != Link::Up {
            return Some(format!("{serial} was told to take over by agreement and is not in sync"));
        }
        if !primary.is_primary() || !self.are_linked(replica, primary) {
            return Some(format!("{serial} was told to take over by agreement without a link to its primary"));
        }
        let (owners, reached) = self.voters(replica);
        let is_lost_by_strangers = reached.len() > owners / 2 && !self.has_votes(replica);
        is_lost_by_strangers.then(|| format!("{serial} was told to take over by agreement without links to those who vote"))
    }

    pub(crate) fn has_votes(&self, replica: &Engine) -> bool {
        let (owners, reached) = self.voters(replica);
        let votes = reached.iter().filter(|voter| voter.id == replica.id || self.are_linked(replica, voter)).count();
        votes > owners / 2
    }

    pub(crate) fn run_handovers(&mut self) {
        let due: Vec<Handover> = self.handovers.extract_if(.., |handover| handover.at <= self.now).collect();
        for handover in due {
            self.finish_handover(&handover);
        }
    }

    fn finish_handover(&mut self, handover: &Handover) {
        self.disturb();
        let is_there = |engine: &Engine| engine.is_copy_of(&handover.primary);
        let has_replica = self.nodes.get(&handover.replica).and_then(|node| self.serving(node)).is_some_and(is_there);
        let has_primary = self.serving_of(&handover.primary).is_some_and(Engine::is_primary);
        if !has_replica || !has_primary {
            return;
        }
        self.receive(handover.replica, &handover.primary);
        let highest = self.engines().map(|(_, engine)| engine.conf.current_epoch).max().unwrap_or_default();
        let Some(engine) = self.engine_mut(handover.replica) else { return };
        // The vote carries the highest epoch among the voters.
        engine.conf.current_epoch = highest;
        if engine.take_over().is_err() {
            return;
        }
        let message: Message = engine.message();
        let epoch: ConfigEpoch = message.own.epoch;
        let now = self.now;
        self.end_migrations_of(&handover.primary, "a failover occurred");
        if let Some(primary) = self.engine_of(&handover.primary) {
            primary.conf.current_epoch = primary.conf.current_epoch.max(epoch);
            primary.hear(&message);
            primary.paused_until = now;
        }
    }
}
