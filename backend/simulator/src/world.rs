//! The simulated machine as the reconciler's world.

use std::collections::BTreeMap;
use std::future;
use std::net::SocketAddrV4;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use valkyard_model::{
    ByteSize, ClusterMemory, DesiredInstance, EngineSeen, FilesSeen, LinkState, NodeHistory, NodeId, NodeObservation, NodeSerial,
    Observation, PeerHealth, PeerSeen, ProcessSeen, ProcessState, RoleSeen, Seen, Step, Timestamp,
};
use valkyard_reconciler::{LoadError, StepError, World};

use crate::chaos::Moment;
use crate::engine::{Description, Engine, Link};
use crate::machine::{Machine, SimNode};

/// A daemon's hands and eyes on a machine. The machine outlives it.
#[derive(Debug)]
pub(crate) struct SimWorld {
    machine: Arc<Mutex<Machine>>,
}

impl SimWorld {
    pub(crate) fn new(machine: Arc<Mutex<Machine>>) -> Self {
        Self { machine }
    }

    fn lock(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries a step out; nothing when the daemon died over it.
    fn try_execute(&self, step: &Step) -> Option<Result<(), StepError>> {
        let mut machine = self.lock();
        if machine.has_crashed {
            return None;
        }
        let number = machine.steps_begun;
        machine.steps_begun += 1;
        let crash = machine.chaos.crash.filter(|crash| crash.step == number);
        let Some(crash) = crash else { return Some(machine.carry_out(step)) };
        machine.has_crashed = true;
        match crash.moment {
            Moment::Before => {}
            Moment::During => machine.carry_out_half(step),
            Moment::After => drop(machine.carry_out(step)),
        }
        None
    }
}

impl World for SimWorld {
    async fn load(&mut self) -> Result<Option<DesiredInstance>, LoadError> {
        Ok(self.lock().record.clone())
    }

    async fn observe(&mut self, desired: &DesiredInstance) -> Observation {
        let machine = self.lock();
        let discovery = machine.discovery.clone().map_or(Seen::Absent, Seen::Known);
        let nodes = desired.nodes.keys().filter_map(|serial| Some((*serial, machine.node_seen(desired, *serial)?))).collect();
        Observation {
            at: machine.now,
            first_look: machine.now,
            nodes,
            discovery,
            handovers: BTreeMap::new(),
            backup: machine.backup_seen(),
            import: machine.import_seen(),
            faults: Vec::new(),
            replication: machine.replication_seen(),
        }
    }

    async fn execute(&self, _desired: &DesiredInstance, step: &Step) -> Result<(), StepError> {
        match self.try_execute(step) {
            Some(result) => result,
            None => future::pending().await,
        }
    }

    fn now(&self) -> Timestamp {
        self.lock().now
    }
}

impl Machine {
    fn node_seen(&self, desired: &DesiredInstance, serial: NodeSerial) -> Option<NodeObservation> {
        let node = self.nodes.get(&serial)?;
        let history = NodeHistory { last_exit: node.last_exit.clone(), ..NodeHistory::default() };
        if node.hidden_until > self.now {
            return Some(NodeObservation { files: Seen::Unknown, process: Seen::Unknown, engine: Seen::Unknown, history });
        }
        // The lock lies in the folder: it cannot be found without it.
        let process = node.process.as_ref().filter(|_| node.folder.is_some());
        let state = node.hangs(self.now).map_or(ProcessState::Running, |hang| hang.state);
        Some(NodeObservation {
            files: if node.folder.is_some() { Seen::Known(self.files_seen(node)) } else { Seen::Absent },
            process: process.map_or(Seen::Absent, |process| Seen::Known(ProcessSeen { pid: process.pid, state })),
            engine: self.engine_seen(desired, node),
            history,
        })
    }

    fn files_seen(&self, node: &SimNode) -> FilesSeen {
        let conf = node.folder.as_ref().filter(|_| node.process.is_none()).map(|folder| &folder.conf);
        let memory = conf.map(|conf| ClusterMemory {
            is_replica: conf.own.replica_of.is_some(),
            epoch: conf.own.epoch,
            current_epoch: conf.current_epoch,
            slots: conf.own.slots.clone(),
        });
        let import = node.folder.as_ref().and_then(|folder| folder.import.clone());
        FilesSeen { data: node.data_seen(self.now), memory, import }
    }

    fn engine_seen(&self, desired: &DesiredInstance, node: &SimNode) -> Seen<EngineSeen> {
        let Some(process) = &node.process else { return Seen::Absent };
        if process.listens_at > self.now {
            return Seen::Absent;
        }
        let Some(engine) = self.serving(node) else { return Seen::Unknown };
        let role = match &engine.conf.own.replica_of {
            None => RoleSeen::Primary,
            Some(of) => RoleSeen::Replica { of: of.clone(), link: link_seen(engine.link) },
        };
        let keys = engine.data.count();
        Seen::Known(EngineSeen {
            id: engine.id.clone(),
            version: engine.version,
            role,
            cluster_ok: self.calls_ok(engine),
            loading: engine.loads_until > self.now,
            epoch: engine.conf.own.epoch,
            current_epoch: engine.conf.current_epoch,
            slots: engine.conf.own.slots.clone(),
            replication_offset: engine.offset,
            history: engine.history.clone(),
            keys,
            data: ByteSize(keys * self.chaos.bytes_per_key),
            libraries: engine.libraries,
            settings: engine.settings.clone(),
            persistence: engine.disk.seen(),
            migrations: engine.migrations.clone(),
            open_slots: engine.conf.open_slots.clone(),
            peers: engine.conf.peers.iter().filter_map(|(id, known)| self.peer_seen(desired, engine, id, known)).collect(),
            part: engine.part,
        })
    }

    fn peer_seen(
        &self,
        desired: &DesiredInstance,
        engine: &Engine,
        id: &NodeId,
        known: &Description,
    ) -> Option<(NodeId, PeerSeen)> {
        let port = self.ports.get(id)?;
        let is_up = self.serving_of(id).is_some_and(|peer| engine.linked_from.max(peer.linked_from) <= self.now);
        let peer = PeerSeen {
            address: SocketAddrV4::new(desired.address.ip, port.0),
            health: if is_up { PeerHealth::Ok } else { PeerHealth::Doubtful },
            replica_of: known.replica_of.clone(),
            epoch: known.epoch,
            slots: known.slots.clone(),
        };
        Some((id.clone(), peer))
    }
}

fn link_seen(link: Link) -> LinkState {
    match link {
        Link::Up => LinkState::Up,
        Link::Syncing { .. } => LinkState::Syncing,
        Link::Down => LinkState::Down,
    }
}
