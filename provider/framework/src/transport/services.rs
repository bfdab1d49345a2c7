//! The services go-plugin's host calls beside the provider: broker, controller, stdio and health.
//!
//! Mounted by [`Dispatch`](super::dispatch::Dispatch). Broker and stdio are streams the host opens once and expects
//! to stay open; they carry nothing, because anything sent there is logged by the host as unexpected. Their end
//! is the end of the process, otherwise a graceful shutdown would wait for them for ever.

use std::{
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tfplugin_proto::go_plugin::{
    ConnInfo, Empty, StdioData, grpc_broker_server::GrpcBroker, grpc_controller_server::GrpcController,
    grpc_stdio_server::GrpcStdio,
};
use tokio_stream::Stream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::{Request, Response, Status, Streaming};
use tonic_health::{
    ServingStatus,
    pb::health_server::{Health, HealthServer},
};

use super::serve::Mode;

/// The name under which hosts ask for the health of the whole plugin.
const HEALTH_SERVICE: &str = "plugin";

/// Answers the host's calls about the process itself.
#[derive(Clone, Debug)]
pub(super) struct HostServices {
    mode: Mode,
    ending: CancellationToken,
}

impl HostServices {
    /// `ending` is cancelled when the process is to end, here or elsewhere.
    pub(super) fn new(mode: Mode, ending: CancellationToken) -> Self {
        Self { mode, ending }
    }

    fn silence<T>(&self) -> Response<Silence<T>> {
        Response::new(Silence { ended: Box::pin(self.ending.clone().cancelled_owned()), item: PhantomData })
    }
}

#[tonic::async_trait]
impl GrpcController for HostServices {
    async fn shutdown(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        match self.mode {
            Mode::Managed => self.ending.cancel(),
            // The developer ends it; a host that detaches must not.
            Mode::Debug => tracing::info!("a host asked for shutdown; ignored in debug mode"),
        }
        Ok(Response::new(Empty {}))
    }
}

#[tonic::async_trait]
impl GrpcBroker for HostServices {
    type StartStreamStream = Silence<ConnInfo>;

    async fn start_stream(&self, _request: Request<Streaming<ConnInfo>>) -> Result<Response<Self::StartStreamStream>, Status> {
        Ok(self.silence())
    }
}

#[tonic::async_trait]
impl GrpcStdio for HostServices {
    type StreamStdioStream = Silence<StdioData>;

    async fn stream_stdio(&self, _request: Request<()>) -> Result<Response<Self::StreamStdioStream>, Status> {
        Ok(self.silence())
    }
}

/// The health service, serving from the start.
pub(super) async fn health() -> HealthServer<impl Health> {
    let (reporter, server) = tonic_health::server::health_reporter();
    reporter.set_service_status(HEALTH_SERVICE, ServingStatus::Serving).await;
    server
}

/// A stream without items that ends with the process.
pub(super) struct Silence<T> {
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    item: PhantomData<fn() -> T>,
}

impl<T> Stream for Silence<T> {
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        ready!(self.ended.as_mut().poll(cx));
        Poll::Ready(None)
    }
}
