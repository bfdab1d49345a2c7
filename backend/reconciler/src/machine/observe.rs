//! Looking: first at the folders and processes of all nodes, then at every engine at once, through links that are kept open.
//!
//! An engine is asked after its process was looked at, so its answer is the newer word. It is left alone only where the lock
//! in its folder says that no process is there.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::timeout;
use tracing::warn;
use valkyard_engine::{LinkError, NodeLink, cluster_memory, torn_log, unreadable_data};
use valkyard_host::{ExitStatus, NodeHome, cluster_file, files_seen, log_tail, process_seen};
use valkyard_model::{
    AdminSecret, DesiredInstance, DiscoverySeen, EngineSeen, ExitSeen, FilesSeen, Lifecycle, NodeHistory, NodeObservation,
    NodeSerial, Observation, ProcessSeen, ProcessState, ReplicationSeen, Seen, Timestamp,
};

use super::MachineWorld;
use super::execute::blocking;
use super::redact::redact;

/// Longest time for asking a node, connecting included: a look lasts as long as its slowest node, and the takeover of another
/// may wait for it. A node that is blocked for longer counts as silent this time.
const ASK_TIME_MAX: Duration = Duration::from_millis(300);

/// One node as it was seen, with the link to keep.
struct NodeLook {
    serial: NodeSerial,
    observation: NodeObservation,
    link: Option<NodeLink>,
}

impl MachineWorld {
    pub(super) async fn look(&mut self, desired: &DesiredInstance) -> Observation {
        let at = (self.machine.now)();
        self.forget_others(desired);
        // Before the folders: what is done there is then seen there.
        let (backup, import) = self.jobs_seen(at);
        let homes: Vec<_> = desired.nodes.keys().map(|serial| self.home(desired, *serial)).collect();
        let ended = self.attachments().take_exits();
        let told: Vec<_> = ended.iter().map(|(serial, status)| (*serial, *status, self.home(desired, *serial))).collect();
        let places = blocking(move || homes.iter().map(Place::look).collect::<Vec<_>>()).await;
        let looking: Vec<_> = desired
            .nodes
            .values()
            .zip(places)
            .map(|(node, place)| {
                let address = SocketAddrV4::new(desired.address.ip, node.port.0);
                look_at_node(node.serial, place, address, self.links.take(node.serial), &desired.secret)
            })
            .collect();
        let (looks, exits) = tokio::join!(join_all(looking), read_exits(told, at));
        self.tell_exits(desired, exits);
        let mut nodes = BTreeMap::new();
        for look in looks {
            let mut observation = look.observation;
            // One that ended since it was seen is not watched again: that would tell less of how it ended.
            if let (false, Some(process)) = (ended.contains_key(&look.serial), observation.process.known()) {
                self.attachments().ensure_watched(look.serial, process.pid, &self.wake);
            }
            let last_exit = self.exits.get(&look.serial).cloned();
            let torn_log = self.torn_log(desired, look.serial, &observation);
            observation.history = NodeHistory { last_exit, torn_log, ..NodeHistory::default() };
            if let Some(link) = look.link {
                self.links.keep(look.serial, link);
            }
            nodes.insert(look.serial, observation);
        }
        let discovery = match &self.attachments().discovery {
            Some(forwarder) => Seen::Known(DiscoverySeen { backends: forwarder.backends() }),
            None => Seen::Absent,
        };
        let mut observed = Observation {
            at,
            first_look: at,
            nodes,
            discovery,
            handovers: BTreeMap::new(),
            backup,
            import,
            replication: ReplicationSeen::default(),
            faults: Vec::new(),
        };
        observed.replication = self.replication_seen(desired, &observed).await;
        observed
    }

    /// Drops what belongs to nodes that have left.
    fn forget_others(&mut self, desired: &DesiredInstance) {
        let is_member = |serial: NodeSerial| desired.nodes.contains_key(&serial);
        self.links.retain(is_member);
        self.exits.retain(|serial, _| is_member(*serial));
        self.loads.retain(|serial, _| is_member(*serial));
        self.attachments().retain(is_member);
    }

