//! What the host may rely on once it is connected: message sizes, side services, stopping and ending.

use std::time::Duration;

use provider_framework::transport::{HostEnvironment, Listening, Mode, ServeError, ServeOptions, TlsError};
use tfplugin_proto::{
    go_plugin::{
        Empty, grpc_broker_client::GrpcBrokerClient, grpc_controller_client::GrpcControllerClient,
        grpc_stdio_client::GrpcStdioClient,
    },
    tfplugin6::{DynamicValue, apply_resource_change, get_provider_schema, read_resource, stop_provider},
};
use tokio::time::{Instant, timeout};
use tonic::{Code, transport::Channel};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use crate::{
    host::{COOKIE, HostIdentity, PATIENCE, Served, client},
    stub::WAITS_FOR_STOP,
};

/// The host kills a provider that is still there this long after Shutdown.
const HOST_PATIENCE: Duration = Duration::from_secs(2);

async fn start() -> (Served, Channel) {
    let identity = HostIdentity::new();
    let served = Served::start(Mode::Managed, Some(&identity));
    let channel = served.address.channel(Some(&identity)).await;
    (served, channel)
}

/// Calls Shutdown and waits for the server's end. Fails if the host would have lost patience.
async fn shut_down(served: Served, channel: Channel) {
    let asked = Instant::now();
    GrpcControllerClient::new(channel).shutdown(Empty {}).await.expect("Shutdown is answered");
    timeout(PATIENCE, served.finished).await.expect("the server ends").expect("no panic").expect("a clean end");
    assert!(asked.elapsed() < HOST_PATIENCE, "{:?}", asked.elapsed());
    assert!(!served.address.socket.exists());
}

#[tokio::test]
async fn shutdown_ends_the_streams_the_host_keeps_open() {
    let (served, channel) = start().await;
    let mut broker = GrpcBrokerClient::new(channel.clone()).start_stream(tokio_stream::pending()).await.unwrap().into_inner();
    let mut stdio = GrpcStdioClient::new(channel.clone()).stream_stdio(()).await.unwrap().into_inner();
    shut_down(served, channel).await;
    let ends = async { (broker.message().await.unwrap(), stdio.message().await.unwrap()) };
    assert_eq!(timeout(PATIENCE, ends).await.expect("both streams end"), (None, None));
}

#[tokio::test]
async fn shutdown_does_not_wait_for_work_that_ignores_the_stop_signal() {
    let (served, channel) = start().await;
    let mut stuck = client(channel.clone());
    let stuck = tokio::spawn(async move { stuck.apply_resource_change(apply_resource_change::Request::default()).await });
    client(channel.clone()).get_provider_schema(get_provider_schema::Request {}).await.unwrap();
    shut_down(served, channel).await;
    stuck.abort();
}

#[tokio::test]
async fn shutdown_stops_work_in_flight_and_lets_it_answer() {
    let (served, channel) = start().await;
    let answer = waiting_apply(&channel).await;
    shut_down(served, channel).await;
    timeout(PATIENCE, answer).await.expect("the work stops").unwrap().unwrap();
}

#[tokio::test]
async fn stop_provider_cancels_work_in_flight_and_serves_on() {
    let (_served, channel) = start().await;
    for _ in 0..2 {
        let answer = waiting_apply(&channel).await;
        client(channel.clone()).stop_provider(stop_provider::Request {}).await.unwrap();
        timeout(PATIENCE, answer).await.expect("the work stops").unwrap().unwrap();
    }
    client(channel).get_provider_schema(get_provider_schema::Request {}).await.unwrap();
}

type Answer = tokio::task::JoinHandle<Result<tonic::Response<apply_resource_change::Response>, tonic::Status>>;

/// An apply that waits for the stop signal. The server has it once a later call on the connection is answered.
async fn waiting_apply(channel: &Channel) -> Answer {
    let mut waiting = client(channel.clone());
    let request = apply_resource_change::Request { type_name: WAITS_FOR_STOP.to_owned(), ..Default::default() };
    let answer = tokio::spawn(async move { waiting.apply_resource_change(request).await });
    tokio::task::yield_now().await;
    client(channel.clone()).get_provider_schema(get_provider_schema::Request {}).await.expect("the stub answers");
    answer
}

#[tokio::test]
async fn messages_far_beyond_the_default_limit_pass_both_ways() {
    const STATE_BYTES: usize = 40 * 1024 * 1024;
    let (_served, channel) = start().await;
    let state = DynamicValue { msgpack: vec![7; STATE_BYTES].into(), ..Default::default() };
    let response = timeout(
        PATIENCE,
        client(channel).read_resource(read_resource::Request { current_state: Some(state.clone()), ..Default::default() }),
    )
    .await
    .expect("an answer")
    .unwrap();
    assert!(response.into_inner().new_state == Some(state));
}

#[tokio::test]
async fn whole_plugin_reports_healthy_under_its_name() {
    let (_served, channel) = start().await;
    let mut health = HealthClient::new(channel);
    let mut check = async |service: &str| {
        health.check(HealthCheckRequest { service: service.to_owned() }).await.map(|response| response.into_inner().status())
    };
    assert_eq!(check("plugin").await.unwrap(), ServingStatus::Serving);
    let unknown = check("something else").await.expect_err("not a service");
    assert_eq!(unknown.code(), Code::NotFound);
}

#[tokio::test]
async fn host_cannot_shut_down_a_debug_provider() {
    let served = Served::start(Mode::Debug, None);
    let channel = served.address.channel(None).await;
    GrpcControllerClient::new(channel.clone()).shutdown(Empty {}).await.unwrap();
    client(channel).get_provider_schema(get_provider_schema::Request {}).await.unwrap();
    assert!(!served.finished.is_finished());
}

fn open_with(environment: &HostEnvironment) -> Result<Listening, ServeError> {
    let options = ServeOptions { provider_address: "registry.terraform.io/valkyard/stub".to_owned(), mode: Mode::Managed };
    Listening::open(&options, environment)
}

#[tokio::test]
async fn absent_or_wrong_cookie_is_refused_before_anything_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    for cookie in [None, Some("d602bf8f".to_owned())] {
        let environment = HostEnvironment { cookie, socket_dir: Some(dir.path().to_owned()), ..HostEnvironment::default() };
        let error = open_with(&environment).expect_err("the cookie does not match");
        assert!(matches!(error, ServeError::NotStartedByHost { .. }), "{error}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn unreadable_host_certificate_is_named_as_the_cause() {
    let environment = HostEnvironment {
        cookie: Some(COOKIE.to_owned()),
        client_certificate: Some("no certificate".to_owned()),
        ..HostEnvironment::default()
    };
    let error = open_with(&environment).expect_err("there is no certificate in there");
    assert!(matches!(error, ServeError::Tls(TlsError::ClientCertificate(_))), "{error:?}");
}
