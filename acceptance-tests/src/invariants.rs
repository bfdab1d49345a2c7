//! What holds of every instance that is not being changed: slots, roles, processes, folders.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::nodes::{ListedNode, ask, discovery_address, info_of, listing_of};
use crate::processes::node_processes;
use crate::wait::wait_until;

const SLOTS: u16 = 16_384;
/// How far a shard may be from its share, in slots: one batch of a move.
const UNBALANCED_MAX: u16 = 64;
/// A node that was killed last has to start and copy its primary; the rest is a busy machine.
const SETTLE_LIMIT: Duration = Duration::from_secs(60);
/// Flags of nodes that are well.
const SOUND_FLAGS: [&str; 3] = ["master", "slave", "nofailover"];

/// How many nodes an instance is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Number of shards.
    pub shards: usize,
    /// Replicas of each.
    pub replicas: usize,
}

impl Shape {
    /// What the API shows.
    ///
    /// # Panics
    /// When the instance has no shape.
    #[must_use]
    pub fn of(instance: &Value) -> Self {
        let number = |name: &str| usize::try_from(instance[name].as_u64().unwrap_or_default()).expect("a small number");
        let shape = Self { shards: number("shardCount"), replicas: number("replicaCount") };
        assert!(shape.shards > 0, "no shape: {instance}");
        shape
    }

    /// Number of nodes.
    #[must_use]
    pub fn nodes(self) -> usize {
        self.shards * (1 + self.replicas)
    }
}

/// Nodes that have handed over and been forgotten: for some seconds they still tell clients where to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leavers {
    /// They may still run.
    Linger,
    /// Nothing is left of them.
    Gone,
}

/// Waits until every invariant holds.
///
/// # Panics
/// When one goes on being broken.
pub fn wait_for_invariants(data_dir: &Path, instance: &Value, leavers: Leavers) {
    wait_until("the invariants of an instance at rest", SETTLE_LIMIT, || check_invariants(data_dir, instance, leavers));
}

/// Checks that an instance that is not being changed is as the API shows it: every slot owned once in everybody's view,
/// replicas in sync and counted, one process and one folder per node and none besides.
///
/// # Errors
/// The first that is broken.
pub fn check_invariants(data_dir: &Path, instance: &Value, leavers: Leavers) -> Result<(), String> {
    let shape = Shape::of(instance);
    let nodes = agreed_view(&discovery_address(instance))?;
    if nodes.len() != shape.nodes() {
        return Err(format!("{} nodes, not {}: {nodes:?}", nodes.len(), shape.nodes()));
    }
    check_slots(&nodes, shape)?;
    check_replicas(&nodes, shape)?;
    check_builds(&nodes, instance)?;
    let uid = instance["uid"].as_str().ok_or("the instance has no uid")?;
    check_processes(data_dir, &data_dir.join("instances").join(uid), &nodes, leavers)
}

/// The cluster as every single node sees it.
fn agreed_view(discovery: &str) -> Result<Vec<ListedNode>, String> {
    let sorted = |address: &str| {
        listing_of(address).map(|mut nodes| {
            nodes.sort();
            nodes
        })
    };
    let view = sorted(discovery)?;
    for node in &view {
        if let Some(flag) = node.flags.iter().find(|flag| !SOUND_FLAGS.contains(&flag.as_str())) {
            return Err(format!("{} is {flag}", node.address));
        }
        let theirs = sorted(&node.address)?;
        if theirs != view {
            return Err(format!("{discovery} and {} disagree: {view:?} and {theirs:?}", node.address));
        }
        let info = ask(&node.address, &["CLUSTER", "INFO"])?;
        if !info.contains("cluster_state:ok") {
            return Err(format!("{} says {info}", node.address));
        }
    }
    Ok(view)
}

