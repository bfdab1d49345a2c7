//! Automatic connections as clients see them.
//!
//! Each requested pair of project and network expands into two connections, one per service attachment, as on the real
//! service: the first is the discovery endpoint, the second belongs to the nodes. Both lead to the instance's own address;
//! there is no network in between. Identifiers are derived from the uid, so that they stay the same in every answer.

use memorystore_proto::v1;
use memorystore_proto::v1::instance::{ConnectionDetail, InstanceEndpoint, connection_detail::Connection};
use uuid::Uuid;
use valkyard_model::{AutoConnection, DesiredInstance, Uid};

/// Where Google's clients expect the rule's URL to begin.
const COMPUTE: &str = "https://www.googleapis.com/compute/v1";
/// The project that would hold the service attachments; there are none behind these names.
const TENANT_PROJECT: &str = "valkyard";
/// Spreads consecutive numbers over 64 bits (the golden ratio, as in multiplicative hashing).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

#[derive(Clone, Copy)]
enum Attachment {
    Discovery,
    Nodes,
}

impl Attachment {
    const BOTH: [Self; 2] = [Self::Discovery, Self::Nodes];

    fn connection_type(self) -> v1::ConnectionType {
        match self {
            Self::Discovery => v1::ConnectionType::Discovery,
            Self::Nodes => v1::ConnectionType::Unspecified,
        }
    }

    fn name(self, instance: &DesiredInstance) -> String {
        let (location, uid) = (&instance.name.location, instance.uid.0.simple().to_string());
        let suffix = match self {
            Self::Discovery => "",
            Self::Nodes => "-2",
        };
        format!(
            "projects/{TENANT_PROJECT}/regions/{location}/serviceAttachments/gcp-memorystore-auto-{}-psc-sa{suffix}",
            &uid[..16]
        )
    }
}

/// The two service attachments.
pub(super) fn attachments(instance: &DesiredInstance) -> Vec<v1::PscAttachmentDetail> {
    let detail = |attachment: Attachment| v1::PscAttachmentDetail {
        service_attachment: attachment.name(instance),
        connection_type: attachment.connection_type().into(),
    };
    Attachment::BOTH.map(detail).into()
}

/// One group of connections per requested pair.
pub(super) fn endpoints(instance: &DesiredInstance) -> Vec<InstanceEndpoint> {
    let group = |(index, requested): (usize, &AutoConnection)| InstanceEndpoint {
        connections: expand(instance, index, requested)
            .map(|auto| ConnectionDetail { connection: Some(Connection::PscAutoConnection(auto)) })
            .into(),
    };
    instance.spec.auto_connections.iter().enumerate().map(group).collect()
}

/// The connections that were requested through the deprecated list.
pub(super) fn legacy_connections(instance: &DesiredInstance) -> Vec<v1::PscAutoConnection> {
    let requested = instance.spec.legacy_auto_connections.iter().enumerate();
    requested.flat_map(|(index, requested)| expand(instance, index, requested)).collect()
}

fn expand(instance: &DesiredInstance, index: usize, requested: &AutoConnection) -> [v1::PscAutoConnection; 2] {
    Attachment::BOTH.map(|attachment| {
        let (number, port) = match attachment {
            Attachment::Discovery => (2 * index + 1, Some(instance.address.discovery)),
            Attachment::Nodes => (2 * index + 2, None),
        };
        let (rule, id) = identifiers(instance.uid, number as u64);
        v1::PscAutoConnection {
            psc_connection_id: id.to_string(),
            ip_address: instance.address.ip.to_string(),
            forwarding_rule: format!(
                "{COMPUTE}/projects/{}/regions/{}/forwardingRules/sca-auto-fr-{rule}",
                requested.project, instance.name.location
            ),
            project_id: requested.project.clone(),
            network: requested.network.clone(),
            service_attachment: attachment.name(instance),
            psc_connection_status: v1::PscConnectionStatus::Active.into(),
            connection_type: attachment.connection_type().into(),
            ports: port.map(|port| v1::psc_auto_connection::Ports::Port(port.0.into())),
        }
    })
}

fn identifiers(uid: Uid, number: u64) -> (Uuid, u64) {
    let (high, low) = uid.0.as_u64_pair();
    let id = low ^ number.wrapping_mul(SPREAD);
    (Uuid::from_u64_pair(high, id), id)
}
