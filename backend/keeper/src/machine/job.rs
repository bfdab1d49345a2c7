//! Work in the background: begun and ended by steps, watched by looks.
//!
//! Invariant: a job that is dropped is told to stop, and ends soon after.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::join_all;
use tokio::sync::Notify;
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{debug, warn};
use valkyard_backups::Background;
use valkyard_model::{FaultKind, JobState, Timestamp};
use valkyard_planner::JobSeen;

use crate::Moved;

/// How a job failed.
#[derive(Debug)]
pub(crate) struct JobFailure {
    pub(crate) kind: FaultKind,
    pub(crate) detail: String,
}

/// How far a job is. Written by the job, read by looks.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    bytes: AtomicU64,
    bytes_total: AtomicU64,
    keys: AtomicU64,
    keys_total: AtomicU64,
}

impl Progress {
    pub(crate) fn tell(&self, moved: Moved) {
        let Moved { bytes, bytes_total, keys, keys_total } = moved;
        self.bytes.store(bytes, Ordering::Relaxed);
        self.bytes_total.store(bytes_total, Ordering::Relaxed);
        self.keys.store(keys, Ordering::Relaxed);
        self.keys_total.store(keys_total, Ordering::Relaxed);
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

/// Whom a job tells, when it was begun, and where it runs.
#[derive(Clone, Debug)]
pub(crate) struct JobEnds {
    pub(crate) wake: Arc<Notify>,
    pub(crate) now: Timestamp,
    pub(crate) background: Background,
}

#[derive(Debug)]
struct Job<T> {
    seen: JobSeen<T>,
    progress: Arc<Progress>,
    stop: CancellationToken,
    _stop_when_dropped: DropGuard,
    task: JoinHandle<()>,
    /// Nothing once it was taken.
    outcome: Option<oneshot::Receiver<Result<T, JobFailure>>>,
}

/// Jobs of one kind by what they are for.
#[derive(Debug)]
pub(crate) struct Jobs<K, T> {
    what: &'static str,
    jobs: BTreeMap<K, Job<T>>,
}

impl<K: Clone + Ord, T: Clone + Send + 'static> Jobs<K, T> {
    pub(crate) fn of(what: &'static str) -> Self {
        Self { what, jobs: BTreeMap::new() }
    }

    /// Begins work in place of what was there for the same thing; the keeper is woken when it ends.
    pub(crate) fn begin<W>(&mut self, key: K, ends: JobEnds, work: impl FnOnce(Arc<Progress>, CancellationToken) -> W)
    where
        W: Future<Output = Result<T, JobFailure>> + Send + 'static,
    {
        let failures = self.jobs.get(&key).map_or(0, |before| match before.seen.state {
            JobState::Running | JobState::Done(_) => 0,
            JobState::Failed { .. } => before.seen.attempts,
        });
        let (progress, stop, (told, outcome)) = (Arc::new(Progress::default()), CancellationToken::new(), oneshot::channel());
        let work = work(Arc::clone(&progress), stop.clone());
        let JobEnds { wake, now, background } = ends;
        let task = background.spawn(async move {
            let result = work.await;
            // Nobody misses the outcome of a job that was replaced.
            drop(told.send(result));
            wake.notify_one();
        });
        let seen = JobSeen { attempts: failures + 1, begun_at: now, state: JobState::Running };
        let guard = stop.clone().drop_guard();
        self.jobs.insert(key, Job { seen, progress, stop, _stop_when_dropped: guard, task, outcome: Some(outcome) });
    }

    /// Tells a job to stop, or forgets one that has ended.
    pub(crate) fn end(&mut self, key: &K) {
        match self.jobs.get(key) {
            Some(job) if job.outcome.is_some() => job.stop.cancel(),
            Some(_) => drop(self.jobs.remove(key)),
            None => {}
        }
    }

    /// Where all of them stand.
    pub(crate) fn seen(&mut self, now: Timestamp) -> BTreeMap<K, JobSeen<T>> {
        for job in self.jobs.values_mut() {
            job.settle(self.what, now);
        }
        self.jobs.iter().map(|(key, job)| (key.clone(), job.seen.clone())).collect()
    }

    /// How far they are.
    pub(crate) fn moved(&self) -> impl Iterator<Item = (K, Moved)> {
        self.jobs.iter().map(|(key, job)| (key.clone(), job.progress.read()))
    }

    /// Tells all of them to stop, and waits until they have ended.
    pub(crate) async fn end_all(&mut self) {
        let tasks = std::mem::take(&mut self.jobs).into_values().map(|job| {
            job.stop.cancel();
            job.task
        });
        // A task that panicked has ended, too.
        drop(join_all(tasks).await);
    }
}

impl<T> Job<T> {
    /// Takes the outcome of a task that has ended.
    fn settle(&mut self, what: &'static str, now: Timestamp) {
        let Some(outcome) = &mut self.outcome else { return };
        let failure = match outcome.try_recv() {
            Err(TryRecvError::Empty) => return,
            Ok(Ok(value)) => {
                self.outcome = None;
                self.seen.state = JobState::Done(value);
                return;
            }
            Ok(Err(failure)) => failure,
            Err(TryRecvError::Closed) => JobFailure { kind: FaultKind::Transient, detail: "the work ended by a bug".to_owned() },
        };
        self.outcome = None;
        let JobFailure { kind, detail } = failure;
        if self.stop.is_cancelled() || self.seen.attempts > 1 {
            debug!(what, ?kind, detail, attempts = self.seen.attempts, "work in the background failed again, or was stopped");
        } else {
            warn!(what, ?kind, detail, "work in the background failed");
        }
        self.seen.state = JobState::Failed { kind, detail, at: now };
    }
}
