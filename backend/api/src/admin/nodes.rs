//! Nodes over all instances, or of one.

use admin_proto::v1::{ListNodesRequest, ListNodesResponse};
use valkyard_model::DesiredInstance;
use valkyard_store::{InstanceOrder, Scope};

use super::findings::Findings;
use super::node_message::node_message;
use crate::convert::instance_name;
use crate::{ApiError, ApiState};

/// Every node, by instance and serial. One page: the addresses of a data folder bound the instances to some hundreds.
pub(crate) async fn list_nodes(state: &ApiState, request: ListNodesRequest) -> Result<ListNodesResponse, ApiError> {
    if !request.instance.is_empty() {
        let name = instance_name("instance", &request.instance)?;
        return Ok(ListNodesResponse { nodes: messages(&Findings::of(state, &name).await?) });
    }
    let mut nodes = Vec::new();
    for desired in instances(state, &Scope::default()).await? {
        nodes.extend(messages(&Findings::beside(state, desired).await));
    }
    Ok(ListNodesResponse { nodes })
}

/// Every instance of a scope, by name.
pub(super) async fn instances(state: &ApiState, scope: &Scope) -> Result<Vec<DesiredInstance>, ApiError> {
    Ok(state.store.instances(scope, InstanceOrder::Name { after: None }, u32::MAX).await?)
}

fn messages(findings: &Findings) -> Vec<admin_proto::v1::Node> {
    findings.desired.nodes.values().map(|node| node_message(findings, node)).collect()
}
