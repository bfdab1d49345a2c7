//! Real shards on loopback addresses of their own: one primary with all slots and its replicas. A node ends with its value.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use tempfile::TempDir;
use valkyard_backups::{Credentials, Tap, TapFormat, TapLimits, TapRequest};
use valkyard_engine::render::{self, ADMIN_USER};
use valkyard_model::{Access, AdminSecret, Admission, BinaryVersion, ReplicationPoint};
use valkyard_replicator::Endpoint;

use crate::client::Client;
use crate::wait::until;

const BUS_PORT_ABOVE: u16 = 10_000;
const FIRST_PORT: u16 = 11_000;

/// A build to test with.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    folder: PathBuf,
    pub(crate) version: BinaryVersion,
}

/// Both builds.
pub(crate) fn engines() -> [Engine; 2] {
    [engine_8(), engine_9()]
}

pub(crate) fn engine_8() -> Engine {
    engine("8.0.1")
}

pub(crate) fn engine_9() -> Engine {
    engine("9.1.2")
}

fn engine(version: &str) -> Engine {
    let engines = std::env::var_os("VALKYARD_TEST_ENGINES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/engines"), PathBuf::from);
    let folder = engines.join(format!("valkey-{version}"));
    let program = folder.join("bin/valkey-server");
    assert!(program.exists(), "{} is not there; run acceptance-tests/setup/engines.sh", program.display());
    Engine { folder, version: version.parse().expect("a version") }
}

/// What a node begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Primary,
    /// A primary without slots, which takes no writes.
    Empty,
    /// Of the first node.
    Replica,
}

/// A shard with all slots.
#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) engine: Engine,
    pub(crate) secret: AdminSecret,
    pub(crate) nodes: Vec<Node>,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) address: SocketAddrV4,
    pub(crate) child: Child,
    pub(crate) dir: TempDir,
    settings: Vec<String>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a killed child ends");
    }
}

/// An address that no other node of this machine uses at the same time, most likely.
fn fresh_ip() -> Ipv4Addr {
    static COUNTER: AtomicU16 = AtomicU16::new(0);
    /// More shards than one test process starts.
    const STRIDE: u32 = 61;
    let number = std::process::id().wrapping_mul(STRIDE) + u32::from(COUNTER.fetch_add(1, Ordering::Relaxed));
    let [_, _, high, low] = number.to_be_bytes();
    Ipv4Addr::new(127, 81, high, low)
}

impl Engine {
    /// A shard of one primary and so many replicas; the primary begins with this file, if any.
    pub(crate) async fn shard(&self, replicas: u16, rdb: Option<&[u8]>, settings: &[&str]) -> Shard {
        self.part(replicas, rdb, settings, "0-16383").await
    }

    /// The same with these slots only.
    pub(crate) async fn part(&self, replicas: u16, rdb: Option<&[u8]>, settings: &[&str], slots: &str) -> Shard {
        let ip = fresh_ip();
        let secret = AdminSecret::from_random([7; 32]);
        let address = |index: u16| SocketAddrV4::new(ip, FIRST_PORT + index);
        let id = |index: u16| format!("{:08x}{:032x}", u32::from(ip), index + 1);
        let line = |of: u16, me: u16| {
            let myself = if of == me { "myself," } else { "" };
            let (role, slots) =
                if of == 0 { ("master -".to_owned(), slots.to_owned()) } else { (format!("slave {}", id(0)), String::new()) };
            let (at, bus) = (address(of), address(of).port() + BUS_PORT_ABOVE);
            format!("{} {at}@{bus},,tls-port=0,shard-id={} {myself}{role} 0 0 1 connected {slots}\n", id(of), id(99))
        };
        let mut nodes = Vec::new();
        for me in 0..=replicas {
            let dir = tempfile::tempdir().expect("a folder");
            let mut conf = String::new();
            (0..=replicas).for_each(|of| conf.push_str(&line(of, me)));
            writeln!(conf, "vars currentEpoch 1 lastVoteEpoch 0").expect("a string");
            std::fs::write(dir.path().join("nodes.conf"), conf).expect("writable");
            std::fs::write(dir.path().join("users.acl"), render::acl(&secret, Access::ReadWrite, Admission::Clients))
                .expect("writable");
            if let (0, Some(rdb)) = (me, rdb) {
                std::fs::write(dir.path().join("dump.rdb"), rdb).expect("writable");
            }
            let settings = self.settings(address(me), &secret, settings);
            let child = self.spawn(dir.path(), &settings);
            nodes.push(Node { address: address(me), child, dir, settings });
        }
        let shard = Shard { engine: self.clone(), secret, nodes };
        for (index, node) in shard.nodes.iter().enumerate() {
            let role = match index {
                0 if slots.is_empty() => Role::Empty,
                0 => Role::Primary,
                _ => Role::Replica,
            };
            shard.ready(node, role).await;
        }
        shard
    }

