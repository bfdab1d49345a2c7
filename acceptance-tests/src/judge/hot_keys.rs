//! Several clients on the same few keys, for the history checker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use redis::cluster::ClusterClient;
use serde_json::Value;
use tokio::time::{MissedTickBehavior, interval};

use super::key::values_in;
use super::linearizability::{Access, Operation, Violation, check_register};
use super::moment::Moment;
use crate::cluster::url;

/// Clients that meet on the keys.
const CLIENTS: usize = 4;
/// Pause of each client between two commands: short enough for commands to overlap.
const GAP: Duration = Duration::from_millis(2);

/// Clients at work on the same keys; ended when dropped.
#[derive(Debug)]
pub struct HotKeys {
    keys: Vec<String>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Vec<(usize, Operation)>>>,
}

impl HotKeys {
    /// Starts clients that read and write these keys, which do not exist yet.
    #[must_use]
    pub fn start(instance: &Value, keys: &[String]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let next_value = Arc::new(AtomicU64::new(1));
        let threads = (0..CLIENTS).map(|client| {
            let (url, keys, stop, next_value) = (url(instance), keys.to_vec(), stop.clone(), next_value.clone());
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                runtime.block_on(work(&url, &keys, client, &stop, &next_value))
            })
        });
        Self { keys: keys.to_vec(), stop: stop.clone(), threads: threads.collect() }
    }

    /// Ends the clients and checks the history of each key. Returns the number of operations.
    ///
    /// # Errors
    /// The first key whose history no register explains.
    ///
    /// # Panics
    /// When a client did.
    pub fn check(mut self) -> Result<usize, (String, Violation)> {
        self.stop.store(true, Ordering::Relaxed);
        let joined = self.threads.drain(..).map(|thread| thread.join().expect("a client's thread ends well"));
        let history: Vec<(usize, Operation)> = joined.flatten().collect();
        for (index, key) in self.keys.iter().enumerate() {
            let of_key: Vec<Operation> = history.iter().filter(|(of, _)| *of == index).map(|(_, operation)| *operation).collect();
            check_register(&of_key).map_err(|violation| (key.clone(), violation))?;
        }
        Ok(history.len())
    }
}

impl Drop for HotKeys {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

async fn work(url: &str, keys: &[String], client: usize, stop: &AtomicBool, next_value: &AtomicU64) -> Vec<(usize, Operation)> {
    let cluster = ClusterClient::new(vec![url.to_owned()]).expect("a discovery endpoint makes a client");
    let mut connection = cluster.get_async_connection().await.expect("the instance answers");
    let mut pace = interval(GAP);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut history = Vec::new();
    for turn in client.. {
        pace.tick().await;
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let index = turn / 2 % keys.len();
        let writes = turn % 2 == 0;
        let value = if writes { next_value.fetch_add(1, Ordering::Relaxed) } else { 0 };
        let command = if writes { redis::Cmd::set(&keys[index], value) } else { redis::Cmd::get(&keys[index]) };
        let called = Moment::now();
        let answer: Result<redis::Value, _> = command.query_async(&mut connection).await;
        let returned = answer.is_ok().then(Moment::now);
        let access = match &answer {
            _ if writes => Access::Write(value),
            Ok(answer) => Access::Read(values_in(answer).last().copied()),
            Err(_) => Access::Read(None),
        };
        history.push((index, Operation { access, called, returned }));
    }
    history
}
