//! One router for both transports: tonic's services by their path, REST under `/v1/`.

use admin_proto::v1::admin_server::AdminServer;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use memorystore_proto::location::locations_server::LocationsServer;
use memorystore_proto::longrunning::operations_server::OperationsServer;
use memorystore_proto::v1::memorystore_server::MemorystoreServer;
use tonic::server::NamedService;

use crate::grpc::GrpcApi;
use crate::local_only::{is_grpc, local_only};
use crate::{ApiState, rest};

/// Largest request that is read. Real requests are a few kilobytes; 64 labels and 250 connections stay below 100.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;

/// The public API and the administration API: REST and gRPC, nothing else, for programs on this machine. The caller adds its
/// own routes and serves it over HTTP/1 and cleartext HTTP/2.
pub fn router(state: ApiState) -> Router {
    let grpc = GrpcApi::new(state.clone());
    let memorystore = MemorystoreServer::new(grpc.clone()).max_decoding_message_size(BODY_BYTES_MAX);
    let operations = OperationsServer::new(grpc.clone()).max_decoding_message_size(BODY_BYTES_MAX);
    let locations = LocationsServer::new(grpc.clone()).max_decoding_message_size(BODY_BYTES_MAX);
    let admin = AdminServer::new(grpc).max_decoding_message_size(BODY_BYTES_MAX);
    Router::new()
        .route_service(&service_path(&memorystore), memorystore)
        .route_service(&service_path(&operations), operations)
        .route_service(&service_path(&locations), locations)
        .route_service(&service_path(&admin), admin)
        .route("/", get(rest::root))
        .route("/v1/{*path}", any(rest::handle))
        .fallback(unknown)
        .layer(middleware::from_fn(local_only))
        .with_state(state)
}

fn service_path<S: NamedService>(_service: &S) -> String {
    format!("/{}/{{*rpc}}", S::NAME)
}

/// Answers in the language of the question.
async fn unknown(request: Request<Body>) -> Response {
    if is_grpc(&request) {
        let what = format!("there is no service at {}", request.uri().path());
        return tonic::Status::unimplemented(what).into_http::<Body>().into_response();
    }
    rest::unknown_path(request.uri())
}
