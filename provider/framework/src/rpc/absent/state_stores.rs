//! State stores: none here.

use tfplugin_proto::tfplugin6::{
    configure_state_store, delete_state, get_states, lock_state, read_state_bytes, unlock_state, validate_state_store,
    write_state_bytes,
};

use super::none_such;

const WHAT: &str = "state store";

pub(in crate::rpc) fn validate(request: &validate_state_store::Request) -> validate_state_store::Response {
    validate_state_store::Response { diagnostics: none_such(WHAT, &request.type_name) }
}

pub(in crate::rpc) fn configure(request: &configure_state_store::Request) -> configure_state_store::Response {
    configure_state_store::Response {
        diagnostics: none_such(WHAT, &request.type_name),
        ..configure_state_store::Response::default()
    }
}

pub(in crate::rpc) fn read(request: &read_state_bytes::Request) -> Vec<read_state_bytes::Response> {
    let diagnostics = none_such(WHAT, &request.type_name);
    vec![read_state_bytes::Response { diagnostics, ..read_state_bytes::Response::default() }]
}

pub(in crate::rpc) fn write() -> write_state_bytes::Response {
    write_state_bytes::Response { diagnostics: none_such(WHAT, "of this request") }
}

pub(in crate::rpc) fn lock(request: &lock_state::Request) -> lock_state::Response {
    lock_state::Response { diagnostics: none_such(WHAT, &request.type_name), ..lock_state::Response::default() }
}

pub(in crate::rpc) fn unlock(request: &unlock_state::Request) -> unlock_state::Response {
    unlock_state::Response { diagnostics: none_such(WHAT, &request.type_name) }
}

pub(in crate::rpc) fn list(request: &get_states::Request) -> get_states::Response {
    get_states::Response { diagnostics: none_such(WHAT, &request.type_name), ..get_states::Response::default() }
}

pub(in crate::rpc) fn delete(request: &delete_state::Request) -> delete_state::Response {
    delete_state::Response { diagnostics: none_such(WHAT, &request.type_name) }
}
