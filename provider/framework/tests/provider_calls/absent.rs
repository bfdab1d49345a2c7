//! What the framework does not offer answers "none here", never with a gRPC error.

use provider_framework::Server;
use provider_framework::transport::StopSignal;
use tfplugin_proto::tfplugin6::{self as wire, provider_server::Provider as _};
use tokio_stream::StreamExt as _;
use tonic::Request;

use crate::cloud::{Cloud, Fault};

fn server() -> Server<Cloud> {
    Server::new(Cloud(Fault::None), StopSignal::default())
}

macro_rules! refuses {
    ($server:expr, $($rpc:ident => $module:ident),+ $(,)?) => {$(
        let answer = $server.$rpc(Request::new(wire::$module::Request::default())).await;
        let diagnostics = answer.unwrap().into_inner().diagnostics;
        assert!(
            diagnostics.iter().any(|d| d.severity() == wire::diagnostic::Severity::Error),
            concat!(stringify!($rpc), " says that there is no such thing"),
        );
    )+};
}

#[tokio::test]
async fn lists_are_empty() {
    let server = server();
    let functions = server.get_functions(Request::new(wire::get_functions::Request::default())).await.unwrap().into_inner();
    assert!(functions.functions.is_empty() && functions.diagnostics.is_empty());
    let request = Request::new(wire::get_resource_identity_schemas::Request::default());
    let identities = server.get_resource_identity_schemas(request).await.unwrap().into_inner();
    assert!(identities.identity_schemas.is_empty() && identities.diagnostics.is_empty());
}

#[tokio::test]
async fn calls_for_what_no_list_announced_are_errors() {
    let server = server();
    refuses!(
        server,
        upgrade_resource_identity => upgrade_resource_identity,
        move_resource_state => move_resource_state,
        generate_resource_config => generate_resource_config,
        validate_ephemeral_resource_config => validate_ephemeral_resource_config,
        open_ephemeral_resource => open_ephemeral_resource,
        renew_ephemeral_resource => renew_ephemeral_resource,
        close_ephemeral_resource => close_ephemeral_resource,
        validate_list_resource_config => validate_list_resource_config,
        validate_state_store_config => validate_state_store,
        configure_state_store => configure_state_store,
        lock_state => lock_state,
        unlock_state => unlock_state,
        get_states => get_states,
        delete_state => delete_state,
        plan_action => plan_action,
        validate_action_config => validate_action_config,
    );
    let call = wire::call_function::Request { name: "f".to_owned(), ..wire::call_function::Request::default() };
    let called = server.call_function(Request::new(call)).await.unwrap().into_inner();
    assert_eq!(called.error.unwrap().text, "The provider has no function `f`.");
}

#[tokio::test]
async fn streams_end_after_one_answer() {
    let server = server();
    let listed = server.list_resource(Request::new(wire::list_resource::Request::default())).await.unwrap().into_inner();
    let events: Vec<_> = listed.collect().await;
    assert_eq!(events[0].as_ref().unwrap().diagnostic.len(), 1);
    assert_eq!(events.len(), 1);
    let invoked = server.invoke_action(Request::new(wire::invoke_action::Request::default())).await.unwrap().into_inner();
    let events: Vec<_> = invoked.collect().await;
    let Some(wire::invoke_action::event::Type::Completed(done)) = &events[0].as_ref().unwrap().r#type else {
        panic!("an action ends with completed");
    };
    assert_eq!((events.len(), done.diagnostics.len()), (1, 1));
    let read = server.read_state_bytes(Request::new(wire::read_state_bytes::Request::default())).await.unwrap().into_inner();
    assert_eq!(read.collect::<Vec<_>>().await.len(), 1);
}
