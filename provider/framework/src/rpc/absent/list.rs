//! List resources: none here.

use tfplugin_proto::tfplugin6::{list_resource, validate_list_resource_config};

use super::none_such;

const WHAT: &str = "list resource";

pub(in crate::rpc) fn validate(request: &validate_list_resource_config::Request) -> validate_list_resource_config::Response {
    validate_list_resource_config::Response { diagnostics: none_such(WHAT, &request.type_name) }
}

pub(in crate::rpc) fn events(request: &list_resource::Request) -> Vec<list_resource::Event> {
    vec![list_resource::Event { diagnostic: none_such(WHAT, &request.type_name), ..list_resource::Event::default() }]
}
