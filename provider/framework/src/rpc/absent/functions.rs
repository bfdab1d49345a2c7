//! Provider functions: none here.

use tfplugin_proto::tfplugin6::{FunctionError, call_function, get_functions};

pub(in crate::rpc) fn list(_request: &get_functions::Request) -> get_functions::Response {
    get_functions::Response::default()
}

pub(in crate::rpc) fn call(request: &call_function::Request) -> call_function::Response {
    let text = format!("The provider has no function `{}`.", request.name);
    call_function::Response { error: Some(FunctionError { text, function_argument: None }), ..call_function::Response::default() }
}
