//! Steps as the machine carries them out, wholly or halfway, with the faults in force.

use chrono::TimeDelta;
use valkyard_model::{
    ClusterSeed, Convergence, DiscoverySeen, FaultKind, Lifecycle, NodeAllocation, NodeId, NodeSerial, Step, StopManner,
};
use valkyard_reconciler::StepError;

use crate::engine::{Conf, Description};
use crate::machine::{Machine, SimNode};

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refusal(&'static str);

fn refuse(kind: FaultKind, reason: &'static str) -> Result<(), StepError> {
    Err(StepError { kind, source: Box::new(Refusal(reason)) })
}

fn transient(result: Result<(), &'static str>) -> Result<(), StepError> {
    result.or_else(|reason| refuse(FaultKind::Transient, reason))
}

impl Machine {
    pub(crate) fn carry_out(&mut self, step: &Step) -> Result<(), StepError> {
        if self.random.chance(self.chaos.transient_percent) {
            return refuse(FaultKind::Transient, "it happens");
        }
        match step {
            Step::AllocateNodes { nodes } => self.allocate(nodes),
            Step::PrepareNode { node, seed, .. } => return self.prepare(*node, seed),
            Step::StartProcess { node, .. } => return self.start(*node),
            Step::StopProcess { node, manner } => self.stop(*node, *manner),
            Step::ShutDownEngine { node } => return self.shut_down(*node),
            Step::RemoveFiles { node } => self.remove_files(*node),
            Step::TakeOver { node } => return self.take_over(*node),
            Step::Replicate { node, primary } => return transient(self.attach(*node, primary)),
            Step::Meet { node, peers } => {
                for peer in peers {
                    transient(self.introduce(*node, peer.client.port()))?;
                }
            }
            Step::FailOver { .. }
            | Step::MoveSlots { .. }
            | Step::ClaimSlots { .. }
            | Step::CopyFunctions { .. }
            | Step::Configure { .. }
            | Step::Forget { .. }
            | Step::RetireNodes { .. }
            | Step::ReleaseNodes { .. }
            | Step::RecordDataLoss { .. }
            | Step::AbandonUpdate { .. } => return refuse(FaultKind::Transient, "not built"),
            Step::OpenDiscovery { backends } => self.discovery = Some(DiscoverySeen { backends: backends.clone() }),
            Step::CloseDiscovery => self.discovery = None,
            Step::RecordConverged { generation } => {
                let shape = self.record.as_ref().map(|record| (record.convergence, record.shape_generation));
                let concerns_nodes = shape.is_none_or(|(convergence, shape)| !convergence.has_reached(shape));
                let findings = self.incompleteness();
                if concerns_nodes && !findings.is_empty() {
                    self.oracle.object(format!("recorded as complete: {}", findings.join(", ")));
                }
                if let Some(record) = &mut self.record {
                    record.convergence = Convergence::At { generation: *generation };
                }
            }
            Step::AbandonCreate { failure } => {
                let failure = failure.clone();
                self.accept(|record| record.lifecycle = Lifecycle::Abandoned { failure });
            }
            Step::RemoveInstance => self.remove_instance(),
        }
        Ok(())
    }

    /// As much of a step as a dying daemon leaves behind: transactions nothing, folders a part, signals everything.
    pub(crate) fn carry_out_half(&mut self, step: &Step) {
        match step {
            Step::PrepareNode { .. } => self.leftovers += 1,
            Step::RemoveFiles { node } => {
                self.remove_files(*node);
                self.leftovers += 1;
            }
            Step::RemoveInstance => self.leftovers = 0,
            Step::AllocateNodes { .. }
            | Step::OpenDiscovery { .. }
            | Step::CloseDiscovery
            | Step::RecordConverged { .. }
            | Step::AbandonCreate { .. } => {}
            Step::StartProcess { .. }
            | Step::StopProcess { .. }
            | Step::ShutDownEngine { .. }
            | Step::TakeOver { .. }
            | Step::Replicate { .. }
            | Step::Meet { .. }
            | Step::FailOver { .. }
            | Step::MoveSlots { .. }
            | Step::ClaimSlots { .. }
            | Step::CopyFunctions { .. }
            | Step::Configure { .. }
            | Step::Forget { .. }
            | Step::RetireNodes { .. }
            | Step::ReleaseNodes { .. }
            | Step::RecordDataLoss { .. }
            | Step::AbandonUpdate { .. } => {
                // The reply is what gets lost; a refusal would have been lost with it.
                drop(self.carry_out(step));
            }
        }
    }

    fn allocate(&mut self, nodes: &[NodeAllocation]) {
        let Some(record) = &mut self.record else { return };
        for node in nodes {
            record.next_serial = NodeSerial(node.serial.0 + 1);
            record.nodes.insert(node.serial, node.clone());
            let fresh = SimNode {
                id: node.id.clone(),
                shard: node.shard,
                folder: None,
                process: None,
                died_at: None,
                last_exit: None,
                hangs_until: self.now,
                hidden_until: self.now,
            };
            self.nodes.insert(node.serial, fresh);
            self.homes.insert(node.id.clone(), node.serial);
        }
    }

    fn prepare(&mut self, serial: NodeSerial, seed: &ClusterSeed) -> Result<(), StepError> {
        if self.chaos.is_disk_full {
            return refuse(FaultKind::DiskFull, "no space left on device");
        }
        if self.chaos.is_read_only {
            return refuse(FaultKind::PermissionDenied, "permission denied");
        }
        let Some(node) = self.nodes.get_mut(&serial) else { return refuse(FaultKind::Transient, "it is not allocated") };
        if node.process.is_some() {
            self.oracle.object(format!("{serial} was prepared while its process runs"));
        }
        // A folder that is there stays: making it is idempotent.
        let conf = Conf::from_seed(seed, &node.id);
        node.folder.get_or_insert(conf);
        Ok(())
    }

    fn start(&mut self, serial: NodeSerial) -> Result<(), StepError> {
        if self.chaos.is_engine_missing {
            return refuse(FaultKind::EngineMissing, "no build of this version is installed");
        }
        if self.chaos.taken_ports.contains(&serial) {
            return refuse(FaultKind::AddressInUse, "the port is used by somebody else");
        }
        transient(self.start_process(serial))
    }

    fn stop(&mut self, serial: NodeSerial, manner: StopManner) {
        if self.nodes.get(&serial).is_some_and(|node| node.folder.is_none()) {
            self.oracle.object(format!("the process of {serial} was signalled without a lock that names it"));
        }
        match manner {
            StopManner::Terminate if self.chaos.is_stubborn => {}
            StopManner::Terminate => self.end_soon(serial),
            StopManner::Kill => self.kill(serial),
        }
    }

    fn shut_down(&mut self, serial: NodeSerial) -> Result<(), StepError> {
        if self.nodes.get(&serial).is_none_or(|node| self.serving(node).is_none()) {
            return refuse(FaultKind::Transient, "it does not answer");
        }
        self.end_soon(serial);
        Ok(())
    }

    fn end_soon(&mut self, serial: NodeSerial) {
        let grace = TimeDelta::milliseconds(1 + i64::try_from(self.random.below(30)).expect("small"));
        let at = self.now + grace;
        if let Some(process) = self.nodes.get_mut(&serial).and_then(|node| node.process.as_mut()) {
            process.ends_at.get_or_insert((at, "exit status: 0"));
        }
    }

    fn remove_files(&mut self, serial: NodeSerial) {
        let Some(node) = self.nodes.get_mut(&serial) else { return };
        node.folder = None;
        if node.process.is_some() {
            self.oracle.object(format!("the files of {serial} were removed under its process"));
        }
    }

    fn take_over(&mut self, serial: NodeSerial) -> Result<(), StepError> {
        let Some(engine) = self.nodes.get(&serial).and_then(|node| self.serving(node)) else {
            return refuse(FaultKind::Transient, "it does not answer");
        };
        let primary = engine.conf.own.replica_of.clone();
        let lives = |node: &SimNode| primary.as_ref() == Some(&node.id) && node.process.is_some();
        if self.nodes.values().any(lives) {
            self.oracle.object(format!("{serial} was promoted over a living primary"));
        }
        let result = self.engine_mut(serial).map_or(Err("it is gone"), crate::engine::Engine::take_over);
        self.disturb();
        transient(result)
    }

    fn attach(&mut self, serial: NodeSerial, primary: &NodeId) -> Result<(), &'static str> {
        self.disturb();
        let engine = self.engine_mut(serial).ok_or("it does not answer")?;
        if engine.claims_slots() {
            return Err("it owns slots");
        }
        if !engine.conf.peers.contains_key(primary) {
            return Err("the primary is not known to it");
        }
        engine.follow(primary);
        Ok(())
    }

    fn introduce(&mut self, serial: NodeSerial, port: u16) -> Result<(), &'static str> {
        self.disturb();
        let record = self.record.as_ref().ok_or("there is no record")?;
        let met = record.nodes.values().find(|node| node.port.0 == port).ok_or("nobody listens there")?;
        let id = met.id.clone();
        let engine = self.engine_mut(serial).ok_or("it does not answer")?;
        engine.conf.peers.entry(id).or_insert_with(Description::default);
        Ok(())
    }

    fn remove_instance(&mut self) {
        let is_left = |node: &SimNode| node.process.is_some() || node.folder.is_some();
        if self.nodes.values().any(is_left) || self.discovery.is_some() {
            self.oracle.object("the record was removed while something was left".to_owned());
        }
        self.leftovers = 0;
        self.record = None;
    }
}
