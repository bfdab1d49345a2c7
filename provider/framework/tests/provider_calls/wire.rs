//! Single calls with the messages that hosts really send.

use provider_framework::consistency::SelfCheck;
use provider_framework::transport::StopSignal;
use provider_framework::value::msgpack;
use provider_framework::{Object, Resource as _, Server, Value};
use tfplugin_proto::tfplugin6::{self as wire, provider_server::Provider as _};
use tonic::Request;

use crate::cloud::{Cloud, DISK, Disk, Fault, disk};

fn server() -> Server<Cloud> {
    Server::new(Cloud(Fault::None), StopSignal::default())
}

fn value(object: Option<&Object>) -> Option<wire::DynamicValue> {
    let value = object.map_or(Value::Null, |object| Value::Object(object.clone()));
    let msgpack = msgpack::encode(value, &Disk.schema().object_type()).expect("it fits the schema");
    Some(wire::DynamicValue { msgpack: msgpack.into(), ..wire::DynamicValue::default() })
}

async fn configured() -> Server<Cloud> {
    let server = server();
    let request = wire::configure_provider::Request { terraform_version: "1.11.4".to_owned(), ..Default::default() };
    let configured = server.configure_provider(Request::new(request)).await.expect("no gRPC error").into_inner();
    assert_eq!(configured.diagnostics, vec![], "a provider block that is left out arrives as nothing");
    server
}

fn summaries(diagnostics: &[wire::Diagnostic]) -> Vec<&str> {
    diagnostics.iter().map(|d| d.summary.as_str()).collect()
}

#[tokio::test]
async fn schema_and_metadata_name_everything_and_the_capabilities() {
    let server = server();
    let first = server.get_provider_schema(Request::new(wire::get_provider_schema::Request {})).await.unwrap().into_inner();
    let again = server.get_provider_schema(Request::new(wire::get_provider_schema::Request {})).await.unwrap().into_inner();
    assert_eq!(first, again);
    assert_eq!(first.resource_schemas[DISK].version, 2);
    assert!(first.provider.is_some() && first.data_source_schemas.contains_key(DISK));
    let capabilities = first.server_capabilities.unwrap();
    assert!(capabilities.plan_destroy && capabilities.get_provider_schema_optional);
    assert!(!capabilities.move_resource_state && !capabilities.generate_resource_config);
    let metadata = server.get_metadata(Request::new(wire::get_metadata::Request {})).await.unwrap().into_inner();
    assert_eq!(metadata.resources[0].type_name, DISK);
    assert_eq!(metadata.server_capabilities, Some(capabilities));
}

#[tokio::test]
async fn work_before_configure_is_an_error_that_says_so() {
    let request = wire::read_resource::Request {
        type_name: DISK.to_owned(),
        current_state: value(Some(&disk("a", 1))),
        ..Default::default()
    };
    let response = server().read_resource(Request::new(request)).await.unwrap().into_inner();
    assert_eq!(summaries(&response.diagnostics), ["Provider not configured"]);
}

#[tokio::test]
async fn an_unknown_provider_configuration_is_tolerated() {
    let server = server();
    let config = msgpack::encode(
        Value::Object(Object::new().with("project", Value::unknown())),
        &provider_framework::Type::object([("project", provider_framework::Type::String)]),
    )
    .unwrap();
    let config = Some(wire::DynamicValue { msgpack: config.into(), ..Default::default() });
    let validate = wire::validate_provider_config::Request { config: config.clone() };
    let validated = server.validate_provider_config(Request::new(validate)).await.unwrap().into_inner();
    let configure = wire::configure_provider::Request { config, ..Default::default() };
    let configured = server.configure_provider(Request::new(configure)).await.unwrap().into_inner();
    assert_eq!((validated.diagnostics, configured.diagnostics), (vec![], vec![]));
}

