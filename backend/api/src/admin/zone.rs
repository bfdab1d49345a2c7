//! What taking a zone and giving it back have in common: its name, its nodes, and signals to their processes.

use std::collections::BTreeSet;
use std::time::Duration;

use admin_proto::v1::{self, NodeName};
use tokio::time::Instant;
use valkyard_model::{DesiredInstance, InstanceName, LocationId, NodeSerial, Timestamp, Uid, Zone};
use valkyard_reconciler::InstanceView;
use valkyard_store::{OutageManner, Scope, ZoneOutage};

use super::nodes::instances;
use crate::convert::timestamp_message;
use crate::platform::NodeSignal;
use crate::{ApiError, ApiState};

/// Longest wait for the loops: a step may take some seconds.
const LOOK_LIMIT: Duration = Duration::from_secs(10);
/// Gap between two looks at what the loops found.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The nodes that are allocated in a zone.
pub(super) struct ZoneNodes {
    nodes: Vec<(InstanceName, Uid, NodeSerial)>,
}

impl ZoneNodes {
    /// The nodes in this zone, over all projects.
    pub(super) async fn of(state: &ApiState, zone: &Zone, location: LocationId) -> Result<Self, ApiError> {
        let scope = Scope { project: None, location: Some(location) };
        let found = instances(state, &scope).await?;
        let in_zone = |instance: &DesiredInstance| {
            let nodes = instance.nodes.values().filter(|node| node.zone == *zone);
            let whole = |serial: NodeSerial| (instance.name.clone(), instance.uid, serial);
            nodes.map(|node| whole(node.serial)).collect::<Vec<_>>()
        };
        let nodes = found.iter().flat_map(in_zone).collect();
        Ok(Self { nodes })
    }

    /// Signals the process of each; what failed, in words.
    pub(super) async fn signal(&self, state: &ApiState, signal: NodeSignal) -> Result<Vec<String>, ApiError> {
        let (platform, nodes) = (state.platform.clone(), self.nodes.clone());
        // Each signal looks into /proc first; a large zone takes long enough to hold up others.
        let sending = tokio::task::spawn_blocking(move || {
            let send = |(name, uid, serial): &(InstanceName, Uid, NodeSerial)| {
                platform.signal_node(*uid, *serial, signal).err().map(|error| format!("{name} {serial}: {}", chain(&*error)))
            };
            nodes.iter().filter_map(send).collect()
        });
        sending.await.map_err(|error| ApiError::Internal(error.into()))
    }

    /// Wakes the loop of every instance of the zone's location: those without nodes there place new ones elsewhere.
    pub(super) async fn wake(&self, state: &ApiState, location: LocationId) -> Result<(), ApiError> {
        for instance in instances(state, &Scope { project: None, location: Some(location) }).await? {
            state.supervisor.look_again(instance.name).await;
        }
        Ok(())
    }

    /// Waits until the loops of these instances have looked at them after `since`: whatever they began before is over.
    /// Not longer than [`LOOK_LIMIT`].
    pub(super) async fn looked_at_since(&self, state: &ApiState, since: Timestamp) {
        let deadline = Instant::now() + LOOK_LIMIT;
        let names: BTreeSet<&InstanceName> = self.nodes.iter().map(|(name, _, _)| name).collect();
        for name in names {
            let is_seen = |look: Option<InstanceView>| look.is_none_or(|look| look.observed.at > since);
            while Instant::now() < deadline && !is_seen(state.supervisor.view(name.clone()).await) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }

    /// The answer.
    pub(super) fn message(&self, outage: &ZoneOutage) -> v1::ZoneOutage {
        let manner = match outage.manner {
            OutageManner::Stop => v1::OutageManner::Stop,
            OutageManner::Hang => v1::OutageManner::Hang,
        };
        let name = |(instance, _, serial): &(InstanceName, Uid, NodeSerial)| NodeName {
            instance: instance.to_string(),
            serial: serial.to_string(),
        };
        v1::ZoneOutage {
            zone: outage.zone.to_string(),
            manner: manner.into(),
            since: Some(timestamp_message(outage.since)),
            nodes: self.nodes.iter().map(name).collect(),
        }
    }
}

/// Reads the full name of a zone.
pub(super) fn parse(text: &str) -> Result<(Zone, LocationId), ApiError> {
    let location = text.rsplit_once('-').and_then(|(region, _)| region.parse::<LocationId>().ok());
    let found = location.and_then(|location| Some((Zone::of(&location, text)?, location)));
    let form = || format!("{text:?} is not a zone; zones are a region's name with -a, -b or -c, such as us-central1-a");
    found.ok_or_else(|| ApiError::invalid("zone", form()))
}

fn chain(error: &(dyn std::error::Error + Send + Sync)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
