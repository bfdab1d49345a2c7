//! The machine: everything that outlives a daemon. Time passes here and nowhere else.
//!
//! Used by the world (as the reconciler's effects) and by the driver and tests (as fate).

use std::collections::BTreeMap;

use chrono::TimeDelta;
use valkyard_model::{DesiredInstance, DiscoverySeen, ExitSeen, NodeId, NodeSerial, Pid, ShardIndex, Timestamp};

use crate::chaos::Chaos;
use crate::engine::{Conf, Engine, Link};
use crate::oracle::Oracle;
use crate::random::Random;

/// The delay of a fresh primary before it accepts writes (`CLUSTER_WRITABLE_DELAY` of the engine).
const WRITABLE_DELAY: TimeDelta = TimeDelta::seconds(2);
/// When a fresh replica has heard of enough primaries.
const REPLICA_DELAY: TimeDelta = TimeDelta::milliseconds(50);
/// Longest time that an engine loads after a restart: a small dataset.
const LOADING_MILLIS_MAX: u64 = 150;
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
    pub(crate) ends_at: Option<(Timestamp, &'static str)>,
    pub(crate) engine: Engine,
}

#[derive(Clone, Debug)]
pub(crate) struct SimNode {
    pub(crate) id: NodeId,
    pub(crate) shard: ShardIndex,
    pub(crate) folder: Option<Conf>,
    pub(crate) process: Option<Process>,
    pub(crate) died_at: Option<Timestamp>,
    /// Known to the daemon that saw it.
    pub(crate) last_exit: Option<ExitSeen>,
    /// Stopped by a debugger, as it were, until then.
    pub(crate) hangs_until: Timestamp,
    /// Works, and cannot be seen by the daemon until then.
    pub(crate) hidden_until: Timestamp,
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
    pub(crate) discovery: Option<DiscoverySeen>,
    /// Unfinished folders, known to nobody.
    pub(crate) leftovers: u32,
    pub(crate) random: Random,
    pub(crate) oracle: Oracle,
    pub(crate) steps_begun: u32,
    pub(crate) has_crashed: bool,
    pub(crate) is_bus_quiet: bool,
    pub(crate) next_number: u64,
    restless_until: Timestamp,
    has_exited: bool,
}

