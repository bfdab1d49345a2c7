//! Work in the background: backups on their way into a store, first data on its way into folders.
//!
//! It dies with the daemon and leaves behind what it had done so far; the store and the folders stay.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use valkyard_model::{
    BackupContent, BackupFile, BackupOrder, BackupRun, BackupSource, FaultKind, ImportRun, ImportSeen, ImportTarget, JobState,
    NodeSerial, Pid, ReplicationPoint, Slot, SlotSet, Timestamp, Uid,
};

use crate::disk::Saved;
use crate::keys::Keys;
use crate::machine::{Machine, SimNode};

/// How long the data of an instance takes to the store, and from there to folders.
const MOVING: TimeDelta = TimeDelta::milliseconds(120);

/// The backup store, the files that an instance begins with, and who works on them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jobs {
    making: Option<Making>,
    /// What lies in the store, whole or in part.
    stored: BTreeMap<Uid, Stored>,
    /// Writes that were safe, and with every copy, when each backup was accepted.
    promised: BTreeMap<Uid, BTreeMap<Slot, BTreeSet<u64>>>,
    /// Backups that are recorded as complete.
    pub(crate) active: BTreeSet<Uid>,
    /// Backups that were given up.
    pub(crate) given_up: BTreeSet<Uid>,
    placing: Option<Placing>,
    /// What new instances begin with.
    pub(crate) source: Keys,
}

#[derive(Clone, Debug)]
enum Stored {
    Part,
    Whole(Keys),
}

#[derive(Clone, Debug)]
struct Making {
    backup: Uid,
    attempts: u32,
    until: Timestamp,
    /// What each node had when it was asked, and the process that gives it.
    sources: Vec<(NodeSerial, Option<Pid>, BackupFile, Keys)>,
    state: JobState<BackupContent>,
}

#[derive(Clone, Debug)]
struct Placing {
    attempts: u32,
    until: Timestamp,
    targets: Vec<ImportTarget>,
    state: JobState<()>,
}

impl Machine {
    /// Accepts a backup, as the store does on request.
    pub fn back_up(&mut self, number: u128) -> Uid {
        let uid = Uid(uuid::Uuid::from_u128(number));
        let promised = self.oracle.safe.iter().map(|(slot, numbers)| (*slot, self.held_by_copies(*slot, numbers))).collect();
        self.jobs.promised.insert(uid, promised);
        let accepted_at = self.now;
        self.accept(|record| {
            let collection = valkyard_model::CollectionName::of(&record.name);
            let backup = format!("b{number}").parse().expect("a backup's id");
            let name = valkyard_model::BackupName { collection, backup };
            record.backup = Some(BackupOrder { name, uid, accepted_at, is_cancelled: false });
        });
        uid
    }

    /// Those writes to a slot that every living copy of it has: a backup is taken from one of them.
    fn held_by_copies(&self, slot: Slot, numbers: &BTreeSet<u64>) -> BTreeSet<u64> {
        let Some((_, owner)) = self.owner_of(slot) else { return BTreeSet::new() };
        let copies: Vec<_> = self.engines().filter(|(_, engine)| engine.follows(&owner.id)).collect();
        let is_everywhere = |number: &&u64| copies.iter().all(|(_, copy)| copy.data.holds(slot, **number));
        numbers.iter().filter(is_everywhere).copied().collect()
    }

    /// The client of the backup in the making does not want it any more.
    pub fn cancel_backup(&mut self) {
        self.accept(|record| {
            if let Some(order) = &mut record.backup {
                order.is_cancelled = true;
            }
        });
    }

    /// Backups that are recorded as complete.
    #[must_use]
    pub fn active_backups(&self) -> Vec<Uid> {
        self.jobs.active.iter().copied().collect()
    }

    /// Backups that were given up.
    #[must_use]
    pub fn abandoned_backups(&self) -> Vec<Uid> {
        self.jobs.given_up.iter().copied().collect()
    }

    /// Whether the instance has not been complete yet.
    #[must_use]
    pub fn is_being_created(&self) -> bool {
        self.record.as_ref().is_some_and(|record| record.convergence == valkyard_model::Convergence::Never)
    }

    /// Puts keys into the files that new instances begin with: one in every so many slots.
    pub fn offer_data(&mut self, every: usize) {
        for number in (0..valkyard_model::SLOT_COUNT).step_by(every) {
            if let Some(slot) = Slot::new(number) {
                self.jobs.source.insert(slot, u64::from(number) + (1 << 40));
            }
        }
    }

