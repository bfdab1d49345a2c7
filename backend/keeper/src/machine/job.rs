//! The keeper's jobs: those of one kind, by what they are for.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use futures::future::join_all;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use valkyard_backups::{Background, Job, JobFailure, Moved, Progress};
use valkyard_model::{JobState, Timestamp};
use valkyard_planner::JobSeen;

use crate::Surroundings;

/// Whom a job tells, by which clock, and where it runs.
#[derive(Clone, Debug)]
pub(crate) struct JobEnds {
    pub(crate) wake: Arc<Notify>,
    pub(crate) surroundings: Arc<dyn Surroundings>,
    pub(crate) background: Background,
}

#[derive(Debug)]
struct Begun<T> {
    job: Job<T>,
    at: Timestamp,
    /// Whether a look has seen its end: before that it is not forgotten.
    is_told: bool,
}

/// Jobs of one kind by what they are for.
#[derive(Debug)]
pub(crate) struct Jobs<K, T> {
    what: &'static str,
    jobs: BTreeMap<K, Begun<T>>,
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
        let at = ends.surroundings.now();
        let failures = self.jobs.get(&key).map_or(0, |before| match before.job.state(at) {
            JobState::Running | JobState::Done(_) => 0,
            JobState::Failed { .. } => before.job.attempts,
        });
        let JobEnds { wake, surroundings, background } = ends;
        let what = (self.what, failures + 1);
        let job = Job::begin(&background, what, move || surroundings.now(), move || wake.notify_one(), work);
        self.jobs.insert(key, Begun { job, at, is_told: false });
    }

    /// Tells a job to stop, or forgets one that has ended.
    pub(crate) fn end(&mut self, key: &K) {
        match self.jobs.get(key) {
            Some(begun) if begun.is_told => drop(self.jobs.remove(key)),
            Some(begun) => begun.job.stop(),
            None => {}
        }
    }

    /// Where all of them stand.
    pub(crate) fn seen(&mut self, now: Timestamp) -> BTreeMap<K, JobSeen<T>> {
        let seen = |begun: &mut Begun<T>| {
            let state = begun.job.state(now);
            begun.is_told = match state {
                JobState::Running => false,
                JobState::Done(_) | JobState::Failed { .. } => true,
            };
            JobSeen { attempts: begun.job.attempts, begun_at: begun.at, state }
        };
        self.jobs.iter_mut().map(|(key, begun)| (key.clone(), seen(begun))).collect()
    }

    /// How far they are.
    pub(crate) fn moved(&self) -> impl Iterator<Item = (K, Moved)> {
        self.jobs.iter().map(|(key, begun)| (key.clone(), begun.job.moved()))
    }

    /// Tells all of them to stop, and waits until they have ended.
    pub(crate) async fn end_all(&mut self) {
        join_all(std::mem::take(&mut self.jobs).into_values().map(|begun| begun.job.end())).await;
    }
}
