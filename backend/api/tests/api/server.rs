//! A server on a loopback port, and a client for it.

use std::future::Future as _;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::codegen::Service as _;
use valkyard_api::{ApiState, router};
use valkyard_keeper::KeeperHandle;
use valkyard_model::{ByteSize, InstanceName};
use valkyard_reconciler::{Supervisor, SupervisorHandle, Wake};
use valkyard_store::{Store, StoreLocation};

use crate::keeper::ConvergingKeeper;
use crate::world::{ConvergingWorld, LATER, TestPlatform, time};

/// Between two looks at an operation: the made-up world needs a turn of a loop, microseconds.
const POLL_GAP: Duration = Duration::from_millis(2);
/// Looks at an operation before the test gives up: ten seconds.
const POLLS_MAX: u32 = 5_000;

/// Everything behind `/v1/`, in this process.
pub(crate) struct Server {
    pub(crate) base: String,
    pub(crate) supervisor: SupervisorHandle,
    keeper: KeeperHandle,
    pub(crate) store: Store,
    held: Arc<AtomicBool>,
    data: Arc<AtomicU64>,
    router: Router,
    client: Client<HttpConnector, Body>,
    stop: CancellationToken,
    _tasks: JoinSet<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// An answer with its body read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {:?}", self.text))
    }

    /// The JSON of a success.
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.json()
    }

    /// Code, status word and message of an error.
    pub(crate) fn error(&self) -> (u16, String, String) {
        let error = &self.json()["error"];
        assert_eq!(error["code"], self.status.as_u16(), "{}", self.text);
        let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), text("status"), text("message"))
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_on(TestPlatform::default()).await
    }

    pub(crate) async fn start_on(platform: TestPlatform) -> Self {
        let (store, _threads) = Store::open(StoreLocation::Memory).expect("a store in memory");
        let held = Arc::new(AtomicBool::new(false));
        let stop = CancellationToken::new();
        let data = Arc::new(AtomicU64::new(0));
        let (world_store, world_held, world_data) = (store.clone(), held.clone(), data.clone());
        let new_world = move |name: InstanceName, _wake: Wake| ConvergingWorld {
            store: world_store.clone(),
            name,
            held: world_held.clone(),
            data: world_data.clone(),
        };
        let (supervisor, handle) = Supervisor::new(new_world, stop.clone());
        let (keeper, ends) = valkyard_keeper::handle();
        let keeping = ConvergingKeeper { store: store.clone(), ends, held: held.clone(), now: time(LATER) };
        let state =
            ApiState { store: store.clone(), supervisor: handle.clone(), keeper: keeper.clone(), platform: Arc::new(platform) };
        let router = router(state);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("it is bound"));
        let mut tasks = JoinSet::new();
        tasks.spawn(supervisor.run(Vec::new()));
        tasks.spawn(keeping.run());
        let serving = router.clone();
        tasks.spawn(async move { axum::serve(listener, serving).await.expect("the server runs until it is dropped") });
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { base, supervisor: handle, keeper, store, held, data, router, client, stop, _tasks: tasks }
    }

    /// From now on nothing progresses.
    pub(crate) fn hold(&self) {
        self.held.store(true, Ordering::Release);
    }

    /// From the next look on, every instance holds this much.
    pub(crate) async fn fill(&self, name: &str, data: ByteSize) {
        self.data.store(data.0, Ordering::Release);
        let name: InstanceName = name.parse().expect("an instance name");
        for _ in 0..POLLS_MAX {
            self.supervisor.look_again(name.clone()).await;
            let view = self.supervisor.view(name.clone()).await;
            if view.is_some_and(|view| !view.observed.nodes.is_empty()) {
                return;
            }
            tokio::time::sleep(POLL_GAP).await;
        }
        panic!("the loop of {name} has not looked again");
    }

    /// Asks for a JSON again and again until it is as wanted.
    pub(crate) async fn until(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..POLLS_MAX {
            last = self.get(path).await.ok();
            if is_so(&last) {
                return last;
            }
            tokio::time::sleep(POLL_GAP).await;
        }
        panic!("{path} stays as it is: {last}");
    }

    /// Waits until a running operation says this.
    pub(crate) async fn told(&self, operation: &Value, words: &str) {
        let path = format!("/v1/{}", operation["name"].as_str().expect("operations have names"));
        let says = |operation: &Value| operation["metadata"]["statusMessage"].as_str().is_some_and(|said| said.contains(words));
        self.until(&path, says).await;
    }

    /// Waits until nothing is at a path.
    pub(crate) async fn gone(&self, path: &str) {
        for _ in 0..POLLS_MAX {
            if self.get(path).await.status == StatusCode::NOT_FOUND {
                return;
            }
            tokio::time::sleep(POLL_GAP).await;
        }
        panic!("{path} is still there");
    }

    /// From now on, what is backed up holds this much.
    pub(crate) fn hold_data(&self, data: ByteSize) {
        self.data.store(data.0, Ordering::Release);
    }

    /// Lets everything progress again, beginning with this instance and the keeper.
    pub(crate) async fn release(&self, name: &str) {
        self.held.store(false, Ordering::Release);
        self.keeper.look_again();
        self.supervisor.look_again(name.parse().expect("an instance name")).await;
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.base)).body(body.into());
        self.send_built(request.expect("a request")).await
    }

    pub(crate) async fn send_built(&self, request: Request<Body>) -> Answer {
        let response = self.client.request(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// Sends a request of which the server drops the handler at its first wait, as it does when the client hangs up.
    pub(crate) fn send_and_hang_up(&self, method: Method, path: &str, body: impl Into<Body>) {
        let request = Request::builder().method(method).uri(path).header("host", "localhost").body(body.into());
        let mut handling = pin!(self.router.clone().call(request.expect("a request")));
        let first_poll = handling.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(first_poll.is_pending(), "nothing that changes something is answered at once: {first_poll:?}");
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, body.to_string()).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, body.to_string()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, Body::empty()).await
    }

    /// Creates an instance in the usual place and waits for it.
    pub(crate) async fn create(&self, id: &str, body: Value) -> Value {
        let operation = self.post(&format!("{INSTANCES}?instanceId={id}"), body).await.ok();
        self.finished(&operation).await
    }

    /// The operation once it has finished.
    pub(crate) async fn finished(&self, operation: &Value) -> Value {
        let path = format!("/v1/{}", operation["name"].as_str().expect("an operation has a name"));
        let mut last = Value::Null;
        for _ in 0..POLLS_MAX {
            last = self.get(&path).await.ok();
            if last["done"] == true {
                return last;
            }
            tokio::time::sleep(POLL_GAP).await;
        }
        panic!("the operation does not finish: {last}");
    }
}

/// Where the tests keep their instances.
pub(crate) const INSTANCES: &str = "/v1/projects/local/locations/us-central1/instances";

/// The path of an instance in the usual place.
pub(crate) fn path_of(id: &str) -> String {
    format!("{INSTANCES}/{id}")
}

/// The name of an instance in the usual place.
pub(crate) fn name_of(id: &str) -> String {
    format!("projects/local/locations/us-central1/instances/{id}")
}

/// JSON laid out for a golden file.
pub(crate) fn laid_out(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("JSON is text")
}
