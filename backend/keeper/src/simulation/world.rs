//! The simulated effects of the keeper: real records, made-up files, work that goes on in pieces, and crashes.

use std::collections::BTreeMap;
use std::sync::Arc;

use valkyard_model::{BackupName, ExportOrder, FaultKind, JobState, OperationId, Timestamp, Uid};
use valkyard_planner::{Clocks, JobSeen, KeepingJob, KeepingSeen, KeepingStep, Means, Verdict};

use super::ground::{Files, Ground};
use super::players::DESTINATIONS;
use super::random::Random;
use crate::machine::records::Records;
use crate::testing::Clients;
use crate::{KeeperLook, KeeperWorld, KeepingError, Surroundings};

/// Work in pieces: one piece at each look.
#[derive(Debug)]
struct Work<T> {
    seen: JobSeen<T>,
    task: Task,
    is_stopped: bool,
}

#[derive(Clone, Debug)]
enum Task {
    Delete(BackupName),
    Copy(ExportOrder),
    Compare,
    Sweep { spared: Vec<BackupName>, untouched_since: Timestamp },
}

#[derive(Debug)]
pub(super) struct SimulatedWorld {
    records: Records,
    ground: Ground,
    random: Random,
    is_crashed: bool,
    exports: BTreeMap<OperationId, Work<()>>,
    comparisons: BTreeMap<OperationId, Work<Verdict>>,
    deletions: BTreeMap<Uid, Work<()>>,
    sweep: BTreeMap<(), Work<()>>,
}

impl SimulatedWorld {
    pub(super) fn new(clients: &Clients, ground: &Ground, random: Random) -> Self {
        let surroundings: Arc<dyn Surroundings> = Arc::<crate::testing::TestSurroundings>::clone(&clients.surroundings);
        Self {
            records: Records { store: clients.store.clone(), surroundings },
            ground: ground.clone(),
            random,
            is_crashed: false,
            exports: BTreeMap::new(),
            comparisons: BTreeMap::new(),
            deletions: BTreeMap::new(),
            sweep: BTreeMap::new(),
        }
    }

    pub(super) fn is_crashed(&self) -> bool {
        self.is_crashed
    }

    fn crashes(&mut self) -> bool {
        let is_peaceful = self.ground.lock().is_peaceful;
        self.is_crashed = self.is_crashed || (!is_peaceful && self.random.below(25) == 0);
        self.is_crashed
    }

    fn work_on(&mut self) {
        let now = self.records.surroundings.now();
        let (ground, random) = (&self.ground, &mut self.random);
        let mut piece = |task: &Task, is_stopped: bool| ground.piece(task, is_stopped, now, random);
        for work in self.exports.values_mut().chain(self.deletions.values_mut()).chain(self.sweep.values_mut()) {
            work.go_on(now, &mut piece, ());
        }
        for work in self.comparisons.values_mut() {
            let verdict = match now.timestamp() % 3 {
                0 => Verdict::Different { detail: "a key is missing".to_owned() },
                _ => Verdict::Equal { detail: "all keys".to_owned() },
            };
            work.go_on(now, &mut piece, verdict);
        }
    }

    fn begin(&mut self, step: &KeepingStep) {
        let now = self.records.surroundings.now();
        match step {
            KeepingStep::BeginDeletion { backup, name } => {
                Work::begin(&mut self.deletions, *backup, Task::Delete(name.clone()), now);
            }
            KeepingStep::BeginExport(order) => {
                Work::begin(&mut self.exports, order.operation.clone(), Task::Copy(order.clone()), now);
            }
            KeepingStep::BeginComparison { operation, .. } => {
                Work::begin(&mut self.comparisons, operation.clone(), Task::Compare, now);
            }
            KeepingStep::BeginSweep { spared, untouched_since } => {
                let task = Task::Sweep { spared: spared.clone(), untouched_since: *untouched_since };
                Work::begin(&mut self.sweep, (), task, now);
            }
            KeepingStep::EndJob(KeepingJob::Export(operation)) => Work::end(&mut self.exports, operation),
            KeepingStep::EndJob(KeepingJob::Comparison(operation)) => Work::end(&mut self.comparisons, operation),
            KeepingStep::EndJob(KeepingJob::Deletion(backup)) => Work::end(&mut self.deletions, backup),
            KeepingStep::BackUp { .. }
            | KeepingStep::Expire { .. }
            | KeepingStep::RemoveRecord { .. }
            | KeepingStep::FinishExport { .. }
            | KeepingStep::CreateScratch { .. }
            | KeepingStep::FinishVerification { .. }
            | KeepingStep::DeleteScratch { .. }
            | KeepingStep::Verify { .. } => {}
        }
    }
}

fn crashed() -> KeepingError {
    KeepingError { what: "live on", source: "crashed".into() }
}

