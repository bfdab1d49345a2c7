//! Steps that change the record, as the store carries them out: each wholly or not at all.

use valkyard_model::{Convergence, DataLoss, Generation, Lifecycle, NodeAllocation, NodeSerial, Settled, Standing};

use crate::engine::Engine;
use crate::machine::{Machine, SimNode};

impl Machine {
    pub(crate) fn allocate(&mut self, nodes: &[NodeAllocation]) {
        let Some(record) = &mut self.record else { return };
        for node in nodes {
            record.next_serial = record.next_serial.max(NodeSerial(node.serial.0 + 1));
            record.nodes.insert(node.serial, node.clone());
            let fresh = SimNode {
                id: node.id.clone(),
                shard: node.shard,
                port: node.port,
                kind: node.kind,
                folder: None,
                process: None,
                died_at: None,
                last_exit: None,
                hang: None,
                hidden_until: self.now,
            };
            self.nodes.insert(node.serial, fresh);
            self.homes.insert(node.id.clone(), node.serial);
            self.ports.insert(node.id.clone(), node.port);
        }
    }

    pub(crate) fn retire(&mut self, nodes: &[NodeSerial]) {
        let Some(record) = &mut self.record else { return };
        for allocated in record.nodes.values_mut().filter(|allocated| nodes.contains(&allocated.serial)) {
            allocated.standing = Standing::Retiring;
        }
    }

    pub(crate) fn release(&mut self, nodes: &[NodeSerial]) {
        for serial in nodes {
            let Some(node) = self.nodes.get(serial) else { continue };
            if node.process.is_some() || node.folder.is_some() {
                self.oracle.object(format!("{serial} was released while something of it is left"));
            }
            let knowing = self.staying().find(|(_, engine)| engine.knows(&node.id)).map(|(knowing, _)| knowing);
            if let Some(knowing) = knowing {
                self.oracle.object(format!("{serial} was released while {knowing} knows it"));
            }
            self.nodes.remove(serial);
            if let Some(record) = &mut self.record {
                record.nodes.remove(serial);
            }
        }
    }

    /// The working engines of nodes that are to stay, as far as anybody sees them.
    fn staying(&self) -> impl Iterator<Item = (NodeSerial, &Engine)> {
        let record = self.record.as_ref();
        self.engines().filter(move |(serial, _)| {
            let allocated = record.and_then(|record| record.nodes.get(serial));
            let is_seen = self.nodes[serial].hidden_until <= self.now;
            is_seen && allocated.is_some_and(|allocated| allocated.standing == Standing::Member)
        })
    }

    pub(crate) fn record_loss(&mut self, loss: DataLoss) {
        if let Some(record) = &mut self.record {
            record.losses.push(loss);
        }
    }

    pub(crate) fn record_converged(&mut self, generation: Generation) {
        let shape = self.record.as_ref().map(|record| (record.convergence, record.shape_generation));
        let concerns_nodes = shape.is_none_or(|(convergence, shape)| !convergence.has_reached(shape));
        let findings = self.incompleteness();
        if concerns_nodes && !findings.is_empty() {
            self.oracle.object(format!("recorded as complete: {}", findings.join(", ")));
        }
        let begins = self.record.as_ref().is_some_and(|record| record.importing().is_some());
        if begins && self.missing_import() > 0 {
            self.oracle.object(format!("recorded as complete without {} keys of its first data", self.missing_import()));
        }
        if let Some(record) = &mut self.record {
            record.convergence = Convergence::At { generation };
            record.settled = Some(Settled { spec: record.spec.clone(), maxmemory: record.maxmemory });
        }
    }

    pub(crate) fn abandon_create(&mut self, failure: &valkyard_model::Failure) {
        self.accept(|record| record.lifecycle = Lifecycle::Abandoned { failure: failure.clone() });
    }

    pub(crate) fn remove_instance(&mut self) {
        let is_left = |node: &SimNode| node.process.is_some() || node.folder.is_some();
        let is_backed_up = self.record.as_ref().is_some_and(|record| record.backup.is_some());
        if self.nodes.values().any(is_left) || self.discovery.is_some() || is_backed_up {
            self.oracle.object("the record was removed while something was left".to_owned());
        }
        self.leftovers = 0;
        self.record = None;
    }
}