#[tokio::test]
async fn an_unknown_type_and_a_malformed_value_are_error_diagnostics() {
    let server = configured().await;
    let request = wire::plan_resource_change::Request { type_name: "cloud_cat".to_owned(), ..Default::default() };
    let response = server.plan_resource_change(Request::new(request)).await.unwrap().into_inner();
    assert_eq!(summaries(&response.diagnostics), ["Unknown resource type"]);
    let garbage = wire::DynamicValue { msgpack: vec![0x81, 0xa1].into(), ..Default::default() };
    let request = wire::read_resource::Request { type_name: DISK.to_owned(), current_state: Some(garbage), ..Default::default() };
    let response = server.read_resource(Request::new(request)).await.unwrap().into_inner();
    assert_eq!(summaries(&response.diagnostics), ["Value does not fit the schema"]);
}

#[tokio::test]
async fn a_value_may_come_as_json() {
    let server = configured().await;
    let json = wire::DynamicValue { json: br#"{"name":"a","size":2}"#.to_vec().into(), ..Default::default() };
    let request =
        wire::validate_resource_config::Request { type_name: DISK.to_owned(), config: Some(json), ..Default::default() };
    let response = server.validate_resource_config(Request::new(request)).await.unwrap().into_inner();
    assert_eq!(response.diagnostics, vec![]);
}

#[tokio::test]
async fn write_only_values_are_refused_for_hosts_that_cannot_carry_them() {
    let server = configured().await;
    let config = value(Some(&disk("a", 1).with("key", "secret")));
    let mut request = wire::validate_resource_config::Request { type_name: DISK.to_owned(), config, ..Default::default() };
    let old = server.validate_resource_config(Request::new(request.clone())).await.unwrap().into_inner();
    assert_eq!(summaries(&old.diagnostics), ["Write-only attribute not supported"]);
    request.client_capabilities = Some(wire::ClientCapabilities { write_only_attributes_allowed: true, ..Default::default() });
    let new = server.validate_resource_config(Request::new(request)).await.unwrap().into_inner();
    assert_eq!(new.diagnostics, vec![]);
}

#[tokio::test]
async fn a_proposed_write_only_value_is_null_in_the_plan() {
    let server = configured().await;
    let config = disk("a", 1).with("key", "secret");
    let request = wire::plan_resource_change::Request {
        type_name: DISK.to_owned(),
        prior_state: value(None),
        proposed_new_state: value(Some(&config)),
        config: value(Some(&config)),
        ..Default::default()
    };
    let response = server.plan_resource_change(Request::new(request)).await.unwrap().into_inner();
    assert_eq!(response.diagnostics, vec![]);
    assert!(!response.legacy_type_system);
    let planned = msgpack::decode(&response.planned_state.unwrap().msgpack, &Disk.schema().object_type()).unwrap();
    assert!(planned.as_object().unwrap().value("key").is_null());
}

#[tokio::test]
async fn a_state_of_terraform_0_11_is_refused() {
    let raw = wire::RawState { flatmap: [("name".to_owned(), "a".to_owned())].into(), ..Default::default() };
    let request = wire::upgrade_resource_state::Request { type_name: DISK.to_owned(), version: 2, raw_state: Some(raw) };
    let response = server().upgrade_resource_state(Request::new(request)).await.unwrap().into_inner();
    assert_eq!(summaries(&response.diagnostics), ["State is too old"]);
}

#[tokio::test]
async fn the_self_check_can_be_switched_off() {
    let server = Server::new(Cloud(Fault::PlansAnotherName), StopSignal::default()).self_check(SelfCheck::Off);
    server.configure_provider(Request::new(wire::configure_provider::Request::default())).await.unwrap();
    let config = value(Some(&disk("a", 1)));
    let request = wire::plan_resource_change::Request {
        type_name: DISK.to_owned(),
        prior_state: value(None),
        proposed_new_state: config.clone(),
        config,
        ..Default::default()
    };
    let response = server.plan_resource_change(Request::new(request)).await.unwrap().into_inner();
    assert_eq!(response.diagnostics, vec![], "Terraform itself will say what is wrong");
}