fn check_slots(nodes: &[ListedNode], shape: Shape) -> Result<(), String> {
    let mut owners: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for node in nodes {
        if !node.open_slots.is_empty() {
            return Err(format!("{} has half moved slots: {:?}", node.address, node.open_slots));
        }
        for (first, last) in &node.slots {
            (*first..=*last).for_each(|slot| owners.entry(slot).or_default().push(&node.address));
        }
    }
    for slot in 0..SLOTS {
        match owners.get(&slot).map_or(&[] as &[&str], Vec::as_slice) {
            [_] => {}
            [] => return Err(format!("nobody owns slot {slot}")),
            several => return Err(format!("slot {slot} is owned by {several:?}")),
        }
    }
    let share = SLOTS / u16::try_from(shape.shards).map_err(|error| error.to_string())?;
    for node in nodes.iter().filter(|node| node.primary.is_none()) {
        let owned: u16 = node.slots.iter().map(|(first, last)| last - first + 1).sum();
        if owned.abs_diff(share) > UNBALANCED_MAX {
            return Err(format!("{} owns {owned} slots, its share is {share}", node.address));
        }
    }
    Ok(())
}

fn check_replicas(nodes: &[ListedNode], shape: Shape) -> Result<(), String> {
    let primaries: Vec<&ListedNode> = nodes.iter().filter(|node| node.primary.is_none()).collect();
    if primaries.len() != shape.shards {
        return Err(format!("{} primaries, not {}: {nodes:?}", primaries.len(), shape.shards));
    }
    for primary in primaries {
        let replicas: Vec<_> = nodes.iter().filter(|node| node.primary.as_ref() == Some(&primary.id)).collect();
        if replicas.len() != shape.replicas {
            return Err(format!("{} has {} replicas, not {}", primary.address, replicas.len(), shape.replicas));
        }
        for replica in replicas {
            let link = info_of(&replica.address, "replication", "master_link_status")?;
            if link != "up" {
                return Err(format!("the link of {} is {link}", replica.address));
            }
        }
    }
    Ok(())
}

/// Every node is of the instance's version, and of one size.
fn check_builds(nodes: &[ListedNode], instance: &Value) -> Result<(), String> {
    let wanted = instance["engineVersion"].as_str().unwrap_or_default().trim_start_matches("VALKEY_").replace('_', ".");
    let mut sizes = BTreeSet::new();
    for node in nodes {
        let version = info_of(&node.address, "server", "valkey_version")?;
        if !version.starts_with(&wanted) {
            return Err(format!("{} runs {version}, not {wanted}", node.address));
        }
        sizes.insert(info_of(&node.address, "memory", "maxmemory")?);
    }
    if sizes.len() == 1 { Ok(()) } else { Err(format!("nodes of several sizes: {sizes:?}")) }
}

fn check_processes(data_dir: &Path, folder: &Path, nodes: &[ListedNode], leavers: Leavers) -> Result<(), String> {
    let processes: Vec<_> = node_processes(data_dir).into_iter().filter(|node| node.folder.starts_with(folder)).collect();
    let running: BTreeSet<i32> = processes.iter().map(|process| process.pid).collect();
    let mut wanted = BTreeSet::new();
    for node in nodes {
        let pid: i32 = info_of(&node.address, "server", "process_id")?.parse().map_err(|_| "a pid is a number")?;
        wanted.insert(pid);
    }
    let used: BTreeSet<PathBuf> = processes.iter().map(|process| process.folder.clone()).collect();
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let canonical = |path: PathBuf| path.canonicalize().unwrap_or(path);
    let there: BTreeSet<PathBuf> = entries.flatten().map(|entry| canonical(entry.path())).filter(|path| path.is_dir()).collect();
    let sound = match leavers {
        Leavers::Gone => running == wanted && processes.len() == nodes.len() && there == used,
        Leavers::Linger => running.is_superset(&wanted) && there.is_superset(&used),
    };
    if sound { Ok(()) } else { Err(format!("nodes have processes {wanted:?}, folders are {there:?}, but {processes:?} run")) }
}
