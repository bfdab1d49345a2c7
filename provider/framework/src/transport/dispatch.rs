//! Brings a call to its service by the path's first segment.
//!
//! Used by [`Listening`](super::Listening) as the root service of the server. Five fixed services need no router.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use tfplugin_proto::{
    go_plugin::{
        grpc_broker_server::{self, GrpcBrokerServer},
        grpc_controller_server::{self, GrpcControllerServer},
        grpc_stdio_server::{self, GrpcStdioServer},
    },
    tfplugin6::provider_server::{self, Provider, ProviderServer},
};
use tonic::{
    Status,
    body::Body,
    codegen::{BoxFuture, Service, http},
};
use tonic_health::pb::health_server::{self, Health, HealthServer};

use super::{MESSAGE_SIZE_MAX, services::HostServices};

/// All services of the process.
pub(super) struct Dispatch<P, H> {
    provider: ProviderServer<P>,
    broker: GrpcBrokerServer<HostServices>,
    controller: GrpcControllerServer<HostServices>,
    stdio: GrpcStdioServer<HostServices>,
    health: HealthServer<H>,
}

impl<P: Provider, H: Health> Dispatch<P, H> {
    pub(super) fn new(provider: P, host: HostServices, health: HealthServer<H>) -> Self {
        Self {
            provider: ProviderServer::new(provider)
                .max_decoding_message_size(MESSAGE_SIZE_MAX)
                .max_encoding_message_size(MESSAGE_SIZE_MAX),
            broker: GrpcBrokerServer::new(host.clone()),
            controller: GrpcControllerServer::new(host.clone()),
            stdio: GrpcStdioServer::new(host),
            health,
        }
    }
}

// Derived, it would ask for the provider itself to be cloneable.
impl<P, H> Clone for Dispatch<P, H> {
    fn clone(&self) -> Self {
        Self {
            provider: self.provider.clone(),
            broker: self.broker.clone(),
            controller: self.controller.clone(),
            stdio: self.stdio.clone(),
            health: self.health.clone(),
        }
    }
}

impl<P: Provider, H: Health> Service<http::Request<Body>> for Dispatch<P, H> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        match request.uri().path().split('/').nth(1).unwrap_or_default() {
            provider_server::SERVICE_NAME => self.provider.call(request),
            grpc_broker_server::SERVICE_NAME => self.broker.call(request),
            grpc_controller_server::SERVICE_NAME => self.controller.call(request),
            grpc_stdio_server::SERVICE_NAME => self.stdio.call(request),
            health_server::SERVICE_NAME => self.health.call(request),
            _ => Box::pin(async { Ok(Status::unimplemented("unknown service").into_http()) }),
        }
    }
}
