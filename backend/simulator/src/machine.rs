//! The machine: everything that outlives a daemon. Time passes here and nowhere else.
//!
//! Used by the world (as the reconciler's effects) and by the driver and tests (as fate).

use std::collections::BTreeMap;

use chrono::TimeDelta;
use valkyard_model::{
    DesiredInstance, DiscoverySeen, ExitSeen, Failure, ImportSeen, NodeId, NodeKind, NodeSerial, NodeSettings, Pid, Port,
    ProcessState, ShardIndex, Timestamp,
};

use crate::chaos::Chaos;
use crate::disk::Disk;
use crate::engine::{Conf, Engine};
use crate::following::Following;
use crate::handover::Handover;
use crate::jobs::Jobs;
use crate::moves::Migration;
use crate::oracle::Oracle;
use crate::random::Random;

/// A small value with what an engine adds to it.
const BYTES_PER_KEY: u64 = 256;
/// How finely time passes while anything is under way.
const TICK: TimeDelta = TimeDelta::milliseconds(10);
/// How finely time passes while nothing is.
const CALM_TICK: TimeDelta = TimeDelta::milliseconds(250);
/// Things may be under way for this long after the last event: the engine's longest delays and some.
const UNREST: TimeDelta = TimeDelta::seconds(8);

#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) pid: Pid,
    pub(crate) listens_at: Timestamp,
    pub(crate) ends_at: Option<(Timestamp, Ending)>,
    pub(crate) engine: Engine,
}

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It was asked to: its copies get everything first.
    Asked,
    /// By itself, at once.
    Failed,
    /// By SIGKILL.
    Killed,
}

impl Ending {
    fn status(self) -> &'static str {
        match self {
            Self::Asked => "exit status: 0",
            Self::Failed => "exit status: 1",
            Self::Killed => "signal: 9 (SIGKILL)",
        }
    }
}

/// A node's folder.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub(crate) conf: Conf,
    pub(crate) settings: NodeSettings,
    pub(crate) disk: Disk,
    pub(crate) import: Option<ImportSeen>,
}

/// A time in which a process does nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hang {
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
    /// What can be seen of it.
    pub(crate) state: ProcessState,
}

#[derive(Clone, Debug)]
pub(crate) struct SimNode {
    pub(crate) id: NodeId,
    pub(crate) shard: ShardIndex,
    pub(crate) port: Port,
    pub(crate) kind: NodeKind,
    pub(crate) folder: Option<Folder>,
    pub(crate) process: Option<Process>,
    pub(crate) died_at: Option<Timestamp>,
    /// Known to the daemon that saw it.
    pub(crate) last_exit: Option<ExitSeen>,
    pub(crate) hang: Option<Hang>,
    /// Works, and cannot be seen by the daemon until then.
    pub(crate) hidden_until: Timestamp,
}

impl SimNode {
    /// How and since when its process hangs, if it does.
    pub(crate) fn hangs(&self, now: Timestamp) -> Option<Hang> {
        self.hang.filter(|hang| hang.until > now && self.process.is_some())
    }

    pub(crate) fn silent_since(&self, now: Timestamp) -> Option<Timestamp> {
        self.hangs(now).map(|hang| hang.since)
    }

    pub(crate) fn engine(&self) -> Option<&Engine> {
        self.process.as_ref().map(|process| &process.engine)
    }
}

/// A simulated machine with one instance on it.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Faults in force.
    pub chaos: Chaos,
    pub(crate) now: Timestamp,
    pub(crate) record: Option<DesiredInstance>,
    pub(crate) nodes: BTreeMap<NodeSerial, SimNode>,
    pub(crate) homes: BTreeMap<NodeId, NodeSerial>,
    /// Of every node there ever was.
    pub(crate) ports: BTreeMap<NodeId, Port>,
    pub(crate) discovery: Option<DiscoverySeen>,
    /// Unfinished folders, known to nobody.
    pub(crate) leftovers: u32,
    pub(crate) migrations: Vec<Migration>,
    pub(crate) handovers: Vec<Handover>,
    pub(crate) jobs: Jobs,
    pub(crate) following: Following,
    pub(crate) abandoned: Vec<Failure>,
    pub(crate) random: Random,
    pub(crate) oracle: Oracle,
    pub(crate) steps_begun: u32,
    pub(crate) has_crashed: bool,
    pub(crate) is_bus_quiet: bool,
    pub(crate) is_power_out: bool,
    pub(crate) next_number: u64,
    restless_until: Timestamp,
    has_exited: bool,
}

impl Machine {
    /// A machine on which this instance was accepted and nothing done.
    #[must_use]
    pub fn new(record: DesiredInstance, seed: u64) -> Self {
        let now = record.create_time;
        let following = Following::of(&record.replication.role, record.spec.shard_count);
        Self {
            chaos: Chaos { bytes_per_key: BYTES_PER_KEY, ..Chaos::default() },
            now,
            record: Some(record),
            nodes: BTreeMap::new(),
            homes: BTreeMap::new(),
            ports: BTreeMap::new(),
            discovery: None,
            leftovers: 0,
            migrations: Vec::new(),
            handovers: Vec::new(),
            jobs: Jobs::default(),
            following,
            abandoned: Vec::new(),
            random: Random::new(seed),
            oracle: Oracle::default(),
            steps_begun: 0,
            has_crashed: false,
            is_bus_quiet: false,
            is_power_out: false,
            next_number: 1,
            restless_until: now + UNREST,
            has_exited: false,
        }
    }

