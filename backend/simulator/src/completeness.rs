//! Whether the machine is as a complete instance should be, by its own truth.

use std::collections::BTreeSet;

use valkyard_model::{
    ByteSize, DesiredInstance, LiveSettings, NodeId, NodeSerial, NodeSettings, Part, SLOT_COUNT, ShardIndex, Standing,
};

use crate::disk::LogState;
use crate::engine::Engine;
use crate::machine::{Machine, SimNode};

/// How far a shard may be from its even share of the slots.
const SLOTS_OFF_MAX: u16 = 16;

impl Machine {
    /// What is not as a complete instance should be.
    #[must_use]
    pub fn incompleteness(&self) -> Vec<String> {
        let mut findings = self.lost_writes();
        let Some(record) = &self.record else { return vec!["there is no record".to_owned()] };
        findings.extend(self.misowned_slots(record));
        findings.extend(self.misplaced_nodes(record));
        for shard in (0..record.spec.shard_count).map(ShardIndex) {
            if !self.is_calm(shard) {
                findings.push(format!("{shard} is not settled"));
            }
        }
        let backends = self.discovery.as_ref().map_or(0, |discovery| discovery.backends.len());
        if u32::try_from(backends) != Ok(record.spec.node_count()) {
            findings.push(format!("the discovery endpoint leads to {backends} nodes"));
        }
        findings
    }

    /// Every node in a line, for people who look for the cause of a failure.
    #[must_use]
    pub fn summary(&self) -> String {
        let line = |(serial, node): (&NodeSerial, &SimNode)| {
            let Some(engine) = node.engine() else { return format!("{serial} {} {:.6} is down", node.shard, node.id.as_str()) };
            let role = match &engine.conf.own.replica_of {
                Some(of) => format!("copies {:.6} {:?} at {}", of.as_str(), engine.link, engine.offset),
                None => format!("owns {} by epoch {}", engine.conf.own.slots, engine.conf.own.epoch.0),
            };
            let state = (self.calls_ok(engine), node.hangs(self.now).is_some(), node.hidden_until > self.now);
            let open = engine.conf.open_slots.len();
            let peers: Vec<String> = engine
                .conf
                .peers
                .iter()
                .map(|(id, peer)| {
                    let of = peer.replica_of.as_ref().map(|of| format!(" of {:.6}", of.as_str())).unwrap_or_default();
                    format!("{:.6}{of} {} by {}", id.as_str(), peer.slots, peer.epoch.0)
                })
                .collect();
            let (shard, id) = (node.shard, node.id.as_str());
            format!("{serial} {shard} {id:.6} {role}, (ok, hangs, hidden) = {state:?}, {open} open, knows {}", peers.join("; "))
        };
        self.nodes.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn misowned_slots(&self, record: &DesiredInstance) -> Vec<String> {
        let mut findings = Vec::new();
        let owners: Vec<(NodeSerial, &Engine)> = self.engines().filter(|(_, engine)| engine.claims_slots()).collect();
        for (index, (serial, engine)) in owners.iter().enumerate() {
            for (other, rival) in &owners[index + 1..] {
                if engine.conf.own.slots.overlaps(&rival.conf.own.slots) {
                    findings.push(format!("{serial} and {other} own the same slots"));
                }
            }
            let (share, count) = (SLOT_COUNT / record.spec.shard_count, engine.conf.own.slots.count());
            if count.abs_diff(share) > SLOTS_OFF_MAX {
                findings.push(format!("{serial} owns {count} slots where {share} are its share"));
            }
            if engine.libraries < self.oracle.libraries {
                findings.push(format!("{serial} lacks functions"));
            }
        }
        let owned: u32 = owners.iter().map(|(_, engine)| u32::from(engine.conf.own.slots.count())).sum();
        if owned != u32::from(SLOT_COUNT) {
            findings.push(format!("{owned} slots are owned"));
        }
        if self.engines().any(|(_, engine)| engine.is_primary() && !engine.conf.open_slots.is_empty()) {
            findings.push("slots are still on their way".to_owned());
        }
        if owners.len() != usize::from(record.spec.shard_count) {
            findings.push(format!("{} nodes own slots", owners.len()));
        }
        findings
    }

    fn misplaced_nodes(&self, record: &DesiredInstance) -> Vec<String> {
        let mut findings = Vec::new();
        // Nodes that only have to leave take their time.
        let members: Vec<_> = record.nodes.iter().filter(|(_, node)| node.standing == Standing::Member).collect();
        if u32::try_from(members.len()) != Ok(record.spec.node_count()) {
            findings.push(format!("{} nodes are members", members.len()));
        }
        let left = self.nodes.iter().filter(|(serial, _)| !record.nodes.contains_key(serial));
        findings.extend(left.map(|(serial, _)| format!("{serial} is left over")));
        let ids: BTreeSet<_> = members.iter().map(|(_, node)| &node.id).collect();
        for (serial, allocated) in members {
            let Some(node) = self.nodes.get(serial) else { continue };
            if allocated.shard.0 >= record.spec.shard_count {
                findings.push(format!("{serial} should have left"));
            }
            if allocated.kind != record.kind() {
                findings.push(format!("{serial} is not of the wanted kind"));
            }
            let Some(engine) = self.serving(node) else {
                findings.push(format!("{serial} does not serve"));
                continue;
            };
            let is_set = engine.part.is_set_to(&wanted(record, node));
            if !is_set || engine.settings != LiveSettings::wanted(&wanted(record, node)) {
                findings.push(format!("{serial} runs with other settings than wanted"));
            }
            let wanted = record.spec.persistence;
            if !engine.disk.seen().is_set_to(wanted) || wanted.fsync().is_some() && engine.disk.log != LogState::Complete {
                findings.push(format!("{serial} does not keep its data as wanted"));
            }
            let allocated = |id: &NodeId| record.nodes.values().any(|node| node.id == *id);
            if engine.conf.peers.keys().any(|id| !allocated(id)) {
                findings.push(format!("{serial} knows nodes that are gone"));
            }
            if ids.iter().any(|id| **id != node.id && !engine.conf.peers.contains_key(*id)) {
                findings.push(format!("{serial} does not know everybody"));
            }
        }
        findings
    }
}

fn wanted(record: &DesiredInstance, node: &SimNode) -> NodeSettings {
    let zone = record.nodes.values().find(|allocated| allocated.id == node.id).map(|allocated| allocated.zone.clone());
    NodeSettings {
        ip: record.address.ip,
        port: node.port,
        bus_port: node.port,
        engine: record.spec.engine_version,
        zone: zone.expect("only allocated nodes are judged"),
        node_type: record.spec.node_type,
        maxmemory: if record.replication.part() == Part::Copy { ByteSize(0) } else { record.maxmemory },
        configs: record.spec.engine_configs.clone(),
        persistence: record.spec.persistence,
        part: record.replication.part(),
        backlog: record.replication.part().backlog(record.maxmemory),
    }
}
