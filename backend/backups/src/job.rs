//! Work on backup data in the background: one task, how far it is, and what it came to.
//!
//! The loops of instances and the keeper begin jobs by steps and watch them by looks. Invariant: a job that is dropped is told to
//! stop, and ends soon after; what it found is kept until then. It does not try again.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{Instrument, Span, debug, warn};
use valkyard_model::{FaultKind, JobState, Timestamp};

use crate::background::Background;

/// How a job failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFailure {
    /// What kind of failure it is.
    pub kind: FaultKind,
    /// The whole story, for people.
    pub detail: String,
}

/// How much data was moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Bytes so far.
    pub bytes: u64,
    /// Bytes in all; 0 while that is not known.
    pub bytes_total: u64,
    /// Keys so far.
    pub keys: u64,
    /// Keys in all; 0 while that is not known.
    pub keys_total: u64,
}

/// How far a job is. Written by the job, read by looks.
#[derive(Debug, Default)]
pub struct Progress {
    bytes: AtomicU64,
    bytes_total: AtomicU64,
    keys: AtomicU64,
    keys_total: AtomicU64,
}

impl Progress {
    /// So much was moved.
    pub fn tell(&self, moved: Moved) {
        let Moved { bytes, bytes_total, keys, keys_total } = moved;
        self.bytes.store(bytes, Ordering::Relaxed);
        self.bytes_total.store(bytes_total, Ordering::Relaxed);
        self.keys.store(keys, Ordering::Relaxed);
        self.keys_total.store(keys_total, Ordering::Relaxed);
    }

    /// So many more bytes were moved, by one of several at work.
    pub fn add_bytes(&self, more: u64) {
        self.bytes.fetch_add(more, Ordering::Relaxed);
    }

    /// So many more keys were moved, by one of several at work.
    pub fn add_keys(&self, more: u64) {
        self.keys.fetch_add(more, Ordering::Relaxed);
    }

    fn read(&self) -> Moved {
        Moved {
            bytes: self.bytes.load(Ordering::Relaxed),
            bytes_total: self.bytes_total.load(Ordering::Relaxed),
            keys: self.keys.load(Ordering::Relaxed),
            keys_total: self.keys_total.load(Ordering::Relaxed),
        }
    }
}

/// What a job came to, and when it failed.
type Outcome<T> = Result<T, (JobFailure, Timestamp)>;

/// A task and what it came to.
#[derive(Debug)]
pub struct Job<T> {
    /// How often this work was begun.
    pub attempts: u32,
    progress: Arc<Progress>,
    outcome: Arc<Mutex<Option<Outcome<T>>>>,
    stop: CancellationToken,
    _stop_when_dropped: DropGuard,
    task: JoinHandle<()>,
}

impl<T: Clone + Send + 'static> Job<T> {
    /// Begins work on the threads in the background. When it ends, `now` is asked for the time and then `wake` is called. `what` it is goes to the log where it
    /// fails: as a warning for the first of several attempts.
    pub fn begin<W>(
        background: &Background,
        (what, attempts): (&'static str, u32),
        now: impl Fn() -> Timestamp + Send + 'static,
        wake: impl FnOnce() + Send + 'static,
        work: impl FnOnce(Arc<Progress>, CancellationToken) -> W,
    ) -> Self
    where
        W: Future<Output = Result<T, JobFailure>> + Send + 'static,
    {
        let (progress, outcome, stop) = (Arc::new(Progress::default()), Arc::new(Mutex::new(None)), CancellationToken::new());
        let work = work(Arc::clone(&progress), stop.clone());
        let (told, stopped) = (Arc::clone(&outcome), stop.clone());
        let running = async move {
            let result = work.await;
            match &result {
                Ok(_) => {}
                Err(JobFailure { kind, detail }) if attempts > 1 || stopped.is_cancelled() => {
                    debug!(what, ?kind, detail, attempts, "work in the background failed again, or was stopped");
                }
                Err(JobFailure { kind, detail }) => warn!(what, ?kind, detail, "work in the background failed"),
            }
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(result.map_err(|failure| (failure, now())));
            wake();
        };
        let task = background.spawn(running.instrument(Span::current()));
        let guard = stop.clone().drop_guard();
        Self { attempts, progress, outcome, stop, _stop_when_dropped: guard, task }
    }

    /// Where it stands.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> JobState<T> {
        match &*self.outcome.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(Ok(value)) => JobState::Done(value.clone()),
            Some(Err((failure, at))) => JobState::Failed { kind: failure.kind, detail: failure.detail.clone(), at: *at },
            None if !self.task.is_finished() => JobState::Running,
            // Its task ended by a bug before it could tell.
            None => JobState::Failed { kind: FaultKind::Transient, detail: "the work ended early".to_owned(), at: now },
        }
    }

    /// How much it has moved.
    #[must_use]
    pub fn moved(&self) -> Moved {
        self.progress.read()
    }

    /// Tells it to stop. It goes on until it has: its state says when.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Tells it to stop, and waits until it has.
    pub async fn end(self) {
        self.stop();
        // A task that panicked has ended, too.
        drop(self.task.await);
    }
}
