//! A cluster started from rendered files, on loopback addresses of its own; its processes end with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use valkyard_engine::render::{self, NodeFileNames};
use valkyard_engine::{EngineBuild, NodeLink};
use valkyard_model::{
    Access, AdminSecret, Admission, ByteSize, ClusterSeed, ConfigEpoch, EngineConfigs, EngineSeen, LocationId, NodeId,
    NodeSerial, NodeSettings, NodeType, Persistence, Port, RoleSeen, SeedNode, SeedRole, ShardId, ShardIndex, SlotSet, Uid, Zone,
    even_shares,
};

use crate::is_replica_in_sync;

/// Longest wait for anything; the slowest thing takes about 4 s on an idle machine.
const WAIT_TIME_MAX: Duration = Duration::from_secs(60);
/// Between two looks while waiting.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Enough for tests, and its sixteenth is a round backlog size.
const MAXMEMORY: ByteSize = ByteSize(64 << 20);

/// Looks until `look` says yes; panics with what it said last.
pub(crate) async fn until<T, S: Debug>(what: &str, mut look: impl AsyncFnMut() -> Result<T, S>) -> T {
    let start = Instant::now();
    loop {
        match look().await {
            Ok(value) => return value,
            Err(status) if start.elapsed() > WAIT_TIME_MAX => panic!("gave up waiting until {what}: {status:?}"),
            Err(_) => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

pub(crate) struct Cluster {
    build: EngineBuild,
    dir: TempDir,
    ip: Ipv4Addr,
    uid: Uid,
    secret: AdminSecret,
    configs: EngineConfigs,
    nodes: BTreeMap<NodeSerial, Child>,
    ids: BTreeMap<NodeSerial, NodeId>,
}

/// An address that no other cluster of this machine uses at the same time, most likely.
fn fresh_ip() -> Ipv4Addr {
    static COUNTER: AtomicU16 = AtomicU16::new(0);
    /// More clusters than one test process starts.
    const STRIDE: u32 = 37;
    let number = std::process::id().wrapping_mul(STRIDE) + u32::from(COUNTER.fetch_add(1, Ordering::Relaxed));
    let [_, _, high, low] = number.to_be_bytes();
    Ipv4Addr::new(127, 77, high, low)
}

impl Cluster {
    pub(crate) async fn start(build: &EngineBuild, shards: u16, replicas: u16) -> Self {
        Self::start_with(build, shards, replicas, &[]).await
    }

    /// Serials count up from 1, primaries first.
    pub(crate) async fn start_with(build: &EngineBuild, shards: u16, replicas: u16, configs: &[(&str, &str)]) -> Self {
        let configs = configs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let mut cluster = Self {
            build: build.clone(),
            dir: tempfile::tempdir().expect("a folder"),
            ip: fresh_ip(),
            uid: Uid(uuid::Uuid::new_v4()),
            secret: AdminSecret::from_random([42; 32]),
            configs: EngineConfigs::validate(&configs, NodeType::SharedCoreNano).expect("valid"),
            nodes: BTreeMap::new(),
            ids: BTreeMap::new(),
        };
        let serial = |index: u16| NodeSerial(u32::from(index) + 1);
        let mut nodes = Vec::new();
        for (index, slots) in (0..).zip(even_shares(shards)) {
            let epoch = ConfigEpoch(u64::from(index) + 1);
            nodes.push(cluster.seed_node(
                serial(index),
                index,
                SeedRole::Primary { slots: [slots].into_iter().collect(), epoch },
            ));
        }
        for index in 0..shards * replicas {
            let of = cluster.id(serial(index % shards));
            nodes.push(cluster.seed_node(serial(shards + index), index % shards, SeedRole::Replica { of }));
        }
        let seed = ClusterSeed { current_epoch: ConfigEpoch(u64::from(shards)), nodes };
        for index in 0..shards * (1 + replicas) {
            cluster.prepare(serial(index), &seed);
            cluster.respawn(serial(index));
        }
        cluster
    }

    fn seed_node(&self, serial: NodeSerial, shard: u16, role: SeedRole) -> SeedNode {
        let shard = ShardId::derive(self.uid, ShardIndex(shard));
        SeedNode { id: self.id(serial), address: self.address(serial), bus_port: self.bus_port(serial), shard, role }
    }

    /// Starts a node that knows nobody, and gives its serial.
    pub(crate) fn add_stranger(&mut self) -> NodeSerial {
        let serial = NodeSerial(u32::try_from(self.nodes.len()).expect("few") + 1);
        let role = SeedRole::Primary { slots: SlotSet::default(), epoch: ConfigEpoch(0) };
        let seed = ClusterSeed { current_epoch: ConfigEpoch(0), nodes: vec![self.seed_node(serial, 99, role)] };
        self.prepare(serial, &seed);
        self.respawn(serial);
        serial
    }

    /// What a node starts with.
    pub(crate) fn settings(&self, serial: NodeSerial) -> NodeSettings {
        let location: LocationId = "us-central1".parse().expect("a region");
        let [zone, ..] = Zone::all_of(&location);
        NodeSettings {
            ip: self.ip,
            port: Port(self.address(serial).port()),
            bus_port: self.bus_port(serial),
            engine: self.build.version.api(),
            zone,
            node_type: NodeType::SharedCoreNano,
            maxmemory: MAXMEMORY,
            configs: self.configs.clone(),
            persistence: Persistence::Disabled,
            part: valkyard_model::Part::None,
            backlog: valkyard_model::Part::None.backlog(MAXMEMORY),
        }
    }

    fn prepare(&self, serial: NodeSerial, seed: &ClusterSeed) {
        let settings = self.settings(serial);
        let files = NodeFileNames::default();
        let folder = self.folder(serial);
        std::fs::create_dir(&folder).expect("makes a folder");
        let write = |name: &str, text: String| std::fs::write(folder.join(name), text).expect("writes");
        write("valkey.conf", render::config(&settings, self.build.version, &self.secret, &files));
        write(files.acl, render::acl(&self.secret, Access::ReadWrite, Admission::Clients));
        write(files.cluster, render::nodes_conf(seed, &self.id(serial)));
    }

    /// Starts a prepared node's process.
    pub(crate) fn respawn(&mut self, serial: NodeSerial) {
        let mut command = Command::new(&self.build.program);
        command.arg("valkey.conf").current_dir(self.folder(serial)).stdout(Stdio::null()).kill_on_drop(true);
        if let Some(path) = self.build.library_path() {
            command.env("LD_LIBRARY_PATH", path);
        }
        self.ids.insert(serial, self.id(serial));
        self.nodes.insert(serial, command.spawn().expect("starts"));
    }

    pub(crate) async fn kill(&mut self, serial: NodeSerial) {
        self.nodes.get_mut(&serial).expect("runs").kill().await.expect("dies");
    }

    /// Takes the CPU from a node; it still counts as running and its ports stay open.
    pub(crate) fn stop(&self, serial: NodeSerial) {
        let pid = self.nodes[&serial].id().and_then(|pid| Pid::from_raw(pid.try_into().ok()?)).expect("runs");
        kill_process(pid, Signal::STOP).expect("a child of this process");
    }

    pub(crate) fn folder(&self, serial: NodeSerial) -> PathBuf {
        self.dir.path().join(serial.to_string())
    }

    pub(crate) fn id(&self, serial: NodeSerial) -> NodeId {
        NodeId::derive(self.uid, serial)
    }

    /// The identity of a node that was started.
    pub(crate) fn id_of(&self, serial: NodeSerial) -> &NodeId {
        &self.ids[&serial]
    }

    /// Where the first node listens.
    pub(crate) fn some_address(&self) -> SocketAddrV4 {
        self.address(NodeSerial(1))
    }

    pub(crate) fn address(&self, serial: NodeSerial) -> SocketAddrV4 {
        SocketAddrV4::new(self.ip, 11_000 + u16::try_from(serial.0).expect("few"))
    }

    pub(crate) fn bus_port(&self, serial: NodeSerial) -> Port {
        Port(self.address(serial).port() + 10_000)
    }

    pub(crate) fn addresses_but(&self, serial: NodeSerial) -> BTreeSet<SocketAddrV4> {
        self.nodes.keys().filter(|other| **other != serial).map(|other| self.address(*other)).collect()
    }

    pub(crate) fn secret(&self) -> &AdminSecret {
        &self.secret
    }

    /// A link to a node that listens.
    pub(crate) async fn link(&self, serial: NodeSerial) -> NodeLink {
        NodeLink::connect(self.address(serial), &self.secret).await.expect("the node listens")
    }

    /// What a node says, if it says anything.
    pub(crate) async fn seen(&self, serial: NodeSerial) -> Option<EngineSeen> {
        NodeLink::connect(self.address(serial), &self.secret).await.ok()?.observe().await.ok()
    }

    /// Waits until every node calls the cluster ok and every replica is in sync; gives what they say.
    pub(crate) async fn converged(&self) -> BTreeMap<NodeSerial, EngineSeen> {
        until("the cluster is complete", async || {
            let mut all = BTreeMap::new();
            for serial in self.nodes.keys() {
                let seen = self.seen(*serial).await.ok_or_else(|| self.log_tail(*serial))?;
                if !seen.cluster_ok || !(seen.role == RoleSeen::Primary || is_replica_in_sync(&seen.role)) {
                    return Err(format!("{serial}: {seen:?}"));
                }
                all.insert(*serial, seen);
            }
            Ok(all)
        })
        .await
    }

    fn log_tail(&self, serial: NodeSerial) -> String {
        let log = std::fs::read_to_string(self.folder(serial).join("valkey.log")).unwrap_or_else(|error| error.to_string());
        let lines: Vec<&str> = log.lines().rev().take(5).collect();
        format!("{serial} does not answer; its log ends, last line first: {lines:#?}")
    }
}
