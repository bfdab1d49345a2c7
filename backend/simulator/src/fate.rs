//! What befalls a machine from outside: accidents, administrators, clients that ask for changes.

use chrono::TimeDelta;
use valkyard_model::{ByteSize, DesiredInstance, Failure, FailureCode, InstanceSpec, NodeSerial, ProcessState, Timestamp, Zone};

use crate::machine::{Ending, Hang, Machine};

/// Memory for data in a simulated node: the thousandth part of its type's size.
const MEMORY_DIVISOR: u64 = 1_000;
/// How long a zone's nodes hang if nobody gives it back.
const ZONE_HANG: TimeDelta = TimeDelta::days(1);

/// How a zone is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneLoss {
    /// Its processes end.
    Stop,
    /// Its processes hang until it is given back.
    Hang,
}

impl Machine {
    /// Accepts a change of the record.
    pub fn accept(&mut self, change: impl FnOnce(&mut DesiredInstance)) {
        let now = self.now;
        if let Some(record) = &mut self.record {
            change(record);
            record.update_time = now;
        }
        self.disturb();
    }

    /// Accepts a new spec as the store does: with a new generation, and one of its shape if it concerns nodes.
    pub fn update(&mut self, change: impl FnOnce(&mut InstanceSpec)) {
        self.accept(|record| {
            let before = record.spec.clone();
            change(&mut record.spec);
            record.generation = record.generation.next();
            if !record.spec.asks_same_nodes(&before) {
                record.shape_generation = record.generation;
            }
            if record.spec.node_type != before.node_type {
                record.maxmemory = ByteSize(record.spec.node_type.size().0 / MEMORY_DIVISOR);
            }
        });
    }

    /// Gives a running change up as the store does when a client cancels its operation.
    pub fn cancel_update(&mut self) {
        let message = "the client asked to cancel".to_owned();
        self.abandon_update(&Failure { code: FailureCode::Cancelled, message });
    }

    pub(crate) fn abandon_update(&mut self, failure: &Failure) {
        let mut is_given_up = false;
        self.accept(|record| {
            let Some(settled) = record.settled.clone().filter(|_| record.is_changing()) else { return };
            record.spec = settled.spec;
            record.maxmemory = settled.maxmemory;
            record.generation = record.generation.next();
            record.shape_generation = record.generation;
            is_given_up = true;
        });
        if is_given_up {
            self.abandoned.push(failure.clone());
        }
    }

    /// Why changes were given up, in order of time.
    #[must_use]
    pub fn abandoned(&self) -> &[Failure] {
        &self.abandoned
    }

    /// Gives every primary this many libraries of functions.
    pub fn load_functions(&mut self, libraries: u32) {
        self.oracle.libraries = libraries;
        for node in self.nodes.values_mut() {
            if let Some(process) = node.process.as_mut().filter(|process| process.engine.is_primary()) {
                process.engine.libraries = libraries;
                process.engine.offset += 1;
            }
        }
        self.disturb();
    }

    /// Ends a node's process the hard way.
    pub fn kill(&mut self, serial: NodeSerial) {
        self.end_process(serial, Ending::Killed);
    }

    /// Removes a node's folder behind everybody's back. An engine that has not opened its files yet fails to start.
    pub fn lose_folder(&mut self, serial: NodeSerial) {
        let now = self.now;
        let Some(node) = self.nodes.get_mut(&serial) else { return };
        node.folder = None;
        if node.process.as_ref().is_some_and(|process| process.listens_at > now) {
            self.end_process(serial, Ending::Failed);
        }
        self.disturb();
    }

    /// Stops a node's process for a while without ending it, as SIGSTOP does.
    pub fn hang(&mut self, serial: NodeSerial, time: TimeDelta) {
        self.suspend(serial, self.now + time, ProcessState::Stopped);
    }

    /// Has a node's process run for a while without answering anybody.
    pub fn silence(&mut self, serial: NodeSerial, time: TimeDelta) {
        self.suspend(serial, self.now + time, ProcessState::Running);
    }

    fn suspend(&mut self, serial: NodeSerial, until: Timestamp, state: ProcessState) {
        let since = self.now;
        if let Some(node) = self.nodes.get_mut(&serial).filter(|node| node.process.is_some()) {
            node.hang = Some(Hang { since, until, state });
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

    /// Takes a zone away with all its nodes.
    pub fn take_zone(&mut self, zone: &Zone, loss: ZoneLoss) {
        let serials: Vec<NodeSerial> = self.serials_in(zone);
        self.accept(|record| record.zones_out.extend([zone.clone()]));
        for serial in serials {
            match loss {
                ZoneLoss::Stop => self.kill(serial),
                ZoneLoss::Hang => self.hang(serial, ZONE_HANG),
            }
        }
    }

    /// Gives a zone back; what hangs there goes on.
    pub fn return_zone(&mut self, zone: &Zone) {
        for serial in self.serials_in(zone) {
            if let Some(node) = self.nodes.get_mut(&serial) {
                node.hang = None;
            }
        }
        self.accept(|record| record.zones_out.retain(|out| out != zone));
    }

    fn serials_in(&self, zone: &Zone) -> Vec<NodeSerial> {
        let nodes = self.record.iter().flat_map(|record| record.nodes.values());
        nodes.filter(|node| node.zone == *zone).map(|node| node.serial).collect()
    }

    /// Forgets what only the daemon knew.
    pub(crate) fn lose_daemon(&mut self) {
        self.discovery = None;
        self.lose_jobs();
        self.lose_links();
        self.has_crashed = false;
        for node in self.nodes.values_mut() {
            node.last_exit = None;
        }
        self.disturb();
    }
}