    /// Reads once for each process, when it has loaded its data, whether the end of its log of writes was torn off.
    fn torn_log(&mut self, desired: &DesiredInstance, serial: NodeSerial, node: &NodeObservation) -> Option<String> {
        let pid = node.process.known()?.pid;
        let is_read = self.loads.get(&serial).is_some_and(|(loaded, _)| *loaded == pid);
        if !is_read {
            node.engine.known().filter(|engine| !engine.loading && engine.persistence.is_logging)?;
            let words = torn_log(&redact(&log_tail(&self.home(desired, serial))));
            if let Some(words) = &words {
                warn!(node = %serial, words, "the end of a log of writes was torn off and is dropped");
            }
            self.loads.insert(serial, (pid, words));
        }
        self.loads.get(&serial).and_then(|(_, words)| words.clone())
    }

    /// Keeps how processes ended, for their nodes' history.
    fn tell_exits(&mut self, desired: &DesiredInstance, exits: Vec<(NodeSerial, ExitSeen)>) {
        for (node, exit) in exits {
            if desired.lifecycle == Lifecycle::Present {
                warn!(%node, status = exit.status, log_tail = exit.log_tail, "a node's process has ended");
            }
            self.exits.insert(node, exit);
        }
    }
}

/// What is known of processes that ended, with the ends of their logs.
async fn read_exits(ended: Vec<(NodeSerial, ExitStatus, NodeHome)>, at: Timestamp) -> Vec<(NodeSerial, ExitSeen)> {
    if ended.is_empty() {
        return Vec::new();
    }
    let seen = move |(node, status, home): (NodeSerial, ExitStatus, NodeHome)| {
        (node, {
            let log_tail = redact(&log_tail(&home));
            ExitSeen { at, status: status.to_string(), unreadable: unreadable_data(&log_tail), log_tail }
        })
    };
    blocking(move || ended.into_iter().map(seen).collect()).await
}

/// What the folder of a node tells.
#[derive(Debug)]
struct Place {
    files: Seen<FilesSeen>,
    process: Seen<ProcessSeen>,
}

impl Place {
    fn look(home: &NodeHome) -> Self {
        let (mut files, process) = (files_seen(home), process_seen(home));
        if let (Seen::Known(files), Seen::Absent) = (&mut files, &process) {
            files.memory = cluster_file(home).and_then(|text| cluster_memory(&text));
        }
        Self { files, process }
    }

    /// A process that stands still accepts connections and answers none of them.
    fn is_standing_still(&self) -> bool {
        self.process.known().is_some_and(|process| process.state == ProcessState::Stopped)
    }

    /// Without its folder a process cannot be told by its lock; then only the engine can say that it lives.
    fn is_certainly_still(&self) -> bool {
        self.process.is_absent() && self.files.known().is_some()
    }
}

async fn look_at_node(
    serial: NodeSerial,
    place: Place,
    address: SocketAddrV4,
    link: Option<NodeLink>,
    secret: &AdminSecret,
) -> NodeLook {
    let (engine, link) = if place.is_certainly_still() {
        (Seen::Absent, None)
    } else if place.is_standing_still() {
        (Seen::Unknown, None)
    } else {
        ask(address, link, secret).await
    };
    let Place { files, process } = place;
    NodeLook { serial, observation: NodeObservation { files, process, engine, history: NodeHistory::default() }, link }
}

/// Asks the engine over the open link, or over a new one. A link that failed is not kept.
async fn ask(address: SocketAddrV4, link: Option<NodeLink>, secret: &AdminSecret) -> (Seen<EngineSeen>, Option<NodeLink>) {
    let asking = timeout(ASK_TIME_MAX, observe_over(address, link, secret));
    match asking.await.unwrap_or(Err(LinkError::Silent { address })) {
        Ok((seen, link)) => (Seen::Known(seen), Some(link)),
        Err(LinkError::Refused { .. }) => (Seen::Absent, None),
        Err(error) => {
            tracing::debug!(%address, cause = crate::memory::error_chain(&error), "a node does not tell its state");
            (Seen::Unknown, None)
        }
    }
}

async fn observe_over(
    address: SocketAddrV4,
    link: Option<NodeLink>,
    secret: &AdminSecret,
) -> Result<(EngineSeen, NodeLink), LinkError> {
    if let Some(mut link) = link {
        match link.observe().await {
            Ok(seen) => return Ok((seen, link)),
            // Its process has been replaced by another, which does not know the link.
            Err(LinkError::Broken { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let mut link = NodeLink::connect(address, secret).await?;
    let seen = link.observe().await?;
    Ok((seen, link))
}

#[cfg(test)]
mod tests;
