//! Answers of the API as the daemon gives them, played back over gRPC on a loopback port.
//!
//! It decides nothing: a test says how operations end and what is refused.

mod admin;
mod backups;
mod line;
mod stubs;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use admin_proto::v1::BackupDetails;
use admin_proto::v1::admin_server::AdminServer;
use memorystore_proto::longrunning::operations_server::OperationsServer;
use memorystore_proto::longrunning::{Operation, operation};
use memorystore_proto::rpc::{BadRequest, ErrorInfo, bad_request::FieldViolation};
use memorystore_proto::v1::memorystore_server::MemorystoreServer;
use memorystore_proto::v1::{DiscoveryEndpoint, Instance, NodeConfig, OperationMetadata, instance};
use memorystore_proto::{pack, rpc};
use prost::Message as _;
use prost_types::{Any, Timestamp};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Status};

pub(crate) use backups::{CREATED_SECONDS, backup_of};
pub(crate) use line::Outage;

/// Many times the 61 steps after which the runtime looks at its sockets.
const YIELDS_TO_NOTICE: usize = 1000;

/// What becomes of the instance when an operation does not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leftover {
    Nothing,
    Instance,
}

/// How operations end.
#[derive(Clone, Debug, Default)]
pub(crate) enum Ending {
    /// Well, when first asked for.
    #[default]
    Well,
    /// Not before they are cancelled.
    WhenCancelled(Leftover),
    /// Never, not even when cancelled.
    Never,
    /// In this error, when first asked for.
    Badly(rpc::Status, Leftover),
}

/// What happens to a creation after the daemon acted on it, in place of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// The connection breaks.
    Cut(Outage),
    /// Nothing, for ever.
    Silence,
}

#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) instances: BTreeMap<String, Instance>,
    pub(crate) backups: BTreeMap<String, BackupDetails>,
    /// Whether automated backups are verified, by instance.
    pub(crate) verify: BTreeMap<String, bool>,
    /// Why verifications fail, if they do.
    pub(crate) flaw: Option<String>,
    pub(crate) operations: BTreeMap<String, Operation>,
    pub(crate) ending: Ending,
    /// Operations by the id of the creation that began them.
    pub(crate) requests: BTreeMap<String, String>,
    /// What happens to the next creations.
    pub(crate) mishaps: VecDeque<Mishap>,
    /// Answers to the next mutations.
    pub(crate) refusals: VecDeque<Status>,
    /// Answers to the next mutations of the administration API.
    pub(crate) admin_refusals: VecDeque<Status>,
    /// Answers to the next GetOperation calls.
    pub(crate) outages: VecDeque<Status>,
    /// What was called, in order, without reads.
    pub(crate) calls: Vec<String>,
}

/// What the service works on; `polled` is told of each GetOperation, `met` of each mishap.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    script: Arc<Mutex<Script>>,
    pub(crate) polled: Arc<Notify>,
    pub(crate) met: Arc<Notify>,
    pub(crate) line: mpsc::Sender<Outage>,
}

impl Shared {
    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("no test panics while it holds the script")
    }
}

pub(crate) struct Daemon {
    shared: Shared,
    url: String,
    server: JoinHandle<()>,
    line: JoinHandle<()>,
}

impl Daemon {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
        let front = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
        let url = format!("http://{}", front.local_addr().expect("the socket has an address"));
        let (outages, told) = mpsc::channel(1);
        let line = tokio::spawn(line::forward(front, listener.local_addr().expect("the socket has an address"), told));
        let shared = Shared { script: Arc::default(), polled: Arc::default(), met: Arc::default(), line: outages };
        let router = tonic::transport::Server::builder()
            .add_service(MemorystoreServer::new(shared.clone()))
            .add_service(AdminServer::new(shared.clone()))
            .add_service(OperationsServer::new(shared.clone()));
        let server = tokio::spawn(async move {
            router.serve_with_incoming(TcpListenerStream::new(listener)).await.expect("serves until aborted");
        });
        Self { shared, url, server, line }
    }

    /// An address at which nobody listens.
    pub(crate) async fn absent() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
        format!("http://{}", listener.local_addr().expect("the socket has an address"))
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.shared.script()
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        self.script().calls.clone()
    }

    pub(crate) async fn polled(&self) {
        self.shared.polled.notified().await;
    }

    /// Waits until a creation met its mishap.
    pub(crate) async fn met(&self) {
        self.shared.met.notified().await;
    }

    /// Waits until the daemon is gone for good and the provider has noticed: from then on nothing is on the wire, so
    /// that a test may let time fly.
    pub(crate) async fn gone(&self) {
        while !self.line.is_finished() {
            tokio::task::yield_now().await;
        }
        // The kernel has the ends of the connections by now; the runtime looks for such news every few dozen steps.
        for _ in 0..YIELDS_TO_NOTICE {
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.server.abort();
        self.line.abort();
    }
}

