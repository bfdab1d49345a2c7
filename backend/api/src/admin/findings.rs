//! What is known of one instance: its record, and the last look of its loop if there was one.

use std::collections::BTreeSet;
use std::sync::Arc;

use valkyard_model::{
    Condition, DesiredInstance, EngineSeen, InstanceName, NodeId, NodeObservation, NodeSerial, Observation, RoleSeen, ShardIndex,
    WaitingOn,
};

use crate::{ApiError, ApiState};

/// A record with what was found of it.
#[derive(Clone, Debug)]
pub(crate) struct Findings {
    pub(crate) desired: DesiredInstance,
    /// Nothing before the first look at this incarnation.
    pub(crate) observed: Option<Arc<Observation>>,
    pub(crate) waiting_on: Vec<WaitingOn>,
    pub(crate) conditions: Vec<Condition>,
}

impl Findings {
    /// The findings of this instance.
    pub(crate) async fn of(state: &ApiState, name: &InstanceName) -> Result<Self, ApiError> {
        let found = state.store.instance(name).await?;
        let desired = found.ok_or_else(|| ApiError::NotFound { name: name.to_string() })?;
        Ok(Self::beside(state, desired).await)
    }

    /// The findings of an instance that was read.
    pub(crate) async fn beside(state: &ApiState, desired: DesiredInstance) -> Self {
        let view = state.supervisor.view(desired.name.clone()).await;
        // A look at another incarnation of the name says nothing about this one.
        match view.filter(|view| view.desired.uid == desired.uid) {
            Some(view) => {
                Self { desired, observed: Some(view.observed), waiting_on: view.waiting_on, conditions: view.conditions }
            }
            None => Self { desired, observed: None, waiting_on: Vec::new(), conditions: Vec::new() },
        }
    }

    /// Every shard that has nodes.
    pub(crate) fn shards(&self) -> BTreeSet<ShardIndex> {
        self.desired.nodes.values().map(|node| node.shard).collect()
    }

    /// What was seen of a node.
    pub(crate) fn node(&self, serial: NodeSerial) -> Option<&NodeObservation> {
        self.observed.as_ref()?.nodes.get(&serial)
    }

    /// What a node's engine said.
    pub(crate) fn engine(&self, serial: NodeSerial) -> Option<&EngineSeen> {
        self.node(serial)?.engine.known()
    }

    /// The node that leads a shard by its own word; of several, the one with slots and the newest claim.
    pub(crate) fn primary(&self, shard: ShardIndex) -> Option<NodeSerial> {
        let nodes = self.desired.nodes.values().filter(|node| node.shard == shard);
        let primaries = nodes.filter_map(|node| Some((node.serial, self.engine(node.serial)?)));
        let primaries = primaries.filter(|(_, engine)| matches!(engine.role, RoleSeen::Primary));
        primaries.max_by_key(|(_, engine)| (!engine.slots.is_empty(), engine.epoch)).map(|(serial, _)| serial)
    }

    /// The node with this identity.
    pub(crate) fn serial_of(&self, id: &NodeId) -> Option<NodeSerial> {
        self.desired.nodes.values().find(|node| node.id == *id).map(|node| node.serial)
    }
}
