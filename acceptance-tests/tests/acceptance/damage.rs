//! Files taken away under living nodes, and nodes that hang: nothing is done on ignorance, and all of it heals.

use std::path::{Path, PathBuf};
use std::time::Duration;

use acceptance_tests::{
    Daemon, DaemonOptions, ask, discovery_address, kill_9, node_processes, read_back, wait_until, write_keys,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::healing::cluster_is_whole;

const CREATE_LIMIT: Duration = Duration::from_secs(30);
/// A node that has to start over takes some seconds, an engine's own failover its node timeout of five; the rest is a busy
/// machine.
const HEAL_LIMIT: Duration = Duration::from_secs(60);
/// How long new clients may be led to a node that hangs.
const ENDPOINT_LIMIT: Duration = Duration::from_secs(10);
const KEYS: u32 = 100;
const SLOTS: usize = 16_384;

/// A node in its own words.
#[derive(Clone, Debug, PartialEq)]
struct Node {
    id: String,
    address: String,
    /// The node that it copies.
    primary: Option<String>,
    slots: Vec<usize>,
    pid: i32,
}

impl Node {
    fn ask(address: &str) -> Result<Self, String> {
        let listing = ask(address, &["CLUSTER", "NODES"])?;
        let line = listing.lines().find(|line| line.contains("myself")).ok_or_else(|| listing.clone())?;
        let fields: Vec<&str> = line.split(' ').collect();
        let info = ask(address, &["INFO", "server"])?;
        let pid = info.lines().find_map(|line| line.strip_prefix("process_id:")?.trim().parse().ok());
        Ok(Self {
            id: fields[0].to_owned(),
            address: address.to_owned(),
            primary: (fields[3] != "-").then(|| fields[3].to_owned()),
            slots: fields[8..].iter().flat_map(|range| slots_of(range)).collect(),
            pid: pid.ok_or(info)?,
        })
    }
}

fn slots_of(range: &str) -> impl Iterator<Item = usize> {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let number = |text: &str| text.parse::<usize>().expect("a slot");
    number(first)..=number(last)
}

/// An instance with one replica per shard, and keys of which each has reached its replica.
struct Scene {
    daemon: Daemon,
    instance: Value,
    /// Of all nodes, in the order of their creation.
    addresses: Vec<String>,
}

impl Scene {
    fn new(shards: usize) -> Self {
        let daemon = Daemon::start(DaemonOptions::default());
        let body = json!({"shardCount": shards, "replicaCount": 1, "nodeType": "SHARED_CORE_NANO"});
        let instance = daemon.api().create_and_wait("damaged", &body, CREATE_LIMIT);
        wait_until("replicas in sync", HEAL_LIMIT, || cluster_is_whole(&instance, shards));
        let listing = ask(&discovery_address(&instance), &["CLUSTER", "NODES"]).expect("the endpoint answers");
        let address = |line: &str| line.split([' ', '@']).nth(1).expect("has an address").to_owned();
        let mut addresses: Vec<String> = listing.lines().map(address).collect();
        addresses.sort();
        assert_eq!(addresses.len(), shards * 2);
        write_keys(&instance, "key", KEYS).expect("every key is written");
        // Reading all of them back takes longer than replication does, so that nothing below loses one.
        assert_eq!(read_back(&instance, "key", KEYS), Ok(KEYS));
        Self { daemon, instance, addresses }
    }

    fn nodes_but(&self, left_out: Option<&Node>) -> Result<Vec<Node>, String> {
        let others = self.addresses.iter().filter(|address| left_out.is_none_or(|node| node.address != **address));
        others.map(|address| Node::ask(address)).collect()
    }

    /// The primary that was created first, which the discovery endpoint leads to, and its replica.
    fn first_shard(&self) -> (Node, Node) {
        let nodes = self.nodes_but(None).expect("every node answers");
        let primary = nodes.iter().find(|node| node.primary.is_none()).expect("there are primaries").clone();
        let replica = nodes.into_iter().find(|node| node.primary.as_ref() == Some(&primary.id)).expect("it has a replica");
        (primary, replica)
    }

    fn folder(&self, node: &Node) -> PathBuf {
        let running = node_processes(&self.daemon.data_dir());
        running.into_iter().find(|process| process.pid == node.pid).expect("it runs").folder
    }

    /// Kills a replica of another shard and waits until it is in sync again: the daemon looks at everything several times
    /// meanwhile.
    fn heal_elsewhere(&self, untouched: &Node) {
        let others = self.nodes_but(Some(untouched)).expect("every other node answers");
        let is_elsewhere = |node: &&Node| node.primary.as_ref().is_some_and(|primary| *primary != untouched.id);
        let victim = others.iter().find(is_elsewhere).expect("there is another shard");
        kill_9(victim.pid);
        wait_until("a killed replica to be in sync again", HEAL_LIMIT, || {
            let info = ask(&victim.address, &["INFO", "replication"])?;
            if info.contains("master_link_status:up") { Ok(()) } else { Err(info) }
        });
    }

    /// Every node runs once in a folder that is there, every slot has one owner in the owners' own words, every replica is in
    /// sync, and every key is there.
    fn wait_until_whole(&self) {
        wait_until("a whole instance", HEAL_LIMIT, || {
            let processes = node_processes(&self.daemon.data_dir());
            if processes.len() != self.addresses.len() || processes.iter().any(|process| !process.folder.exists()) {
                return Err(format!("{processes:?}"));
            }
            let nodes = self.nodes_but(None)?;
            let mut owned: Vec<usize> = nodes.iter().flat_map(|node| node.slots.clone()).collect();
            owned.sort_unstable();
            if !owned.iter().copied().eq(0..SLOTS) {
                let claims: Vec<_> = nodes.iter().map(|node| (&node.address, &node.primary, node.slots.len())).collect();
                return Err(format!("{claims:?}"));
            }
            cluster_is_whole(&self.instance, self.addresses.len() / 2)?;
            match read_back(&self.instance, "key", KEYS) {
                Ok(KEYS) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        });
    }
}

/// Takes a folder from under a living node, which may be writing to it.
fn remove_folder(folder: &Path) {
    wait_until("the folder to be gone", HEAL_LIMIT, || match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.to_string()),
        Ok(()) | Err(_) => Ok(()),
    });
}

