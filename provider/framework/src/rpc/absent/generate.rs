//! Generated configuration: none here; hosts then generate it from state and schema themselves.

use tfplugin_proto::tfplugin6::generate_resource_config::{Request, Response};

use super::none_such;

pub(in crate::rpc) fn config(request: &Request) -> Response {
    let diagnostics = none_such("configuration generator for resource type", &request.type_name);
    Response { diagnostics, ..Response::default() }
}
