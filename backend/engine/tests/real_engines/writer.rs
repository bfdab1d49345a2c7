//! A client that writes while the cluster changes under it, and knows what was acknowledged.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::cluster::Cluster;
use crate::raw::RawClient;

/// Keys that it writes over and over, in turn.
const KEYS: u32 = 2_000;

/// Runs until it is stopped; follows MOVED and ASK as clients do.
pub(crate) struct Writer {
    stop: Arc<AtomicBool>,
    writing: JoinHandle<BTreeMap<String, u32>>,
}

impl Writer {
    /// Returns when every key has been written once.
    pub(crate) fn start(cluster: &Cluster) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut follower = Follower::new(cluster.some_address());
        let mut acknowledged = BTreeMap::new();
        (0..KEYS).for_each(|count| follower.write(count, &mut acknowledged));
        let stopped = Arc::clone(&stop);
        let writing = std::thread::spawn(move || {
            let mut count = KEYS;
            while !stopped.load(Ordering::Relaxed) {
                follower.write(count, &mut acknowledged);
                count += 1;
            }
            acknowledged
        });
        Self { stop, writing }
    }

    /// Stops, and reads that every key has what was acknowledged last.
    pub(crate) fn stop_and_check(self, cluster: &Cluster) {
        self.stop.store(true, Ordering::Relaxed);
        let acknowledged = self.writing.join().expect("no write was refused");
        let mut reader = Follower::new(cluster.some_address());
        for (key, value) in acknowledged {
            assert_eq!(reader.call(&["GET", &key]), value.to_string(), "{key}");
        }
    }
}

struct Follower {
    links: BTreeMap<SocketAddrV4, RawClient>,
    first: SocketAddrV4,
}

impl Follower {
    fn new(first: SocketAddrV4) -> Self {
        Self { links: BTreeMap::new(), first }
    }

    fn write(&mut self, count: u32, acknowledged: &mut BTreeMap<String, u32>) {
        let key = format!("key:{}", count % KEYS);
        assert_eq!(self.call(&["SET", &key, &count.to_string()]), "OK");
        acknowledged.insert(key, count);
    }

    fn call(&mut self, command: &[&str]) -> String {
        let (mut address, mut is_asking) = (self.first, false);
        loop {
            let link = self.links.entry(address).or_insert_with(|| RawClient::anyone(address));
            if is_asking {
                assert_eq!(link.call(&["ASKING"]), "OK");
            }
            let reply = link.call(command);
            let words: Vec<&str> = reply.split(' ').collect();
            is_asking = words[0] == "ASK";
            match words[..] {
                ["MOVED" | "ASK", _slot, to] => address = to.parse().expect("an address"),
                _ => return reply,
            }
        }
    }
}