impl Machine {
    /// A machine on which this instance was accepted and nothing done.
    #[must_use]
    pub fn new(record: DesiredInstance, seed: u64) -> Self {
        let now = record.create_time;
        Self {
            chaos: Chaos::default(),
            now,
            record: Some(record),
            nodes: BTreeMap::new(),
            homes: BTreeMap::new(),
            discovery: None,
            leftovers: 0,
            random: Random::new(seed),
            oracle: Oracle::default(),
            steps_begun: 0,
            has_crashed: false,
            is_bus_quiet: false,
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

    /// Whether anything of the instance is left: record, process, folder, endpoint.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        let is_gone = |node: &SimNode| node.process.is_none() && node.folder.is_none();
        self.record.is_none() && self.nodes.values().all(is_gone) && self.discovery.is_none() && self.leftovers == 0
    }

    /// Accepts a change of the record.
    pub fn accept(&mut self, change: impl FnOnce(&mut DesiredInstance)) {
        let now = self.now;
        if let Some(record) = &mut self.record {
            change(record);
            record.update_time = now;
        }
        self.disturb();
    }

    /// Ends a node's process the hard way.
    pub fn kill(&mut self, serial: NodeSerial) {
        self.end_process(serial, "signal: 9 (SIGKILL)");
    }

    /// Removes a node's folder behind everybody's back. An engine that has not opened its files yet fails to start.
    pub fn lose_folder(&mut self, serial: NodeSerial) {
        let now = self.now;
        let Some(node) = self.nodes.get_mut(&serial) else { return };
        node.folder = None;
        if node.process.as_ref().is_some_and(|process| process.listens_at > now) {
            self.end_process(serial, "exit status: 1");
        }
        self.disturb();
    }

    /// Stops a node's process for a while without ending it.
    pub fn hang(&mut self, serial: NodeSerial, time: TimeDelta) {
        let until = self.now + time;
        if let Some(node) = self.nodes.get_mut(&serial) {
            node.hangs_until = until;
        }
        self.disturb();
    }

    /// Hides a node from the daemon for a while; it goes on working.
    pub fn hide(&mut self, serial: NodeSerial, time: TimeDelta) {
        let until = self.now + time;
        if let Some(node) = self.nodes.get_mut(&serial) {
            node.hidden_until = until;
        }
        self.disturb();
    }

    /// The node that serves a shard's writes.
    #[must_use]
    pub fn serving_primary(&self, shard: ShardIndex) -> Option<NodeSerial> {
        let claims = |node: &&SimNode| node.shard == shard && self.serving(node).is_some_and(Engine::claims_slots);
        let epoch = |node: &SimNode| self.serving(node).map(|engine| engine.conf.own.epoch);
        let serials = self.nodes.iter().filter(|(_, node)| claims(node));
        serials.max_by_key(|(_, node)| epoch(node)).map(|(serial, _)| *serial)
    }

    /// Forgets what only the daemon knew.
    pub(crate) fn lose_daemon(&mut self) {
        self.discovery = None;
        self.has_crashed = false;
        for node in self.nodes.values_mut() {
            node.last_exit = None;
        }
        self.disturb();
    }

    /// Something happened: time passes in small ticks for a while.
    pub(crate) fn disturb(&mut self) {
        self.restless_until = self.now + UNREST;
        self.is_bus_quiet = false;
    }

    /// The engine of a node that accepts connections and works.
    pub(crate) fn serving<'n>(&self, node: &'n SimNode) -> Option<&'n Engine> {
        let process = node.process.as_ref()?;
        (process.listens_at <= self.now && node.hangs_until <= self.now).then_some(&process.engine)
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
            self.write_and_check();
        }
    }

    /// Lets a long time pass in which nothing is told apart.
    pub(crate) fn skip(&mut self, time: TimeDelta) {
        self.now += time;
        self.pass_until(self.now + CALM_TICK);
    }

    pub(crate) fn start_process(&mut self, serial: NodeSerial) -> Result<(), &'static str> {
        let now = self.now;
        // An engine that was down for a while finds something to load.
        let has_run = self.nodes.get(&serial).is_some_and(|node| node.died_at.is_some());
        let load = if has_run { self.random.below(LOADING_MILLIS_MAX) } else { 0 };
        let startup = TimeDelta::milliseconds(5 + i64::try_from(self.random.below(20)).expect("small"));
        let number = self.fresh_number();
        let is_broken = self.chaos.is_engine_broken;
        let node = self.nodes.get_mut(&serial).ok_or("it is not allocated")?;
        if node.process.is_some() {
            self.oracle.object(format!("{serial} was started while its process runs"));
            return Err("another process holds the lock");
        }
        let conf = node.folder.clone().ok_or("there is no folder")?;
        let listens_at = now + startup;
        let delay = if conf.own.replica_of.is_none() { WRITABLE_DELAY } else { REPLICA_DELAY };
        let engine = Engine {
            id: node.id.clone(),
            conf,
            data: Vec::new(),
            offset: 0,
            lineage: number,
            link: Link::Down,
            ok_from: listens_at + delay,
            loads_until: listens_at + TimeDelta::milliseconds(i64::try_from(load).expect("below the maximum")),
        };
        let pid = Pid(i32::try_from(number).expect("few processes"));
        let ends_at = is_broken.then_some((now + TimeDelta::milliseconds(4), "exit status: 1"));
        node.process = Some(Process { pid, listens_at, ends_at, engine });
        self.disturb();
        Ok(())
    }

    pub(crate) fn end_process(&mut self, serial: NodeSerial, status: &str) {
        self.note_death(serial);
        let now = self.now;
        let Some(node) = self.nodes.get_mut(&serial) else { return };
        let Some(process) = node.process.take() else { return };
        if let Some(folder) = &mut node.folder {
            *folder = process.engine.conf;
        }
        node.died_at = Some(now);
        node.hangs_until = now;
        let log_tail = if self.chaos.is_engine_broken { "Bad directive" } else { "" };
        node.last_exit = Some(ExitSeen { at: now, status: status.to_owned(), log_tail: log_tail.to_owned() });
        self.has_exited = true;
        self.disturb();
    }

    pub(crate) fn fresh_number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    fn end_due_processes(&mut self) {
        let is_due = |node: &SimNode| {
            let (at, status) = node.process.as_ref()?.ends_at?;
            (at <= self.now && node.hangs_until <= self.now).then_some(status)
        };
        let due: Vec<_> = self.nodes.iter().filter_map(|(serial, node)| Some((*serial, is_due(node)?))).collect();
        for (serial, status) in due {
            self.end_process(serial, status);
        }
    }
}
