//! Resource identity: none here.

use tfplugin_proto::tfplugin6::{get_resource_identity_schemas, upgrade_resource_identity};

use super::none_such;

pub(in crate::rpc) fn schemas(_request: &get_resource_identity_schemas::Request) -> get_resource_identity_schemas::Response {
    get_resource_identity_schemas::Response::default()
}

pub(in crate::rpc) fn upgrade(request: &upgrade_resource_identity::Request) -> upgrade_resource_identity::Response {
    upgrade_resource_identity::Response {
        diagnostics: none_such("identity of resource type", &request.type_name),
        ..upgrade_resource_identity::Response::default()
    }
}
