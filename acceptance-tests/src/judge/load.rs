//! Clients at work: started, watched, ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use super::key::{Key, Kind};
use super::python_client::{PythonClient, read_events};
use super::record::{ClientKind, Event, Record};
use super::rust_client;
use crate::cluster::url;
use crate::wait::wait_until;

/// Longest wait for every client to write: Python needs a moment to start on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(20);
/// Longest wait for further writes of every client: longer than any of the libraries goes on trying.
const PROGRESS_LIMIT: Duration = Duration::from_secs(60);
/// Longest last command of a client.
const END_LIMIT: Duration = Duration::from_secs(60);

/// How much load.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// What the keys' names begin with; loads on the same instance need different ones.
    pub prefix: String,
    /// Number of redis-rs clients.
    pub rust_clients: usize,
    /// Number of valkey-py clients.
    pub python_clients: usize,
    /// Keys of each client; they take turns through every [`Kind`].
    pub keys_per_client: usize,
    /// Commands of each client, at most; one after the other.
    pub commands_per_second: u32,
    /// Of so many commands one is a read.
    pub turns_per_read: usize,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            prefix: "judge".to_owned(),
            rust_clients: 2,
            python_clients: 2,
            keys_per_client: 60,
            commands_per_second: 100,
            turns_per_read: 4,
        }
    }
}

/// What one client is to do.
#[derive(Clone, Debug)]
pub(super) struct ClientPlan {
    /// The discovery endpoint.
    pub(super) url: String,
    /// Its keys, with their index in the record.
    pub(super) keys: Vec<(usize, Key)>,
    /// At most; one after the other.
    pub(super) commands_per_second: u32,
    /// Of so many commands one is a read.
    pub(super) turns_per_read: usize,
}

/// How far a client is.
#[derive(Debug, Default)]
pub(super) struct Progress(AtomicUsize);

impl Progress {
    pub(super) fn count_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn acknowledged(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
struct Client {
    kind: ClientKind,
    progress: Arc<Progress>,
    thread: JoinHandle<Vec<Event>>,
    python: Option<PythonClient>,
}

/// Clients at work on one instance; ended when dropped.
#[derive(Debug)]
pub struct Load {
    keys: Vec<Key>,
    clients: Vec<Client>,
    stop: Arc<AtomicBool>,
}

impl Load {
    /// Starts every client and waits until each has written.
    ///
    /// # Panics
    /// When one cannot.
    #[must_use]
    pub fn start(instance: &Value, options: &LoadOptions) -> Self {
        let kinds = [vec![ClientKind::Rust; options.rust_clients], vec![ClientKind::Python; options.python_clients]].concat();
        let mut load = Self { keys: Vec::new(), clients: Vec::new(), stop: Arc::new(AtomicBool::new(false)) };
        for (client, kind) in kinds.into_iter().enumerate() {
            let first = load.keys.len();
            load.keys.extend((0..options.keys_per_client).map(|number| Key {
                name: format!("{}:{client}:{number}", options.prefix),
                kind: Kind::ALL[number % Kind::ALL.len()],
                client,
            }));
            let plan = ClientPlan {
                url: url(instance),
                keys: (first..).zip(load.keys[first..].iter().cloned()).collect(),
                commands_per_second: options.commands_per_second,
                turns_per_read: options.turns_per_read,
            };
            load.clients.push(start_client(kind, plan, &load.stop));
        }
        load.wait_for_writes(1, START_LIMIT);
        load
    }

    /// Waits until every client has got this many further writes acknowledged.
    ///
    /// # Panics
    /// When one is stuck.
    pub fn wait_for_more(&self, writes: usize) {
        self.wait_for_writes(writes, PROGRESS_LIMIT);
    }

    fn wait_for_writes(&self, writes: usize, limit: Duration) {
        let wanted: Vec<usize> = self.clients.iter().map(|client| client.progress.acknowledged() + writes).collect();
        wait_until("writes of every client", limit, || {
            let seen: Vec<usize> = self.clients.iter().map(|client| client.progress.acknowledged()).collect();
            if let Some(ended) = self.clients.iter().find(|client| client.thread.is_finished()) {
                panic!("a {:?} client ended by itself; its error is above", ended.kind);
            }
            if seen.iter().zip(&wanted).all(|(seen, wanted)| seen >= wanted) { Ok(()) } else { Err(format!("{seen:?}")) }
        });
    }

    /// Number of acknowledged writes so far.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.clients.iter().map(|client| client.progress.acknowledged()).sum()
    }

    /// Ends every client after its present command and returns what they did.
    ///
    /// # Panics
    /// When one does not end.
    #[must_use]
    pub fn stop(mut self) -> Record {
        self.ask_to_end();
        wait_until("the end of every client", END_LIMIT, || {
            let busy = self.clients.iter().filter(|client| !client.thread.is_finished()).count();
            if busy == 0 { Ok(()) } else { Err(format!("{busy} still at work")) }
        });
        let mut record = Record { keys: std::mem::take(&mut self.keys), ..Record::default() };
        for client in self.clients.drain(..) {
            record.clients.push(client.kind);
            record.events.extend(client.thread.join().expect("a client's thread ends well; its panic is above"));
        }
        record
    }

    fn ask_to_end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for python in self.clients.iter_mut().filter_map(|client| client.python.as_mut()) {
            python.ask_to_end();
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.ask_to_end();
    }
}

fn start_client(kind: ClientKind, plan: ClientPlan, stop: &Arc<AtomicBool>) -> Client {
    let progress = Arc::new(Progress::default());
    let (counted, stop) = (progress.clone(), stop.clone());
    let (thread, python) = match kind {
        ClientKind::Rust => (std::thread::spawn(move || rust_client::run(&plan, &stop, &counted)), None),
        ClientKind::Python => {
            let (python, output) = PythonClient::start(&plan);
            (std::thread::spawn(move || read_events(output, &counted)), Some(python))
        }
    };
    Client { kind, progress, thread, python }
}