    pub(crate) fn begin_backup(&mut self, order: &BackupOrder, sources: &[BackupSource]) {
        let attempts = self.jobs.making.as_ref().filter(|making| making.backup == order.uid).map_or(0, |making| making.attempts);
        if self.jobs.making.as_ref().is_some_and(|making| making.state == JobState::Running) {
            self.oracle.object("a backup was begun beside another one".to_owned());
        }
        if self.jobs.active.contains(&order.uid) || self.jobs.given_up.contains(&order.uid) {
            self.oracle.object("a backup was begun again that had ended".to_owned());
        }
        self.jobs.stored.insert(order.uid, Stored::Part);
        let taken = sources.iter().map(|source| self.take_from(source)).collect();
        let until = self.now + MOVING;
        self.jobs.making =
            Some(Making { backup: order.uid, attempts: attempts + 1, until, sources: taken, state: JobState::Running });
        self.disturb();
    }

    fn take_from(&self, source: &BackupSource) -> (NodeSerial, Option<Pid>, BackupFile, Keys) {
        let node = self.nodes.get(&source.node);
        let keys = node.and_then(SimNode::engine).map(|engine| engine.data.clone()).unwrap_or_default();
        let pid = node.and_then(|node| node.process.as_ref()).map(|process| process.pid);
        let file = BackupFile {
            shard: source.shard,
            file: format!("{}.rdb", source.shard),
            bytes: keys.count(),
            sha256: String::new(),
            keys: keys.count(),
            keys_expiring: 0,
            digest: String::new(),
            data_bytes: source.data_bytes,
            largest_key: None,
            slots: source.slots.clone(),
            begun_at: self.now,
            finished_at: self.now + MOVING,
        };
        (source.node, pid, file, keys)
    }

    pub(crate) fn stop_backup(&mut self) {
        let now = self.now;
        if let Some(making) = self.jobs.making.as_mut().filter(|making| making.state == JobState::Running) {
            making.state = JobState::Failed { kind: FaultKind::Transient, detail: "stopped".to_owned(), at: now };
            self.jobs.stored.remove(&making.backup);
        }
    }

    pub(crate) fn record_backup(&mut self, backup: Uid) {
        let is_wanted = self.record.as_ref().and_then(|record| record.backup.as_ref()).is_some_and(|order| order.uid == backup);
        if !is_wanted {
            return;
        }
        let safe = &self.oracle.safe;
        let promised = self.jobs.promised.remove(&backup).unwrap_or_default();
        // What was lost by accident since is no part of the promise.
        let still = |slot: &Slot, number: &u64| safe.get(slot).is_some_and(|numbers| numbers.contains(number));
        let missing = match self.jobs.stored.get(&backup) {
            Some(Stored::Whole(keys)) => promised
                .iter()
                .flat_map(|(slot, numbers)| numbers.iter().map(move |number| (slot, number)))
                .filter(|(slot, number)| still(slot, number) && !keys.holds(**slot, **number))
                .count(),
            Some(Stored::Part) | None => {
                self.oracle.object("a backup was recorded that is not complete in the store".to_owned());
                0
            }
        };
        if missing > 0 {
            self.oracle.object(format!("a backup was recorded without {missing} writes that were safe before it was asked for"));
        }
        self.jobs.active.insert(backup);
        self.forget_order();
    }

    pub(crate) fn abandon_backup(&mut self, backup: Uid) {
        if self.jobs.making.as_ref().is_some_and(|making| making.state == JobState::Running) {
            self.oracle.object("a backup was given up while somebody works on it".to_owned());
        }
        if self.jobs.active.contains(&backup) {
            return;
        }
        self.jobs.given_up.insert(backup);
        self.jobs.stored.remove(&backup);
        self.forget_order();
    }

    fn forget_order(&mut self) {
        if let Some(record) = &mut self.record {
            record.backup = None;
        }
    }

    pub(crate) fn begin_import(&mut self, targets: &[ImportTarget]) {
        let attempts = self.jobs.placing.as_ref().map_or(0, |placing| placing.attempts) + 1;
        let until = self.now + MOVING;
        self.jobs.placing = Some(Placing { attempts, until, targets: targets.to_vec(), state: JobState::Running });
        self.disturb();
    }

    pub(crate) fn stop_import(&mut self) {
        let now = self.now;
        if let Some(placing) = self.jobs.placing.as_mut().filter(|placing| placing.state == JobState::Running) {
            placing.state = JobState::Failed { kind: FaultKind::Transient, detail: "stopped".to_owned(), at: now };
        }
    }

