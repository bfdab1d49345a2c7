//! A node's `valkey.conf`.

use valkyard_model::{Access, AdminSecret, BinaryVersion, LiveSettings, NodeSettings, Part, Persistence};

use super::acl::ADMIN_USER;
use super::quote::quote;

/// Names of the other files in a node's folder, which is the engine's working directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeFileNames<'n> {
    /// The ACL.
    pub acl: &'n str,
    /// The engine's own cluster state, which it rewrites.
    pub cluster: &'n str,
    /// The log.
    pub log: &'n str,
    /// The folder of its log of writes.
    pub append_folder: &'n str,
    /// Its snapshot.
    pub snapshot: &'n str,
}

impl Default for NodeFileNames<'_> {
    fn default() -> Self {
        Self { acl: "users.acl", cluster: "nodes.conf", log: "valkey.log", append_folder: "appendonlydir", snapshot: "dump.rdb" }
    }
}

/// Milliseconds of silence after which nodes suspect each other. Failover by the engine's own vote is the backstop of the
/// daemon's detector, so this may be calm: a laptop that stalls for a second or two must not start elections.
const NODE_TIMEOUT_MILLIS: u32 = 5_000;
/// The engine's own time after which a backlog is given up that no replica has used.
const BACKLOG_SECONDS: u32 = 3_600;

/// Share of `maxmemory` that may wait for a replica, or for a primary that slots go to, and its least. The engine does not count it towards `maxmemory`; its own limit of 256 MB, or
/// 64 MB for a minute, cuts full copies of a busy primary short, again and again.
const REPLICA_BUFFER_DIVISOR: u64 = 2;
const REPLICA_BUFFER_BYTES_MIN: u64 = 256 << 20;
/// Bytes that may still wait for the new primary of moving slots when the old one stops writes for the hand-over. With the
/// engine's zero, constant writes would never let it come; this much is applied in some milliseconds.
const HAND_OVER_BYTES: u64 = 256 << 10;
/// Migrations of slots that the engine remembers: more than a shard has under way with all others of a usual cluster, and
/// little enough to be told in every look.
const MIGRATIONS_REMEMBERED: u32 = 64;

/// First version with atomic slot migration.
const SINCE_ATOMIC_MIGRATION: (u16, u16) = crate::report::SINCE_ATOMIC_MIGRATION;
/// First version with `primaryuser`, `primaryauth` and `availability-zone`.
const SINCE_PRIMARY_NAMES: (u16, u16) = (8, 0);
/// First version with `cluster-config-save-behavior`.
const SINCE_SAVE_BEHAVIOR: (u16, u16) = (9, 1);

struct Directives(String);

impl Directives {
    fn set(&mut self, name: &str, value: impl ToString) {
        self.set_all(name, [value.to_string()]);
    }

    fn set_all(&mut self, name: &str, values: impl IntoIterator<Item = String>) {
        self.0.push_str(name);
        for value in values {
            self.0.push(' ');
            self.0.push_str(&quote(&value));
        }
        self.0.push('\n');
    }
}

/// The configuration a node of this build starts from. It names the daemon's password for replication: mode 0600.
#[must_use]
pub fn config(settings: &NodeSettings, version: BinaryVersion, secret: &AdminSecret, files: &NodeFileNames<'_>) -> String {
    let mut directives = Directives(String::new());
    network(&mut directives, settings);
    cluster(&mut directives, settings, version, files);
    process(&mut directives, files);
    persistence(&mut directives, settings.persistence, files);
    replication(&mut directives, settings, version, secret);
    limits(&mut directives, settings);
    directives.0
}

/// Bind, announce and dial from the instance's own address: left to themselves, nodes on 127.x.y.z learn each other as
/// 127.0.0.1 from the packets' source, and a bus port left to default may collide with an ephemeral port.
fn network(directives: &mut Directives, settings: &NodeSettings) {
    directives.set("bind", settings.ip);
    directives.set("bind-source-addr", settings.ip);
    directives.set("port", settings.port);
    directives.set("protected-mode", "no");
}