/// A process that hangs until this is dropped.
struct Stopped(Pid);

impl Stopped {
    fn new(node: &Node) -> Self {
        let pid = Pid::from_raw(node.pid).expect("pids are positive");
        kill_process(pid, Signal::STOP).expect("the node can be signalled");
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        // It may have been ended meanwhile.
        let _ = kill_process(self.0, Signal::CONT);
    }
}

#[test]
fn a_primary_without_its_lock_file_is_not_taken_for_dead() {
    let scene = Scene::new(2);
    let (primary, replica) = scene.first_shard();
    let folder = scene.folder(&primary);
    std::fs::remove_file(folder.join("node.pid")).expect("a running node has it");
    scene.heal_elsewhere(&primary);
    assert_eq!((primary.clone(), replica), scene.first_shard(), "nobody was promoted or started again");
    scene.wait_until_whole();

    kill_9(primary.pid);
    scene.wait_until_whole();
    assert_ne!(Node::ask(&primary.address).expect("it answers").pid, primary.pid);
    scene.daemon.api().delete_and_wait("damaged", HEAL_LIMIT);
}

#[test]
fn a_replica_whose_folder_was_removed_becomes_whole_again() {
    let scene = Scene::new(2);
    let (primary, replica) = scene.first_shard();
    let folder = scene.folder(&replica);
    remove_folder(&folder);
    scene.wait_until_whole();
    let again = Node::ask(&replica.address).expect("it answers");
    assert_ne!(again.pid, replica.pid, "it cannot remember its cluster, so it started over");
    assert_eq!((&again.id, &again.primary), (&replica.id, &Some(primary.id.clone())));
    assert_eq!(Node::ask(&primary.address), Ok(primary));
}

#[test]
fn a_primary_that_hangs_is_replaced_where_the_engines_cannot_vote() {
    // Two shards: the engines cannot vote without the one that hangs, so only the daemon can promote its replica.
    let scene = Scene::new(2);
    let (primary, replica) = scene.first_shard();
    let stopped = Stopped::new(&primary);
    wait_until("the replica to own the slots", HEAL_LIMIT, || match Node::ask(&replica.address)? {
        promoted if promoted.slots == primary.slots => Ok(()),
        waiting => Err(format!("{} of {:?}", waiting.slots.len(), waiting.primary)),
    });
    drop(stopped);
    scene.wait_until_whole();
    let returned = Node::ask(&primary.address).expect("it was started again");
    assert!(returned.slots.is_empty(), "two owners: {returned:?}");
}

#[test]
fn the_endpoint_leads_around_a_primary_that_hangs_and_its_return_leaves_one_owner_of_each_slot() {
    let scene = Scene::new(3);
    let (primary, replica) = scene.first_shard();
    let stopped = Stopped::new(&primary);
    let endpoint = discovery_address(&scene.instance);
    wait_until("new clients to be served", ENDPOINT_LIMIT, || ask(&endpoint, &["PING"]));
    wait_until("the engines' own failover", HEAL_LIMIT, || match Node::ask(&replica.address)? {
        promoted if promoted.slots == primary.slots => Ok(()),
        waiting => Err(format!("{} of {:?}", waiting.slots.len(), waiting.primary)),
    });
    assert_eq!(ask(&endpoint, &["PING"]).as_deref(), Ok("PONG"));
    drop(stopped);
    scene.wait_until_whole();
    write_keys(&scene.instance, "later", KEYS).expect("it takes writes");
}

#[test]
fn an_instance_is_deleted_although_a_folder_was_removed_under_a_living_node() {
    let scene = Scene::new(1);
    let (primary, _) = scene.first_shard();
    remove_folder(&scene.folder(&primary));
    scene.daemon.api().delete_and_wait("damaged", HEAL_LIMIT);
    assert_eq!(node_processes(&scene.daemon.data_dir()), [], "orphans");
    let left: Vec<_> = std::fs::read_dir(scene.daemon.data_dir().join("instances")).into_iter().flatten().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}
