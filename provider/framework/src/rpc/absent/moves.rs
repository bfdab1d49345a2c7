//! State moved from another resource type: none here.

use tfplugin_proto::tfplugin6::move_resource_state::{Request, Response};

use super::none_such;

pub(in crate::rpc) fn move_state(request: &Request) -> Response {
    let diagnostics = none_such("way to move state to resource type", &request.target_type_name);
    Response { diagnostics, ..Response::default() }
}