    /// The accepted instance, while there is one.
    #[must_use]
    pub fn record(&self) -> Option<&DesiredInstance> {
        self.record.as_ref()
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// How many steps were begun in the life of the machine.
    #[must_use]
    pub fn steps_begun(&self) -> u32 {
        self.steps_begun
    }

    /// Randomness for the driver's own choices.
    pub fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// The allocated nodes.
    #[must_use]
    pub fn serials(&self) -> Vec<NodeSerial> {
        self.nodes.keys().copied().collect()
    }

    /// The processes that run, by node.
    #[must_use]
    pub fn pids(&self) -> BTreeMap<NodeSerial, Pid> {
        let pid = |node: &SimNode| node.process.as_ref().map(|process| process.pid);
        self.nodes.iter().filter_map(|(serial, node)| Some((*serial, pid(node)?))).collect()
    }

    /// Whether anything of the instance is left: record, process, folder, endpoint.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        let is_gone = |node: &SimNode| node.process.is_none() && node.folder.is_none();
        self.record.is_none() && self.nodes.values().all(is_gone) && self.discovery.is_none() && self.leftovers == 0
    }

    /// The node that serves a shard's writes.
    #[must_use]
    pub fn serving_primary(&self, shard: ShardIndex) -> Option<NodeSerial> {
        let claims = |node: &&SimNode| node.shard == shard && self.serving(node).is_some_and(Engine::claims_slots);
        let epoch = |node: &SimNode| self.serving(node).map(|engine| engine.conf.own.epoch);
        let serials = self.nodes.iter().filter(|(_, node)| claims(node));
        serials.max_by_key(|(_, node)| epoch(node)).map(|(serial, _)| *serial)
    }

    /// Something happened: time passes in small ticks for a while.
    pub(crate) fn disturb(&mut self) {
        self.restless_until = self.now + UNREST;
        self.is_bus_quiet = false;
    }

    /// The engine of a node that accepts connections and works.
    pub(crate) fn serving<'n>(&self, node: &'n SimNode) -> Option<&'n Engine> {
        let process = node.process.as_ref()?;
        (process.listens_at <= self.now && node.hangs(self.now).is_none()).then_some(&process.engine)
    }

    /// Every engine that accepts connections and works.
    pub(crate) fn engines(&self) -> impl Iterator<Item = (NodeSerial, &Engine)> {
        self.nodes.iter().filter_map(|(serial, node)| Some((*serial, self.serving(node)?)))
    }

    /// Lets time pass until then, or until a process ends if that is earlier, as that wakes the daemon.
    pub fn pass_until(&mut self, end: Timestamp) {
        self.has_exited = false;
        while self.now < end && !self.has_exited {
            let tick = if self.now < self.restless_until { TICK } else { CALM_TICK };
            self.now = (self.now + tick).min(end);
            self.end_due_processes();
            self.run_bus();
            self.replicate();
            self.run_disks();
            self.run_handovers();
            self.run_migrations();
            self.run_jobs();
            self.run_links();
            self.run_elsewhere();
            self.write_and_check();
        }
    }

    /// Lets a long time pass in which nothing is told apart.
    pub(crate) fn skip(&mut self, time: TimeDelta) {
        self.now += time;
        self.pass_until(self.now + CALM_TICK);
    }

    pub(crate) fn end_process(&mut self, serial: NodeSerial, ending: Ending) {
        match ending {
            Ending::Asked => {
                self.hand_out_the_rest(serial);
                self.note_loss_of(serial);
            }
            Ending::Failed | Ending::Killed => self.note_loss_of(serial),
        }
        self.write_down(serial);
        let now = self.now;
        let Some(node) = self.nodes.get_mut(&serial) else { return };
        let Some(process) = node.process.take() else { return };
        let unreadable = (!process.engine.is_readable).then(|| "Bad file format".to_owned());
        if let Some(folder) = &mut node.folder {
            folder.conf = process.engine.conf;
        }
        node.died_at = Some(now);
        node.hang = None;
        let log_tail = if self.chaos.is_engine_broken { "Bad directive" } else { "" };
        node.last_exit =
            Some(ExitSeen { at: now, status: ending.status().to_owned(), log_tail: log_tail.to_owned(), unreadable });
        self.has_exited = true;
        self.disturb();
    }

    pub(crate) fn fresh_number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    fn end_due_processes(&mut self) {
        let is_due = |node: &SimNode| {
            let (at, ending) = node.process.as_ref()?.ends_at?;
            (at <= self.now && node.hangs(self.now).is_none()).then_some(ending)
        };
        let due: Vec<_> = self.nodes.iter().filter_map(|(serial, node)| Some((*serial, is_due(node)?))).collect();
        for (serial, ending) in due {
            self.end_process(serial, ending);
        }
    }
}

#[cfg(test)]
mod tests;
