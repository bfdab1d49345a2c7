//! Work in the background of one instance, on the threads for it: begun by a step, watched by observations, ended by another step or by itself.
//!
//! Invariant: a job that is dropped is told to stop, and ends soon after. What it found is kept until another one begins.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{Instrument, Span, warn};
use valkyard_backups::Background;
use valkyard_model::{FaultKind, JobState, Timestamp};

use crate::supervisor::Wake;

/// How a job failed.
#[derive(Debug)]
pub(super) struct JobFailure {
    pub(super) kind: FaultKind,
    pub(super) detail: String,
}

/// How far a job is. Written by the job, read by looks.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) bytes: AtomicU64,
    pub(super) bytes_total: AtomicU64,
    pub(super) keys: AtomicU64,
}

impl Progress {
    pub(super) fn read(number: &AtomicU64) -> u64 {
        number.load(Ordering::Relaxed)
    }

    pub(super) fn write(number: &AtomicU64, value: u64) {
        number.store(value, Ordering::Relaxed);
    }
}

/// What a job came to, and when it failed.
type Outcome<T> = Result<T, (JobFailure, Timestamp)>;

/// A job and what it came to.
#[derive(Debug)]
pub(super) struct Job<T> {
    pub(super) attempts: u32,
    pub(super) progress: Arc<Progress>,
    outcome: Arc<Mutex<Option<Outcome<T>>>>,
    stop: CancellationToken,
    _stop_when_dropped: DropGuard,
    task: JoinHandle<()>,
}

impl<T: Clone + Send + 'static> Job<T> {
    /// Begins the work; the loop is woken when it ends.
    pub(super) fn begin<W>(
        background: &Background,
        attempts: u32,
        now: fn() -> Timestamp,
        wake: Wake,
        work: impl FnOnce(Arc<Progress>, CancellationToken) -> W,
    ) -> Self
    where
        W: Future<Output = Result<T, JobFailure>> + Send + 'static,
    {
        let (progress, outcome, stop) = (Arc::new(Progress::default()), Arc::new(Mutex::new(None)), CancellationToken::new());
        let work = work(Arc::clone(&progress), stop.clone());
        let told = Arc::clone(&outcome);
        let running = async move {
            let result = work.await;
            if let Err(failure) = &result {
                warn!(kind = ?failure.kind, detail = failure.detail, "work in the background failed");
            }
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(result.map_err(|failure| (failure, now())));
            wake.look_again();
        };
        let task = background.spawn(running.instrument(Span::current()));
        let guard = stop.clone().drop_guard();
        Self { attempts, progress, outcome, stop, _stop_when_dropped: guard, task }
    }

    /// Where it stands.
    pub(super) fn state(&self, now: Timestamp) -> JobState<T> {
        match &*self.outcome.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(Ok(value)) => JobState::Done(value.clone()),
            Some(Err((failure, at))) => JobState::Failed { kind: failure.kind, detail: failure.detail.clone(), at: *at },
            None if !self.task.is_finished() => JobState::Running,
            // Its task ended by a bug before it could tell.
            None => JobState::Failed { kind: FaultKind::Transient, detail: "the work ended early".to_owned(), at: now },
        }
    }

    /// Tells it to stop. It goes on until it has: its state says when.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }
}
