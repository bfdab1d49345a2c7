//! Actions: none here.

use tfplugin_proto::tfplugin6::{invoke_action, plan_action, validate_action_config};

use super::none_such;

const WHAT: &str = "action";

pub(in crate::rpc) fn validate(request: &validate_action_config::Request) -> validate_action_config::Response {
    validate_action_config::Response { diagnostics: none_such(WHAT, &request.type_name) }
}

pub(in crate::rpc) fn plan(request: &plan_action::Request) -> plan_action::Response {
    plan_action::Response { diagnostics: none_such(WHAT, &request.action_type), ..plan_action::Response::default() }
}

/// A stream of actions ends with exactly one "completed".
pub(in crate::rpc) fn invoke(request: &invoke_action::Request) -> Vec<invoke_action::Event> {
    let completed = invoke_action::event::Completed { diagnostics: none_such(WHAT, &request.action_type) };
    vec![invoke_action::Event { r#type: Some(invoke_action::event::Type::Completed(completed)) }]
}