    fn settings(&self, address: SocketAddrV4, secret: &AdminSecret, more: &[&str]) -> Vec<String> {
        let (ip, port) = (address.ip().to_string(), address.port());
        let bus = (port + BUS_PORT_ABOVE).to_string();
        let port = port.to_string();
        let mut settings: Vec<&str> =
            vec!["--port", &port, "--bind", &ip, "--bind-source-addr", &ip, "--cluster-announce-ip", &ip];
        settings.extend(["--cluster-enabled", "yes", "--cluster-port", &bus, "--save", "", "--aclfile", "users.acl"]);
        settings.extend(["--repl-diskless-sync-delay", "0", "--enable-debug-command", "yes", "--logfile", "log"]);
        settings.extend([
            "--repl-backlog-size",
            "512mb",
            "--cluster-node-timeout",
            "60000",
            "--cluster-require-full-coverage",
            "no",
        ]);
        settings.extend(["--primaryuser", ADMIN_USER, "--primaryauth", secret.expose()]);
        settings.extend(more);
        settings.into_iter().map(str::to_owned).collect()
    }

    fn spawn(&self, dir: &Path, settings: &[String]) -> Child {
        Command::new(self.folder.join("bin/valkey-server"))
            .env("LD_LIBRARY_PATH", self.folder.join("lib"))
            .args(settings)
            .current_dir(dir)
            .stdout(Stdio::null())
            .spawn()
            .expect("the engine starts")
    }
}

impl Shard {
    pub(crate) fn endpoint(&self, node: usize) -> Endpoint {
        Endpoint { address: self.nodes[node].address, secret: self.secret.clone() }
    }

    pub(crate) fn client(&self, node: usize) -> Client {
        Client::connect(self.nodes[node].address, &self.secret).expect("the node listens")
    }

    /// Waits until a node serves in this role; a primary also takes writes.
    pub(crate) async fn ready(&self, node: &Node, role: Role) {
        until("a node serves", async || {
            let log = || std::fs::read_to_string(node.dir.path().join("log")).unwrap_or_default();
            let mut client = Client::connect(node.address, &self.secret).map_err(|error| format!("{error}; {}", log()))?;
            let info = client.try_call(&["INFO", "replication"]).map_err(|error| error.to_string())?;
            let cluster = client.try_call(&["CLUSTER", "INFO"]).map_err(|error| error.to_string())?;
            let is_right = match role {
                Role::Primary => info.contains("role:master") && cluster.contains("cluster_state:ok"),
                Role::Empty => info.contains("role:master"),
                Role::Replica => info.contains("master_link_status:up"),
            };
            if is_right { Ok(()) } else { Err(format!("{info}\n{cluster}")) }
        })
        .await;
    }

    pub(crate) fn kill(&mut self, node: usize) {
        self.nodes[node].child.kill().expect("a child can be killed");
        self.nodes[node].child.wait().expect("a killed child ends");
    }

    /// Starts a killed node again, with more settings.
    pub(crate) fn respawn(&mut self, node: usize, more: &[&str]) {
        let engine = self.engine.clone();
        let node = &mut self.nodes[node];
        node.settings.extend(more.iter().map(|&word| word.to_owned()));
        node.child = engine.spawn(node.dir.path(), &node.settings);
    }

    /// Makes a replica the primary, whose own is dead.
    pub(crate) async fn take_over(&self, node: usize) {
        assert_eq!(self.client(node).call(&["CLUSTER", "FAILOVER", "TAKEOVER"]), "OK");
        self.ready(&self.nodes[node], Role::Primary).await;
    }

    pub(crate) fn digest(&self, node: usize) -> String {
        self.client(node).call(&["DEBUG", "DIGEST"])
    }

    /// Bytes of its history that a node has.
    pub(crate) fn offset(&self, node: usize) -> u64 {
        let info = self.client(node).call(&["INFO", "replication"]);
        let field = if info.contains("role:slave") { "slave_repl_offset:" } else { "master_repl_offset:" };
        let offset = info.lines().find_map(|line| line.strip_prefix(field)).expect("every engine tells it");
        offset.trim().parse().expect("a number")
    }

    /// A primary's data as a file, and where in its history they are.
    pub(crate) async fn seed(&self, node: usize) -> (Vec<u8>, ReplicationPoint) {
        let credentials = Credentials { user: ADMIN_USER.to_owned(), password: self.secret.expose().to_owned() };
        let request = TapRequest {
            address: self.nodes[node].address.into(),
            credentials: Some(credentials),
            format: TapFormat::Newest,
            limits: TapLimits::default(),
        };
        let mut tap = Tap::open(&request).await.expect("it gives a snapshot");
        let point = tap.point().clone();
        let mut file = Vec::new();
        while let Some(chunk) = tap.next().await.expect("the snapshot goes on") {
            file.extend_from_slice(&chunk);
        }
        (file, point)
    }
}
