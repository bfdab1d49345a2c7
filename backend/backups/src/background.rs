//! Threads on which data are moved: reading, checking and hashing keep processors busy, and those who serve clients go first.
//!
//! The loops of instances and the keeper run their work here. Invariant: however much is to be moved, it takes no more threads
//! than this, and on Linux a thread that wants to run here waits for any other of the machine. It decides nothing.

use std::future::Future;
use std::io;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Memory that all shards being taken hold at once, of all instances, in MiB.
const MEMORY_MB: u32 = 64;
/// Threads for file calls. Two that are being read and two that are being written keep a disk busy.
const FILE_THREADS_MAX: usize = 4;
/// How far these threads step back, of 19. At 10 they get a tenth of a processor that others want all of, so that a backup of a
/// busy machine takes longer and still ends.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// The threads. Clones share them; they end with the last one, and what still ran on them is dropped.
#[derive(Clone, Debug)]
pub struct Background {
    threads: Arc<Threads>,
    memory_mb: Arc<Semaphore>,
    /// Least that a shard takes of it: so many at once keep the processors busy, and each has its engine fork.
    share_mb: u32,
}

#[derive(Debug)]
struct Threads {
    /// Nothing only while it is dropped.
    runtime: Option<Runtime>,
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Background {
    /// Starts the threads: one less than there are processors, at least one.
    ///
    /// # Errors
    /// When the machine gives no threads.
    pub fn start() -> io::Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let runtime = Builder::new_multi_thread()
            .worker_threads(processors.saturating_sub(1).max(1))
            .max_blocking_threads(FILE_THREADS_MAX)
            .thread_name("background")
            .on_thread_start(step_back)
            .enable_all()
            .build()?;
        let shards_at_once = u32::try_from(processors).map_or(MEMORY_MB, |count| (count + 1).min(MEMORY_MB));
        Ok(Self {
            threads: Arc::new(Threads { runtime: Some(runtime) }),
            memory_mb: Arc::new(Semaphore::new(MEMORY_MB as usize)),
            share_mb: MEMORY_MB / shards_at_once,
        })
    }

    /// Runs work there.
    ///
    /// # Panics
    /// Never: the threads are there as long as this is.
    pub fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.threads.runtime.as_ref().expect("it goes with the last clone only").spawn(work)
    }

    /// Runs the taking of a shard, which holds so many MiB, when there is room for one more; nothing when it was stopped before.
    pub async fn take_turn<T>(&self, stop: &CancellationToken, held_mb: u32, taking: impl Future<Output = T>) -> Option<T> {
        let share_mb = held_mb.clamp(self.share_mb, MEMORY_MB);
        let turn = stop.run_until_cancelled(self.memory_mb.acquire_many(share_mb)).await?;
        let _turn = turn.expect("nobody closes it");
        Some(taking.await)
    }
}

/// Lets others of the machine go first. Only threads of Linux have a niceness of their own; elsewhere it would be the daemon's.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        // Nothing is lost but courtesy.
        tracing::debug!(%error, "a thread in the background cannot step back");
    }
}
