//! The daemon, as resources see it.
//!
//! Owns [`Client`]: the connection, the provider block's defaults, and one method per API call. Resources call
//! it. Invariants: nothing is sent before the first call; each call leaves one log line; an error is an
//! [`ApiError`], never a bare gRPC status. It does not wait for operations (see [`operation`]) and knows nothing
//! of Terraform's values. The calls about backups are in [`backups`].

mod answer;
mod backups;
mod claims;
mod endpoint;
mod error;
mod operation;
mod outage;
mod pace;
mod queue;
mod submission;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant};

use memorystore_proto::longrunning::operations_client::OperationsClient;
use memorystore_proto::longrunning::{CancelOperationRequest, GetOperationRequest, Operation};
use memorystore_proto::v1::memorystore_client::MemorystoreClient;
use memorystore_proto::v1::{CreateInstanceRequest, DeleteInstanceRequest, GetInstanceRequest, Instance, UpdateInstanceRequest};
use provider_framework::MaybeKnown;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};

pub(crate) use answer::{Attempt, Subject, interrupted};
pub(crate) use claims::Claims;
pub(crate) use endpoint::EndpointUrl;
pub(crate) use error::ApiError;
pub(crate) use operation::{Finished, Standing};
pub(crate) use outage::OUTAGE_GRACE;
pub(crate) use submission::{Creation, Submission};

use self::outage::Unanswered;
use self::queue::Queue;

/// Longest wait for a TCP connection: on one machine it is there at once or refused at once, across machines a
/// lost packet is sent again after one and three seconds.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Longest wait for one answer. The daemon answers every call within milliseconds, since operations are asked after and not
/// waited for; a disk that is busy to the limit makes it seconds.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// How often a connection with a call on it is tried while nothing comes. With the limit below, one that leads to a stopped
/// daemon or into a broken network is given up before the call that follows.
const PROBE_INTERVAL: Duration = Duration::from_secs(4);
/// How long the answer to such a trial may take.
const PROBE_LIMIT: Duration = Duration::from_secs(4);

/// What resources take from the provider block where they are silent.
#[derive(Clone, Debug)]
pub(crate) struct Defaults {
    pub(crate) project: MaybeKnown<String>,
    pub(crate) location: MaybeKnown<String>,
    pub(crate) labels: MaybeKnown<BTreeMap<String, String>>,
    pub(crate) deletion_protection: MaybeKnown<bool>,
}

/// A daemon to talk to.
#[derive(Debug)]
pub struct Client {
    connection: MaybeKnown<Connection>,
    defaults: Defaults,
    policy_claims: Claims,
}

#[derive(Debug)]
struct Connection {
    url: EndpointUrl,
    channel: Channel,
}

impl Client {
    /// A client that connects when it is first used. Must be called within a runtime.
    pub(crate) fn new(endpoint: MaybeKnown<EndpointUrl>, defaults: Defaults) -> Self {
        let connection = match endpoint {
            MaybeKnown::Unknown => MaybeKnown::Unknown,
            MaybeKnown::Known(url) => {
                let endpoint = url.endpoint().connect_timeout(CONNECT_LIMIT);
                let endpoint = endpoint.http2_keep_alive_interval(PROBE_INTERVAL).keep_alive_timeout(PROBE_LIMIT);
                let channel = endpoint.connect_lazy();
                MaybeKnown::Known(Connection { url, channel })
            }
        };
        Self { connection, defaults, policy_claims: Claims::default() }
    }

    pub(crate) fn defaults(&self) -> &Defaults {
        &self.defaults
    }

    /// Instances whose backup policy is being made.
    pub(crate) fn policy_claims(&self) -> &Claims {
        &self.policy_claims
    }

    /// One sending; [`Submission`] sees to the rest.
    async fn create_instance(&self, request: CreateInstanceRequest) -> Result<Operation, ApiError> {
        let mut api = MemorystoreClient::new(self.connection()?.channel.clone());
        self.call("CreateInstance", api.create_instance(request)).await
    }

    pub(crate) async fn update_instance(&self, request: UpdateInstanceRequest) -> Result<Operation, ApiError> {
        let send = |channel, request| async move { MemorystoreClient::new(channel).update_instance(request).await };
        self.when_free("UpdateInstance", request, send).await
    }

    pub(crate) async fn delete_instance(&self, request: DeleteInstanceRequest) -> Result<Operation, ApiError> {
        let send = |channel, request| async move { MemorystoreClient::new(channel).delete_instance(request).await };
        self.when_free("DeleteInstance", request, send).await
    }

