//! What taking a zone and giving it back have in common: its name, its nodes, and signals to their processes.

use admin_proto::v1::{self, NodeName};
use valkyard_model::{DesiredInstance, InstanceName, LocationId, NodeSerial, Uid, Zone};
use valkyard_store::{OutageManner, Scope, ZoneOutage};

use super::nodes::instances;
use crate::convert::timestamp_message;
use crate::platform::NodeSignal;
use crate::{ApiError, ApiState};

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