fn cluster(directives: &mut Directives, settings: &NodeSettings, version: BinaryVersion, files: &NodeFileNames<'_>) {
    directives.set("cluster-enabled", "yes");
    directives.set("cluster-config-file", files.cluster);
    directives.set("cluster-port", settings.bus_port);
    directives.set("cluster-announce-ip", settings.ip);
    directives.set("cluster-node-timeout", NODE_TIMEOUT_MILLIS);
    // The daemon decides who may take over and who copies whom; these would decide against it.
    directives.set("cluster-replica-validity-factor", 0);
    directives.set("cluster-allow-replica-migration", "no");
    // A shard that lost all its nodes must not stop the others.
    directives.set("cluster-require-full-coverage", "no");
    if (version.major, version.minor) >= SINCE_SAVE_BEHAVIOR {
        // A full disk would otherwise end the process when the topology changes.
        directives.set("cluster-config-save-behavior", "best-effort");
    }
    if (version.major, version.minor) >= SINCE_PRIMARY_NAMES {
        directives.set("availability-zone", &settings.zone);
    }
    if (version.major, version.minor) >= SINCE_ATOMIC_MIGRATION {
        directives.set("slot-migration-max-failover-repl-bytes", HAND_OVER_BYTES);
        directives.set("cluster-slot-migration-log-max-len", MIGRATIONS_REMEMBERED);
    }
}

fn process(directives: &mut Directives, files: &NodeFileNames<'_>) {
    directives.set("dir", ".");
    directives.set("daemonize", "no");
    directives.set("logfile", files.log);
    directives.set("aclfile", files.acl);
    // Open to the ACL, not to clients: with "no" they would read another refusal than the product's NOPERM.
    directives.set("enable-debug-command", "local");
    directives.set("enable-module-command", "no");
}

/// Snapshots are due at times of the clock, which `save` cannot express: the daemon begins them.
fn persistence(directives: &mut Directives, persistence: Persistence, files: &NodeFileNames<'_>) {
    directives.set("save", "");
    directives.set("dbfilename", files.snapshot);
    directives.set("appenddirname", files.append_folder);
    // A torn end is what a crash leaves behind; what was written before it is good.
    directives.set("aof-load-truncated", "yes");
    for (name, value) in live_persistence(persistence) {
        directives.set(name, value);
    }
}

/// What a running node is told of its persistence.
pub(crate) fn live_persistence(persistence: Persistence) -> [(&'static str, &'static str); 3] {
    let fsync = persistence.fsync();
    // Without persistence, what arrives from a primary by way of a file must not be loaded ever again.
    let keeps_copies = if persistence.is_on() { "no" } else { "yes" };
    [
        ("appendfsync", fsync.unwrap_or_default().as_str()),
        ("rdb-del-sync-files", keeps_copies),
        ("appendonly", if fsync.is_some() { "yes" } else { "no" }),
    ]
}

fn replication(directives: &mut Directives, settings: &NodeSettings, version: BinaryVersion, secret: &AdminSecret) {
    let (user, password) = if (version.major, version.minor) >= SINCE_PRIMARY_NAMES {
        ("primaryuser", "primaryauth")
    } else {
        ("masteruser", "masterauth")
    };
    directives.set(user, ADMIN_USER);
    directives.set(password, secret.expose());
    directives.set("repl-diskless-sync", "yes");
    directives.set("repl-diskless-sync-delay", 0);
    // A new replica loads from the connection: by way of a file, it notices the end of the copy up to a second late.
    directives.set("repl-diskless-load", "on-empty-db");
    for (name, value) in live_part(settings, version) {
        directives.set(name, value);
    }
    let buffer = (settings.maxmemory.0 / REPLICA_BUFFER_DIVISOR).max(REPLICA_BUFFER_BYTES_MIN);
    let (hard, no_soft_limit, seconds) = (buffer.to_string(), "0".to_owned(), "0".to_owned());
    directives.set_all("client-output-buffer-limit", ["replica".to_owned(), hard, no_soft_limit, seconds]);
}

/// What a running node is told of its instance's part in a replication. A backlog is given up after an hour without a replica,
/// and with it the history that a link would go on from; a member keeps it.
pub(crate) fn live_part(settings: &NodeSettings, version: BinaryVersion) -> Vec<(&'static str, String)> {
    let time_to_live = match settings.part {
        Part::None => BACKLOG_SECONDS,
        Part::Source | Part::Copy => 0,
    };
    let mut values = vec![("repl-backlog-size", settings.backlog.to_string()), ("repl-backlog-ttl", time_to_live.to_string())];
    if version.imports() {
        // What expires or is evicted is the primary instance's decision, which comes with its stream.
        let is_copy = settings.part.access() == Access::ReadOnly;
        values.push(("import-mode", if is_copy { "yes" } else { "no" }.to_owned()));
    }
    values
}

fn limits(directives: &mut Directives, settings: &NodeSettings) {
    for (key, value) in LiveSettings::wanted(settings).iter() {
        directives.set(key.as_str(), value);
    }
}
