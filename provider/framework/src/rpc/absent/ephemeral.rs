//! Ephemeral resources: none here.

use tfplugin_proto::tfplugin6::{
    close_ephemeral_resource, open_ephemeral_resource, renew_ephemeral_resource, validate_ephemeral_resource_config,
};

use super::none_such;

const WHAT: &str = "ephemeral resource";

pub(in crate::rpc) fn validate(
    request: &validate_ephemeral_resource_config::Request,
) -> validate_ephemeral_resource_config::Response {
    validate_ephemeral_resource_config::Response { diagnostics: none_such(WHAT, &request.type_name) }
}

pub(in crate::rpc) fn open(request: &open_ephemeral_resource::Request) -> open_ephemeral_resource::Response {
    open_ephemeral_resource::Response {
        diagnostics: none_such(WHAT, &request.type_name),
        ..open_ephemeral_resource::Response::default()
    }
}

pub(in crate::rpc) fn renew(request: &renew_ephemeral_resource::Request) -> renew_ephemeral_resource::Response {
    renew_ephemeral_resource::Response {
        diagnostics: none_such(WHAT, &request.type_name),
        ..renew_ephemeral_resource::Response::default()
    }
}

pub(in crate::rpc) fn close(request: &close_ephemeral_resource::Request) -> close_ephemeral_resource::Response {
    close_ephemeral_resource::Response { diagnostics: none_such(WHAT, &request.type_name) }
}