impl Script {
    /// Notes a mutation, and refuses it if the test says so.
    pub(crate) fn accept(&mut self, call: String) -> Result<(), Status> {
        self.calls.push(call);
        self.refusals.pop_front().map_or(Ok(()), Err)
    }

    /// An operation that works on `target`.
    pub(crate) fn begin(&mut self, verb: &str, target: &str) -> Operation {
        let metadata = OperationMetadata {
            target: target.to_owned(),
            verb: verb.to_owned(),
            status_message: "waiting for 6 nodes to answer".to_owned(),
            ..OperationMetadata::default()
        };
        let name = format!("projects/local/locations/us-central1/operations/{}", self.operations.len());
        let operation = Operation { name: name.clone(), metadata: Some(pack(&metadata)), done: false, result: None };
        self.operations.insert(name, operation.clone());
        operation
    }

    pub(crate) fn poll(&mut self, name: &str) -> Result<Operation, Status> {
        if let Some(outage) = self.outages.pop_front() {
            return Err(outage);
        }
        match self.ending.clone() {
            Ending::Well => self.end(name, None, Leftover::Instance),
            Ending::Badly(error, leftover) => self.end(name, Some(error), leftover),
            Ending::WhenCancelled(_) | Ending::Never => {}
        }
        self.operations.get(name).cloned().ok_or_else(|| Status::not_found(format!("Resource '{name}' was not found")))
    }

    pub(crate) fn cancel(&mut self, name: &str) {
        self.calls.push("CancelOperation".to_owned());
        if let Ending::WhenCancelled(leftover) = self.ending {
            let error = rpc::Status { code: Code::Cancelled.into(), message: "cancelled".to_owned(), details: Vec::new() };
            self.end(name, Some(error), leftover);
        }
    }

    fn end(&mut self, name: &str, error: Option<rpc::Status>, leftover: Leftover) {
        let Some(operation) = self.operations.get_mut(name) else { return };
        let metadata = operation.metadata.as_ref().expect("set when it began");
        let metadata: OperationMetadata = memorystore_proto::unpack(metadata).expect("set when it began");
        let target = metadata.target.as_str();
        operation.done = true;
        match error {
            Some(error) => {
                operation.result = Some(operation::Result::Error(error));
                if leftover == Leftover::Nothing {
                    self.instances.remove(target);
                    self.backups.remove(target);
                }
            }
            None if metadata.verb == "delete" => {
                self.instances.remove(target);
                self.backups.remove(target);
                operation.result = Some(operation::Result::Response(pack(&())));
            }
            None if ["backup", "verify"].contains(&metadata.verb.as_str()) => {
                let backup = self.backups.get_mut(target).expect("the target exists");
                operation.result = Some(backups::end(backup, &metadata.verb, self.flaw.as_deref()));
            }
            None => {
                let instance = self.instances.get_mut(target).expect("the target exists");
                instance.state = instance::State::Active.into();
                operation.result = Some(operation::Result::Response(pack(instance)));
            }
        }
    }
}

/// A new instance as the daemon fills it in.
#[expect(deprecated, reason = "the API keeps the instance's own address there")]
pub(crate) fn filled_in(name: &str, mut instance: Instance) -> Instance {
    instance.name = name.to_owned();
    instance.uid = "5f0a9b3e-8f0e-4a52-9d38-0f3b9a4c1d77".to_owned();
    instance.state = instance::State::Creating.into();
    instance.create_time = Some(Timestamp { seconds: 1_790_000_000, nanos: 0 });
    instance.update_time = instance.create_time;
    if instance.engine_version.is_empty() {
        instance.engine_version = "VALKEY_9_1".to_owned();
    }
    instance.node_config = Some(node_config(instance.node_type));
    instance.discovery_endpoints =
        vec![DiscoveryEndpoint { address: "127.20.0.1".to_owned(), port: 6379, network: String::new() }];
    instance
}

/// The size of a node of this type.
pub(crate) fn node_config(node_type: i32) -> NodeConfig {
    NodeConfig { size_gb: if node_type == i32::from(instance::NodeType::SharedCoreNano) { 1.4 } else { 13.0 } }
}

/// A refusal with google.rpc details.
pub(crate) fn refusal(code: Code, message: &str, details: Vec<Any>) -> Status {
    let status = rpc::Status { code: code.into(), message: message.to_owned(), details };
    Status::with_details(code, message, status.encode_to_vec().into())
}

pub(crate) fn violations(fields: &[(&str, &str)]) -> Any {
    let violation = |(field, description): &(&str, &str)| FieldViolation {
        field: (*field).to_owned(),
        description: (*description).to_owned(),
        reason: String::new(),
    };
    pack(&BadRequest { field_violations: fields.iter().map(violation).collect() })
}

pub(crate) fn operation_in_progress() -> Status {
    let info = ErrorInfo { reason: "operationInProgress".to_owned(), ..ErrorInfo::default() };
    refusal(Code::Aborted, "another operation is running", vec![pack(&info)])
}