    pub(crate) fn confirm_import(&mut self, serial: NodeSerial) -> Result<(), &'static str> {
        let note = self.nodes.get(&serial).and_then(|node| node.folder.as_ref()?.import.clone());
        if let Some(point) = note.and_then(|note| note.point) {
            self.write_point(serial, &point)?;
        }
        if let Some(folder) = self.nodes.get_mut(&serial).and_then(|node| node.folder.as_mut()) {
            folder.import = folder.import.take().map(|import| ImportSeen { is_counted: true, ..import });
        }
        Ok(())
    }

    /// Time passes for work in the background.
    pub(crate) fn run_jobs(&mut self) {
        self.run_making();
        let is_due = |placing: &&Placing| placing.state == JobState::Running && placing.until <= self.now;
        if let Some(targets) = self.jobs.placing.as_ref().filter(is_due).map(|placing| placing.targets.clone()) {
            let fails = self.chaos.store_fails || targets.iter().any(|target| self.first_data(target).is_none());
            let state = if fails {
                JobState::Failed { kind: FaultKind::Transient, detail: "the store is away".to_owned(), at: self.now }
            } else {
                targets.iter().for_each(|target| self.place(target));
                targets.iter().for_each(|target| self.note(target));
                JobState::Done(())
            };
            if let Some(placing) = &mut self.jobs.placing {
                placing.state = state;
            }
            self.disturb();
        }
    }

    fn run_making(&mut self) {
        let Some(mut making) = self.jobs.making.take() else { return };
        if making.state == JobState::Running {
            let pid_of = |serial: &NodeSerial| Some(self.nodes.get(serial)?.process.as_ref()?.pid);
            let is_cut = making.sources.iter().any(|(serial, pid, ..)| pid.is_none() || pid_of(serial) != *pid);
            if is_cut || (making.until <= self.now && self.chaos.store_fails) {
                making.state =
                    JobState::Failed { kind: FaultKind::Transient, detail: "the data was cut off".to_owned(), at: self.now };
                self.jobs.stored.remove(&making.backup);
            } else if making.until <= self.now {
                let mut all = Keys::default();
                making.sources.iter().for_each(|(_, _, file, keys)| keys.copy_slots(&file.slots, &mut all));
                self.jobs.stored.insert(making.backup, Stored::Whole(all));
                let files = making.sources.iter().map(|(_, _, file, _)| file.clone()).collect();
                let content = BackupContent { finished_at: self.now, url: String::new(), digest: String::new(), files };
                making.state = JobState::Done(content);
            }
            self.disturb();
        }
        self.jobs.making = Some(making);
    }

    fn place(&mut self, target: &ImportTarget) {
        let Some((keys, _)) = self.first_data(target) else { return };
        let now = self.now;
        let Some(node) = self.nodes.get_mut(&target.node) else { return };
        if node.process.is_some() {
            self.oracle.object(format!("data was put under the process of {}", target.node));
        }
        if let Some(folder) = &mut node.folder {
            folder.disk.put_snapshot(Saved { keys, libraries: 0, at: now });
        }
    }

    /// What a node gets: all that a tapped shard has, or its part of the files.
    fn first_data(&self, target: &ImportTarget) -> Option<(Keys, Option<ReplicationPoint>)> {
        if target.tap.is_some() {
            let shard = self.nodes.get(&target.node)?.shard;
            return self.tapped(shard).map(|(keys, point)| (keys, Some(point)));
        }
        let mut keys = Keys::default();
        self.jobs.source.copy_slots(&target.slots, &mut keys);
        Some((keys, None))
    }

    fn note(&mut self, target: &ImportTarget) {
        let Some((keys, point)) = self.first_data(target) else { return };
        let keys = keys.count();
        if let Some(folder) = self.nodes.get_mut(&target.node).and_then(|node| node.folder.as_mut()) {
            folder.import = Some(ImportSeen { keys, is_counted: false, point });
        }
    }

    /// The daemon dies, and with it the work; some of what it would have done next is done.
    pub(crate) fn lose_jobs(&mut self) {
        self.jobs.making = None;
        let placing = self.jobs.placing.take().filter(|placing| placing.state == JobState::Running && !self.chaos.store_fails);
        let Some(placing) = placing else { return };
        let (placed, noted) = (self.random.below(3), self.random.below(3));
        if placed == 0 {
            return;
        }
        placing.targets.iter().for_each(|target| self.place(target));
        let count = usize::try_from(noted).expect("small").min(placing.targets.len());
        placing.targets[..count].iter().for_each(|target| self.note(target));
    }

    /// What is not there of the data that the instance began with.
    pub(crate) fn missing_import(&self) -> u64 {
        let held = |slot: Slot, number: u64| self.owner_of(slot).is_some_and(|(_, engine)| engine.data.holds(slot, number));
        let all = SlotSet::from_iter([valkyard_model::SlotRange::new(0, valkyard_model::SLOT_COUNT - 1).expect("all slots")]);
        self.jobs.source.each_in(&all).filter(|(slot, number)| !held(*slot, *number)).count() as u64
    }

    pub(crate) fn backup_seen(&self) -> Option<BackupRun> {
        let making = self.jobs.making.as_ref()?;
        Some(BackupRun { backup: making.backup, attempts: making.attempts, bytes: 0, state: making.state.clone() })
    }

    pub(crate) fn import_seen(&self) -> Option<ImportRun> {
        let placing = self.jobs.placing.as_ref()?;
        let state = placing.state.clone();
        Some(ImportRun { attempts: placing.attempts, bytes: 0, bytes_total: 0, keys: 0, state })
    }
}
