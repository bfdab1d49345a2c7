//! Real nodes on loopback addresses of their own; a node ends with its value.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use valkyard_backups::{RdbReader, RdbSummary, Tap, TapFormat, TapLimits, TapRequest};
use valkyard_model::{SlotSet, even_shares};

use crate::client::Client;

/// Longest wait for a node to answer; a load of some megabytes takes well under a second.
const START_TIME_MAX: Duration = Duration::from_secs(30);
/// Between two looks while waiting.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const PORT: u16 = 11_000;
const BUS_PORT: u16 = 21_000;

/// A build to test with.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    pub(crate) folder: PathBuf,
    /// Whether it knows fields that expire.
    pub(crate) is_9: bool,
}

/// Both builds.
pub(crate) fn engines() -> [Engine; 2] {
    [engine_8(), engine_9()]
}

pub(crate) fn engine_8() -> Engine {
    engine("valkey-8.0.1", false)
}

pub(crate) fn engine_9() -> Engine {
    engine("valkey-9.1.2", true)
}

fn engine(name: &str, is_9: bool) -> Engine {
    let engines = std::env::var_os("VALKYARD_TEST_ENGINES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/engines"), PathBuf::from);
    let folder = engines.join(name);
    assert!(
        folder.join("bin/valkey-server").exists(),
        "{} is not there; run acceptance-tests/setup/engines.sh",
        folder.display()
    );
    Engine { folder, is_9 }
}

pub(crate) struct Node {
    pub(crate) address: SocketAddr,
    child: Child,
    _dir: TempDir,
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
    /// More nodes than one test process starts.
    const STRIDE: u32 = 101;
    let number = std::process::id().wrapping_mul(STRIDE) + u32::from(COUNTER.fetch_add(1, Ordering::Relaxed));
    let [_, _, high, low] = number.to_be_bytes();
    Ipv4Addr::new(127, 78, high, low)
}

/// The slots of each shard of a cluster.
pub(crate) fn shares(shards: usize) -> Vec<SlotSet> {
    let shards = u16::try_from(shards).expect("a few");
    even_shares(shards).into_iter().map(|range| [range].into_iter().collect()).collect()
}

impl Engine {
    /// An empty node outside any cluster.
    pub(crate) fn start(&self, settings: &[&str]) -> Node {
        self.start_in(tempfile::tempdir().expect("a folder"), fresh_ip(), settings)
    }

    /// A node that loads a file.
    pub(crate) fn start_on(&self, rdb: &[u8], settings: &[&str]) -> Node {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::write(dir.path().join("dump.rdb"), rdb).expect("writable");
        self.start_in(dir, fresh_ip(), settings)
    }

    /// The primaries of a cluster that share the slots evenly and all load the same file; each keeps what is its own.
    pub(crate) fn start_cluster_on(&self, rdb: &[u8], shards: usize) -> Vec<Node> {
        self.start_cluster(&vec![rdb; shards])
    }

    /// The primaries of a cluster that share the slots evenly, each with a file of its own.
    pub(crate) fn start_cluster<R: AsRef<[u8]>>(&self, rdbs: &[R]) -> Vec<Node> {
        let shares = shares(rdbs.len());
        let ips: Vec<Ipv4Addr> = rdbs.iter().map(|_| fresh_ip()).collect();
        let line = |of: usize, myself: &str| {
            format!(
                "{of:040x} {}:{PORT}@{BUS_PORT},,tls-port=0,shard-id={of:040x} {myself}master - 0 0 {} connected {}\n",
                ips[of],
                of + 1,
                shares[of]
            )
        };
        let start = |me: usize| {
            let dir = tempfile::tempdir().expect("a folder");
            std::fs::write(dir.path().join("dump.rdb"), &rdbs[me]).expect("writable");
            let mut conf: String = (0..rdbs.len()).map(|of| line(of, if of == me { "myself," } else { "" })).collect();
            conf.push_str(&format!("vars currentEpoch {} lastVoteEpoch 0\n", rdbs.len()));
            std::fs::write(dir.path().join("nodes.conf"), conf).expect("writable");
            let ip = ips[me].to_string();
            let bus = BUS_PORT.to_string();
            let settings =
                ["--cluster-enabled", "yes", "--cluster-port", &bus, "--cluster-announce-ip", &ip, "--bind-source-addr", &ip];
            self.start_in(dir, ips[me], &settings)
        };
        (0..rdbs.len()).map(start).collect()
    }

    fn start_in(&self, dir: TempDir, ip: Ipv4Addr, settings: &[&str]) -> Node {
        let address = SocketAddr::V4(SocketAddrV4::new(ip, PORT));
        let log = std::fs::File::create(dir.path().join("log")).expect("writable");
        let child = Command::new(self.folder.join("bin/valkey-server"))
            .env("LD_LIBRARY_PATH", self.folder.join("lib"))
            .args(["--port", &PORT.to_string(), "--bind", &ip.to_string(), "--dir"])
            .arg(dir.path())
            .args(["--save", "", "--repl-diskless-sync-delay", "0", "--enable-debug-command", "local"])
            .args(settings)
            .stdout(Stdio::from(log))
            .spawn()
            .expect("the engine starts");
        let mut node = Node { address, child, _dir: dir };
        let begun = Instant::now();
        loop {
            assert!(node.child.try_wait().expect("a child of ours").is_none(), "the engine ended: {}", node.log());
            let status = match Client::connect(address) {
                Some(mut client) => client.call(&["PING"]),
                None => "nobody listens".to_owned(),
            };
            if status == "PONG" || status.starts_with("-NOAUTH") {
                return node;
            }
            assert!(begun.elapsed() < START_TIME_MAX, "gave up on the engine: {status}\n{}", node.log());
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

impl Node {
    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address).expect("the node listens")
    }

    pub(crate) fn keys(&self) -> u64 {
        self.client().call(&["DBSIZE"]).parse().expect("a number")
    }

    /// Keys that it loaded from its file when it started.
    pub(crate) fn keys_loaded(&self) -> u64 {
        let info = self.client().call(&["INFO", "persistence"]);
        let loaded = info.lines().find_map(|line| line.strip_prefix("rdb_last_load_keys_loaded:"));
        loaded.expect("every engine tells it").trim().parse().expect("a number")
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self._dir.path().join("log")).unwrap_or_default()
    }

    pub(crate) fn request(&self, format: TapFormat) -> TapRequest {
        TapRequest { address: self.address, credentials: None, format, limits: TapLimits::default() }
    }

    /// Its data as a file.
    pub(crate) async fn file(&self, format: TapFormat) -> Vec<u8> {
        let mut tap = Tap::open(&self.request(format)).await.expect("it gives a snapshot");
        let mut file = Vec::new();
        while let Some(chunk) = tap.next().await.expect("the snapshot goes on") {
            file.extend_from_slice(&chunk);
        }
        assert_eq!(tap.received_bytes(), file.len() as u64);
        file
    }

    pub(crate) async fn summary(&self) -> RdbSummary {
        read(&self.file(TapFormat::Newest).await)
    }
}

/// Reads a valid file.
pub(crate) fn read(file: &[u8]) -> RdbSummary {
    let mut reader = RdbReader::new();
    for chunk in file.chunks(64 << 10) {
        reader.feed(bytes::Bytes::copy_from_slice(chunk)).expect("a valid file");
    }
    reader.finish().expect("a valid file")
}