impl KeeperWorld for SimulatedWorld {
    async fn look(&mut self) -> Result<KeeperLook, KeepingError> {
        if self.crashes() {
            return Err(crashed());
        }
        self.work_on();
        let keeping = self.records.keeping().await.expect("reads");
        let seen = KeepingSeen {
            scratches: self.records.scratches().await.expect("reads"),
            creations: self.records.creations(&keeping).await.expect("reads"),
            exports: Work::seen(&self.exports),
            comparisons: Work::seen(&self.comparisons),
            deletions: Work::seen(&self.deletions),
            sweep: Work::seen(&self.sweep).remove(&()),
            faults: Vec::new(),
        };
        Ok(KeeperLook { keeping, seen, moved: BTreeMap::new() })
    }

    async fn execute(&mut self, step: &KeepingStep) -> Result<(), KeepingError> {
        if self.crashes() {
            return Err(crashed());
        }
        self.begin(step);
        let done = self.records.execute(step).await;
        if self.crashes() { Err(crashed()) } else { done }
    }

    async fn end(&mut self) {}

    fn clocks(&self) -> Clocks {
        Clocks { calendar: self.records.surroundings.calendar(), machine: self.records.surroundings.now() }
    }

    fn means(&self) -> Means {
        self.records.surroundings.means()
    }
}

impl<T: Clone> Work<T> {
    fn begin<K: Ord>(all: &mut BTreeMap<K, Self>, key: K, task: Task, now: Timestamp) {
        let attempts = all.get(&key).map_or(0, |before| before.seen.attempts) + 1;
        let seen = JobSeen { attempts, begun_at: now, state: JobState::Running };
        all.insert(key, Self { seen, task, is_stopped: false });
    }

    fn end<K: Ord>(all: &mut BTreeMap<K, Self>, key: &K) {
        match all.get_mut(key) {
            Some(work) if work.seen.state_is_running() => work.is_stopped = true,
            _ => drop(all.remove(key)),
        }
    }

    fn seen<K: Ord + Clone>(all: &BTreeMap<K, Self>) -> BTreeMap<K, JobSeen<T>> {
        all.iter().map(|(key, work)| (key.clone(), work.seen.clone())).collect()
    }

    fn go_on(&mut self, now: Timestamp, piece: &mut impl FnMut(&Task, bool) -> Piece, value: T) {
        if self.seen.state_is_running() {
            self.seen.state = match piece(&self.task, self.is_stopped) {
                Piece::More => JobState::Running,
                Piece::Last => JobState::Done(value),
                Piece::Failed(kind) => JobState::Failed { kind, detail: "it broke".to_owned(), at: now },
            };
        }
    }
}

trait IsRunning {
    fn state_is_running(&self) -> bool;
}

impl<T> IsRunning for JobSeen<T> {
    fn state_is_running(&self) -> bool {
        matches!(self.state, JobState::Running)
    }
}

/// What one piece of work came to.
enum Piece {
    More,
    Last,
    Failed(FaultKind),
}

impl Ground {
    fn piece(&self, task: &Task, is_stopped: bool, now: Timestamp, random: &mut Random) -> Piece {
        let mut places = self.lock();
        if !places.is_peaceful {
            match random.below(6) {
                0 => return Piece::Failed(FaultKind::Transient),
                1 => return Piece::More,
                _ => {}
            }
        }
        match task {
            Task::Delete(name) => match places.own.get_mut(name) {
                Some(files) if files.is_complete => {
                    files.is_complete = false;
                    Piece::More
                }
                Some(_) => {
                    places.own.remove(name);
                    Piece::Last
                }
                None => Piece::Last,
            },
            Task::Copy(order) => {
                let key = (order.destination.clone(), order.backup.clone());
                assert!(places.own.get(&order.backup).is_some_and(|files| files.is_complete), "{} is exported", order.backup);
                let before = places.others.get(&key).map(|files| files.is_complete);
                if order.destination == DESTINATIONS[2] {
                    return Piece::Failed(FaultKind::PermissionDenied);
                }
                match (before, is_stopped) {
                    (Some(true), _) => Piece::Last,
                    (_, true) => {
                        places.others.remove(&key);
                        Piece::Failed(FaultKind::Transient)
                    }
                    (before, false) => {
                        places.others.insert(key, Files { is_complete: before.is_some(), changed_at: now });
                        if before.is_some() { Piece::Last } else { Piece::More }
                    }
                }
            }
            Task::Compare => Piece::Last,
            Task::Sweep { spared, untouched_since } => {
                let before = places.own.len();
                places
                    .own
                    .retain(|name, files| files.is_complete || spared.contains(name) || files.changed_at >= *untouched_since);
                places.swept += before - places.own.len();
                Piece::Last
            }
        }
    }
}
