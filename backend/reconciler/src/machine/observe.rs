//! Looking: every node at once, through links that are kept open.

use std::net::SocketAddrV4;

use futures::future::join_all;
use valkyard_engine::{LinkError, NodeLink};
use valkyard_host::{NodeHome, files_seen, log_tail, process_seen};
use valkyard_model::{
    AdminSecret, DesiredInstance, DiscoverySeen, EngineSeen, ExitSeen, NodeAllocation, NodeHistory, NodeObservation, NodeSerial,
    Observation, Seen,
};

use super::MachineWorld;

/// One node as it was seen, with the link to keep.
struct NodeLook {
    serial: NodeSerial,
    observation: NodeObservation,
    link: Option<NodeLink>,
}

impl MachineWorld {
    pub(super) async fn look(&mut self, desired: &DesiredInstance) -> Observation {
        let at = (self.machine.now)();
        let looking: Vec<_> = desired
            .nodes
            .values()
            .map(|node| {
                let address = SocketAddrV4::new(desired.address.ip, node.port.0);
                look_at_node(node, self.home(desired, node.serial), address, self.links.remove(&node.serial), &desired.secret)
            })
            .collect();
        let looks = join_all(looking).await;
        let mut nodes = std::collections::BTreeMap::new();
        for look in looks {
            let mut observation = look.observation;
            observation.history = self.remember(desired, look.serial, &observation, at);
            if let Some(link) = look.link {
                self.links.insert(look.serial, link);
            }
            nodes.insert(look.serial, observation);
        }
        let discovery = match &self.attachments().discovery {
            Some(forwarder) => Seen::Known(DiscoverySeen { backends: forwarder.backends() }),
            None => Seen::Absent,
        };
        Observation { at, nodes, discovery, faults: Vec::new() }
    }

    /// Keeps a watch on a living process, and tells once how a dead one ended.
    fn remember(
        &mut self,
        desired: &DesiredInstance,
        serial: NodeSerial,
        node: &NodeObservation,
        at: valkyard_model::Timestamp,
    ) -> NodeHistory {
        let ended = {
            let mut attachments = self.attachments();
            let ended = attachments.take_exit(serial);
            if let Some(process) = node.process.known() {
                attachments.ensure_watched(serial, process.pid, &self.wake);
            }
            ended
        };
        if let Some(status) = ended {
            let log_tail = log_tail(&self.home(desired, serial));
            self.exits.insert(serial, ExitSeen { at, status: status.to_string(), log_tail });
        }
        NodeHistory { last_exit: self.exits.get(&serial).cloned(), ..NodeHistory::default() }
    }
}

async fn look_at_node(
    node: &NodeAllocation,
    home: NodeHome,
    address: SocketAddrV4,
    link: Option<NodeLink>,
    secret: &AdminSecret,
) -> NodeLook {
    let files = files_seen(&home);
    let process = process_seen(&home);
    // Without its folder a process cannot be told by its lock; then only the engine can say that it lives.
    let is_certainly_dead = process.is_absent() && files.known().is_some();
    let (engine, link) = if is_certainly_dead { (Seen::Absent, None) } else { ask(address, link, secret).await };
    NodeLook {
        serial: node.serial,
        observation: NodeObservation { files, process, engine, history: NodeHistory::default() },
        link,
    }
}

/// Asks the engine over the open link, or over a new one. A link that failed is not kept.
async fn ask(address: SocketAddrV4, link: Option<NodeLink>, secret: &AdminSecret) -> (Seen<EngineSeen>, Option<NodeLink>) {
    let opened = match link {
        Some(link) => Ok(link),
        None => NodeLink::connect(address, secret).await,
    };
    let asked = match opened {
        Ok(mut link) => link.observe().await.map(|seen| (seen, link)),
        Err(error) => Err(error),
    };
    match asked {
        Ok((seen, link)) => (Seen::Known(seen), Some(link)),
        Err(LinkError::Refused { .. }) => (Seen::Absent, None),
        Err(error) => {
            tracing::debug!(%address, cause = crate::memory::error_chain(&error), "a node does not tell its state");
            (Seen::Unknown, None)
        }
    }
}
