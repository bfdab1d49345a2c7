//! A daemon with one instance, and what tests do to it: change it, kill its nodes, watch it settle.

use std::path::PathBuf;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::api::{Answer, Api};
use crate::daemon::{Daemon, DaemonOptions};
use crate::invariants::{Leavers, Shape, wait_for_invariants};
use crate::judge::{Incident, Moment};
use crate::nodes::{ListedNode, discovery_address, info_of, listing_of};
use crate::wait::wait_until;

/// The instance of a scene.
pub const SCENE_INSTANCE: &str = "projects/p/locations/us-central1/instances/cache";
const CREATE_LIMIT: Duration = Duration::from_secs(60);
/// A node that was killed has to start and to copy its primary; the rest is a busy machine.
const SETTLE_LIMIT: Duration = Duration::from_secs(60);

/// Longest way back from a change: as long as the change took so far, and a busy machine.
const GO_BACK_LIMIT: Duration = Duration::from_secs(60);

/// A running node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its line in its own listing.
    pub listed: ListedNode,
    /// Its process.
    pub pid: i32,
}

/// A daemon with the instance `cache`.
#[derive(Debug)]
pub struct Scene {
    /// The daemon.
    pub daemon: Daemon,
}

impl Scene {
    /// Starts a daemon and creates an instance of small nodes; `body` adds to its request.
    ///
    /// # Panics
    /// When it cannot be created.
    #[must_use]
    pub fn create(body: &Value) -> Self {
        Self::create_with(DaemonOptions::default(), body)
    }

    /// The same with a daemon of this kind.
    ///
    /// # Panics
    /// When it cannot be created.
    #[must_use]
    pub fn create_with(options: DaemonOptions, body: &Value) -> Self {
        let scene = Self { daemon: Daemon::start(options) };
        let mut whole = json!({"nodeType": "SHARED_CORE_NANO"});
        for (name, value) in body.as_object().expect("a request is an object") {
            whole[name] = value.clone();
        }
        scene.api().create_and_wait("cache", &whole, CREATE_LIMIT);
        scene
    }

    /// The daemon's API.
    #[must_use]
    pub fn api(&self) -> Api {
        self.daemon.api()
    }

    /// Its data folder.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.daemon.data_dir()
    }

    /// The instance as the API shows it.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn instance(&self) -> Value {
        let answer = self.api().get(&format!("/v1/{SCENE_INSTANCE}"));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    /// Asks for a change of every field in `body`.
    #[must_use]
    pub fn ask_for(&self, body: &Value) -> Answer {
        let fields: Vec<&str> = body.as_object().expect("a request is an object").keys().map(String::as_str).collect();
        self.api().call("PATCH", &format!("/v1/{SCENE_INSTANCE}?updateMask={}", fields.join(",")), &body.to_string())
    }

    /// Asks for a change, again as long as the instance goes back from another one as Google's clients do, and returns the
    /// operation's name.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn begin(&self, body: &Value) -> String {
        let answer = wait_until("the instance takes a change", GO_BACK_LIMIT, || {
            let answer = self.ask_for(body);
            let is_going_back = answer.status == 409 && answer.body["error"]["details"][0]["reason"] == "operationInProgress";
            if is_going_back { Err(answer.body.to_string()) } else { Ok(answer) }
        });
        assert_eq!(answer.status, 200, "{body}: {}", answer.body);
        answer.body["name"].as_str().expect("an operation has a name").to_owned()
    }

    /// Changes and waits until the operation is done.
    ///
    /// # Panics
    /// When it fails.
    pub fn change(&self, body: &Value, limit: Duration) {
        let operation = self.api().wait(&self.begin(body), limit);
        assert!(operation.get("error").is_none(), "{body}: {operation}");
    }

    /// Waits until the invariants of an instance at rest hold, apart from nodes that still tell clients where to go.
    ///
    /// # Panics
    /// When one goes on being broken.
    pub fn wait_until_sound(&self) {
        wait_for_invariants(&self.data_dir(), &self.instance(), Leavers::Linger);
    }

    /// Waits until all of them hold and nothing is left of nodes that left.
    ///
    /// # Panics
    /// When one goes on being broken.
    pub fn wait_until_at_rest(&self) {
        wait_for_invariants(&self.data_dir(), &self.instance(), Leavers::Gone);
    }

    /// Every node in its own words.
    ///
    /// # Errors
    /// When one does not answer.
    pub fn members(&self) -> Result<Vec<Member>, String> {
        let listed = listing_of(&discovery_address(&self.instance()))?;
        listed
            .iter()
            .map(|node| {
                let own = listing_of(&node.address)?.into_iter().next().ok_or("an empty listing")?;
                let pid = info_of(&node.address, "server", "process_id")?.parse().map_err(|_| "a pid is a number")?;
                Ok(Member { listed: own, pid })
            })
            .collect()
    }

    /// The primaries in the order of their first slot, once each has its replicas in sync: only then is a kill no disaster.
    ///
    /// # Panics
    /// When that does not come.
    #[must_use]
    pub fn primaries(&self) -> Vec<Member> {
        let shape = Shape::of(&self.instance());
        wait_until("primaries with replicas in sync", SETTLE_LIMIT, || {
            let members = self.members()?;
            let mut primaries: Vec<Member> = members.into_iter().filter(|member| !member.listed.slots.is_empty()).collect();
            primaries.sort_by_key(|member| member.listed.slots.first().copied());
            for primary in &primaries {
                replicas_in_sync(primary, shape.replicas)?;
            }
            if primaries.len() == shape.shards { Ok(primaries) } else { Err(format!("{primaries:?}")) }
        })
    }

    /// Kills a primary, and says what may be lost by it.
    ///
    /// # Panics
    /// When it does not answer before.
    #[must_use]
    pub fn strike(&self, primary: &Member, signal: Signal) -> Incident {
        let lag_bytes = lag_of(primary).expect("a primary tells its replicas' offsets");
        let incident = Incident { at: Moment::now(), slots: primary.listed.slots.clone(), lag_bytes, slots_were_moving: false };
        send(primary.pid, signal);
        incident
    }
}

/// Sends a signal to a node. One that is gone already is fine.
///
/// # Panics
/// When the process belongs to somebody else.
pub fn send(pid: i32, signal: Signal) {
    match kill_process(Pid::from_raw(pid).expect("pids are positive"), signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => {}
        Err(error) => panic!("cannot signal {pid}: {error}"),
    }
}

fn replication(address: &str) -> Result<String, String> {
    crate::nodes::ask(address, &["INFO", "replication"])
}

/// Whether a primary has at least this many replicas in sync.
///
/// # Errors
/// What it says instead.
pub fn replicas_in_sync(primary: &Member, wanted: usize) -> Result<(), String> {
    let info = replication(&primary.listed.address)?;
    let in_sync = info.lines().filter(|line| line.starts_with("slave") && line.contains("state=online")).count();
    if in_sync >= wanted { Ok(()) } else { Err(info) }
}

/// Bytes of the stream that the best replica has not confirmed.
fn lag_of(primary: &Member) -> Result<u64, String> {
    let info = replication(&primary.listed.address)?;
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let produced = info.lines().find_map(|line| number(line.strip_prefix("master_repl_offset:")?)).ok_or(info.clone())?;
    let replicas = info.lines().filter(|line| line.starts_with("slave"));
    let confirmed = replicas.filter_map(|line| number(line.split("offset=").nth(1)?.split(',').next()?)).max();
    Ok(produced - confirmed.unwrap_or(0).min(produced))
}
