//! The same over gRPC, through the generated client.

use memorystore_proto::location::GetLocationRequest;
use memorystore_proto::location::locations_client::LocationsClient;
use memorystore_proto::longrunning::operation::Result as Outcome;
use memorystore_proto::longrunning::operations_client::OperationsClient;
use memorystore_proto::longrunning::{GetOperationRequest, ListOperationsRequest, Operation};
use memorystore_proto::v1::memorystore_client::MemorystoreClient;
use memorystore_proto::{rpc, unpack, v1};
use prost::Message;
use prost_types::FieldMask;
use tonic::Code;
use tonic::transport::Channel;

use crate::server::{Server, name_of};

const PARENT: &str = "projects/local/locations/us-central1";

async fn clients(server: &Server) -> (MemorystoreClient<Channel>, OperationsClient<Channel>) {
    let channel = Channel::from_shared(server.base.clone()).expect("a uri").connect().await.expect("a connection");
    (MemorystoreClient::new(channel.clone()), OperationsClient::new(channel))
}

fn creation(id: &str, shard_count: i32) -> v1::CreateInstanceRequest {
    let instance = v1::Instance { shard_count, ..v1::Instance::default() };
    v1::CreateInstanceRequest {
        parent: PARENT.to_owned(),
        instance_id: id.to_owned(),
        instance: Some(instance),
        request_id: String::new(),
    }
}

async fn finished(server: &Server, operations: &mut OperationsClient<Channel>, operation: Operation) -> Operation {
    server.finished(&serde_json::json!({ "name": operation.name })).await;
    let request = GetOperationRequest { name: operation.name };
    operations.get_operation(request).await.expect("it is there").into_inner()
}

#[tokio::test]
async fn an_instance_lives_through_create_get_update_list_and_delete() {
    let server = Server::start().await;
    let (mut memorystore, mut operations) = clients(&server).await;
    let operation = memorystore.create_instance(creation("cache", 3)).await.expect("accepted").into_inner();
    let operation = finished(&server, &mut operations, operation).await;
    let Some(Outcome::Response(response)) = operation.result else { panic!("it failed: {operation:?}") };
    let created: v1::Instance = unpack(&response).expect("an instance");
    let got = memorystore.get_instance(v1::GetInstanceRequest { name: name_of("cache") }).await.expect("it is there");
    assert_eq!(got.into_inner(), created);
    assert_eq!((created.shard_count, created.state()), (3, v1::instance::State::Active));

    let update = v1::UpdateInstanceRequest {
        update_mask: Some(FieldMask { paths: vec!["labels".to_owned()] }),
        instance: Some(v1::Instance {
            name: name_of("cache"),
            labels: [("a".to_owned(), "b".to_owned())].into(),
            ..v1::Instance::default()
        }),
        request_id: String::new(),
    };
    let operation = memorystore.update_instance(update).await.expect("accepted").into_inner();
    finished(&server, &mut operations, operation).await;
    let list = v1::ListInstancesRequest { parent: PARENT.to_owned(), ..v1::ListInstancesRequest::default() };
    let listed = memorystore.list_instances(list).await.expect("a list").into_inner().instances;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].labels["a"], "b");

    let delete = v1::DeleteInstanceRequest { name: name_of("cache"), request_id: String::new() };
    let operation = memorystore.delete_instance(delete).await.expect("accepted").into_inner();
    let operation = finished(&server, &mut operations, operation).await;
    assert!(matches!(&operation.result, Some(Outcome::Response(empty)) if unpack::<()>(empty).is_ok()), "{operation:?}");
    let list = ListOperationsRequest { name: PARENT.to_owned(), ..ListOperationsRequest::default() };
    assert_eq!(operations.list_operations(list).await.expect("a list").into_inner().operations.len(), 3);
}

#[tokio::test]
async fn refusals_carry_their_details() {
    let server = Server::start().await;
    let (mut memorystore, _) = clients(&server).await;
    let refused = memorystore.create_instance(creation("cache", 0)).await.expect_err("no shards");
    assert_eq!(refused.code(), Code::InvalidArgument);
    let status = rpc::Status::decode(refused.details()).expect("a google.rpc.Status");
    assert_eq!((status.code, status.message.as_str()), (3, refused.message()));
    let details: rpc::BadRequest = unpack(&status.details[0]).expect("field violations");
    assert_eq!(details.field_violations[0].field, "instance.shard_count");
}

#[tokio::test]
async fn numbers_that_are_no_values_are_refused() {
    let server = Server::start().await;
    let (mut memorystore, _) = clients(&server).await;
    for (field, change) in [
        ("instance.node_type", (|i| i.node_type = 99) as fn(&mut v1::Instance)),
        ("instance.mode", |i| i.mode = 3),
        ("instance.authorization_mode", |i| i.authorization_mode = -1),
        ("instance.persistence_config.mode", |i| {
            i.persistence_config = Some(v1::PersistenceConfig { mode: 9, ..Default::default() })
        }),
        ("instance.automated_backup_config.automated_backup_mode", |i| {
            i.automated_backup_config = Some(v1::AutomatedBackupConfig { automated_backup_mode: 9, ..Default::default() });
        }),
        ("instance.zone_distribution_config.mode", |i| {
            i.zone_distribution_config = Some(v1::ZoneDistributionConfig { mode: 9, zone: String::new() });
        }),
    ] {
        let mut request = creation("cache", 1);
        change(request.instance.as_mut().expect("it was set"));
        let refused = memorystore.create_instance(request).await.expect_err("not a value");
        assert_eq!(refused.code(), Code::InvalidArgument, "{field}");
        assert!(refused.message().starts_with(&format!("{field}: ")), "{}", refused.message());
    }
}

#[tokio::test]
async fn missing_instances_and_rpcs_have_their_codes() {
    let server = Server::start().await;
    let (mut memorystore, _) = clients(&server).await;
    let missing = memorystore.get_instance(v1::GetInstanceRequest { name: name_of("none") }).await.expect_err("not there");
    assert_eq!(
        (missing.code(), missing.message()),
        (Code::NotFound, format!("Resource '{}' was not found", name_of("none")).as_str())
    );
    let later = memorystore.start_migration(v1::StartMigrationRequest::default()).await.expect_err("not yet");
    assert_eq!(
        (later.code(), later.message()),
        (Code::Unimplemented, "StartMigration is not available in this version of Valkyard")
    );
    let unnamed = memorystore.update_instance(v1::UpdateInstanceRequest::default()).await.expect_err("no mask");
    assert_eq!(unnamed.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn locations_answer_too() {
    let server = Server::start().await;
    let channel = Channel::from_shared(server.base.clone()).expect("a uri").connect().await.expect("a connection");
    let request = GetLocationRequest { name: PARENT.to_owned() };
    let location = LocationsClient::new(channel).get_location(request).await.expect("it exists").into_inner();
    assert_eq!(location.location_id, "us-central1");
}

#[tokio::test]
async fn a_service_that_is_not_here_is_unimplemented_not_http_404() {
    let server = Server::start().await;
    let request = http::Request::post(format!("{}/some.other.Service/Do", server.base))
        .header("content-type", "application/grpc")
        .body(axum::body::Body::empty())
        .expect("a request");
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    let answer = client.request(request).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["grpc-status"], "12");
}