    pub(crate) async fn instance(&self, name: String) -> Result<Instance, ApiError> {
        let send = |channel, request| async move { MemorystoreClient::new(channel).get_instance(request).await };
        self.when_answered("GetInstance", GetInstanceRequest { name }, send).await
    }

    async fn operation(&self, name: String) -> Result<Operation, ApiError> {
        let mut api = OperationsClient::new(self.connection()?.channel.clone());
        self.call("GetOperation", api.get_operation(GetOperationRequest { name })).await
    }

    pub(crate) async fn cancel_operation(&self, name: String) -> Result<(), ApiError> {
        let mut api = OperationsClient::new(self.connection()?.channel.clone());
        self.call("CancelOperation", api.cancel_operation(CancelOperationRequest { name })).await
    }

    /// Asks again when an answer does not come back, for as long as an outage may last.
    async fn when_answered<R, T, W>(&self, rpc: &'static str, request: R, send: impl Fn(Channel, R) -> W) -> Result<T, ApiError>
    where
        R: Clone,
        W: Future<Output = Result<Response<T>, Status>>,
    {
        let mut unanswered = Unanswered::default();
        loop {
            let channel = self.connection()?.channel.clone();
            match self.call(rpc, send(channel, request.clone())).await {
                Err(error) if unanswered.is_worth_another_try(&error) => unanswered.pause().await,
                outcome => return outcome,
            }
        }
    }

    /// Repeats a mutation while another operation works on the same instance, and when its answer does not come back;
    /// callers bound it in time.
    ///
    /// The request keeps its id or says the same every time, so a repetition starts nothing twice.
    async fn when_free<R, T, W>(&self, rpc: &'static str, request: R, send: impl Fn(Channel, R) -> W) -> Result<T, ApiError>
    where
        R: Clone,
        W: Future<Output = Result<Response<T>, Status>>,
    {
        let (mut unanswered, mut queue) = (Unanswered::default(), Queue::default());
        loop {
            let channel = self.connection()?.channel.clone();
            match self.call(rpc, send(channel, request.clone())).await {
                Err(error) if error.is_operation_in_progress() => {
                    queue.wait_on(rpc);
                    unanswered.pause().await;
                }
                Err(error) if unanswered.is_worth_another_try(&error) => unanswered.pause().await,
                outcome => return outcome,
            }
        }
    }

    async fn call<T>(&self, rpc: &'static str, work: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, ApiError> {
        let connection = self.connection()?;
        let started = Instant::now();
        let Ok(outcome) = tokio::time::timeout(CALL_LIMIT, work).await else {
            tracing::warn!(rpc, limit_s = CALL_LIMIT.as_secs(), "the daemon does not answer");
            return Err(ApiError::Silent { endpoint: connection.url.clone(), limit: CALL_LIMIT });
        };
        let code = outcome.as_ref().map_or_else(Status::code, |_| Code::Ok);
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(rpc, ?code, ms, "called the daemon");
        outcome.map(Response::into_inner).map_err(|status| ApiError::from_status(&connection.url, status))
    }

    fn connection(&self) -> Result<&Connection, ApiError> {
        match &self.connection {
            MaybeKnown::Known(connection) => Ok(connection),
            MaybeKnown::Unknown => Err(ApiError::EndpointUnknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        let url: EndpointUrl = "http://127.0.0.1:1".parse().expect("an endpoint");
        let defaults = Defaults {
            project: MaybeKnown::Unknown,
            location: MaybeKnown::Unknown,
            labels: MaybeKnown::Unknown,
            deletion_protection: MaybeKnown::Unknown,
        };
        Client::new(MaybeKnown::Known(url), defaults)
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_to_a_silent_daemon_ends_and_is_repeated_for_as_long_as_an_outage_may_last() {
        let client = client();
        let started = tokio::time::Instant::now();
        let mut unanswered = Unanswered::default();
        let mut calls = 0;
        let error = loop {
            calls += 1;
            let outcome = client.call::<Instance>("GetInstance", std::future::pending()).await;
            let error = outcome.expect_err("nobody answers");
            if !unanswered.is_worth_another_try(&error) {
                break error;
            }
            unanswered.pause().await;
        };
        assert!(matches!(&error, ApiError::Silent { limit, .. } if *limit == CALL_LIMIT), "{error}");
        assert!(error.may_have_arrived() && error.is_outage());
        assert_eq!(calls, 4);
        assert!((OUTAGE_GRACE..OUTAGE_GRACE * 2).contains(&started.elapsed()), "{:?}", started.elapsed());
    }
}
