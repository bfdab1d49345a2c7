//! What engines keep on disk: logs of writes, snapshots, and what an outage of the machine leaves of them.
//!
//! A log that is complete holds what its engine holds when the process ends; when the machine fails, what was forced to the
//! disk. A snapshot appears when it is complete.

use chrono::TimeDelta;
use valkyard_model::{AppendFsync, DataSeen, DataSource, LoadedSeen, NodeSerial, Persistence, PersistenceSeen, Timestamp};

use crate::engine::Engine;
use crate::keys::Keys;
use crate::machine::{Ending, Machine, SimNode};

/// How long an engine needs to write all that it has.
const WRITING: TimeDelta = TimeDelta::milliseconds(60);
/// How often a log is forced to the disk that is forced once a second.
const SYNC_EVERY: TimeDelta = TimeDelta::seconds(1);

/// Data in a file.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    pub(crate) keys: Keys,
    pub(crate) libraries: u32,
    pub(crate) at: Timestamp,
}

/// What a folder holds of a node's data.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    log: Option<Saved>,
    snapshot: Option<Saved>,
    /// None of it can be read.
    is_damaged: bool,
}

/// An engine's log of writes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum LogState {
    Off,
    Writing { until: Timestamp },
    Complete,
}

/// What an engine does about its disk.
#[derive(Clone, Debug)]
pub(crate) struct Diligence {
    pub(crate) fsync: Option<AppendFsync>,
    pub(crate) keeps_copies: bool,
    pub(crate) log: LogState,
    /// What was forced to the disk last, and when.
    synced: (Timestamp, Keys),
    saving: Option<(Timestamp, Saved)>,
    save_ok: bool,
    /// Keys that it loaded from a snapshot.
    loaded: u64,
}

/// What an engine begins with.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) keys: Keys,
    pub(crate) libraries: u32,
    pub(crate) diligence: Diligence,
    pub(crate) is_readable: bool,
}

impl Machine {
    /// Clears a folder of what is not to be loaded, and loads the rest.
    pub(crate) fn load_disk(&mut self, serial: NodeSerial, load: Option<DataSource>) -> Option<Loaded> {
        let now = self.now;
        let folder = self.nodes.get_mut(&serial)?.folder.as_mut()?;
        let wanted = folder.settings.persistence;
        let disk = &mut folder.disk;
        disk.log = disk.log.take().filter(|_| load == Some(DataSource::Log));
        disk.snapshot = disk.snapshot.take().filter(|_| load == Some(DataSource::Snapshot));
        disk.is_damaged &= load.is_some();
        let fsync = match load {
            None => wanted.fsync(),
            Some(DataSource::Log) => Some(wanted.fsync().unwrap_or_default()),
            Some(DataSource::Snapshot) => None,
        };
        let saved = disk.log.as_ref().or(disk.snapshot.as_ref());
        let keys = saved.map(|saved| saved.keys.clone()).unwrap_or_default();
        let diligence = Diligence {
            fsync,
            keeps_copies: wanted.is_on(),
            log: if fsync.is_some() { LogState::Complete } else { LogState::Off },
            synced: (now, keys.clone()),
            saving: None,
            save_ok: true,
            loaded: if load == Some(DataSource::Snapshot) { keys.count() } else { 0 },
        };
        let libraries = saved.map_or(0, |saved| saved.libraries);
        Some(Loaded { keys, libraries, diligence, is_readable: !disk.is_damaged })
    }

    /// What an engine is told of its persistence while it runs.
    pub(crate) fn set_persistence(&mut self, serial: NodeSerial, wanted: Persistence) {
        let until = self.now + WRITING;
        let Some(node) = self.nodes.get_mut(&serial) else { return };
        let Some(process) = &mut node.process else { return };
        let diligence = &mut process.engine.disk;
        diligence.keeps_copies = wanted.is_on();
        match (diligence.fsync, wanted.fsync()) {
            (None, Some(_)) => diligence.log = LogState::Writing { until },
            (_, None) => diligence.log = LogState::Off,
            (Some(_), Some(_)) => {}
        }
        diligence.fsync = wanted.fsync();
    }

    /// Removes data that is not wanted any more.
    pub(crate) fn drop_data(&mut self, serial: NodeSerial, surplus: &[DataSource]) {
        let Some(folder) = self.nodes.get_mut(&serial).and_then(|node| node.folder.as_mut()) else { return };
        for source in surplus {
            match source {
                DataSource::Log => folder.disk.log = None,
                DataSource::Snapshot => folder.disk.snapshot = None,
            }
        }
    }

    pub(crate) fn forget_import(&mut self, serial: NodeSerial, surplus: &[DataSource]) {
        self.drop_data(serial, surplus);
        if let Some(folder) = self.nodes.get_mut(&serial).and_then(|node| node.folder.as_mut()) {
            folder.import = None;
        }
    }

    pub(crate) fn save_snapshot(&mut self, serial: NodeSerial) -> Result<(), &'static str> {
        let until = self.now + WRITING;
        let at = self.now;
        let engine = self.engine_mut(serial).ok_or("it does not answer")?;
        if !matches!(engine.disk.log, LogState::Off | LogState::Complete) {
            return Err("another child process is active");
        }
        let saved = Saved { keys: engine.data.clone(), libraries: engine.libraries, at };
        engine.disk.saving.get_or_insert((until, saved));
        self.disturb();
        Ok(())
    }

    /// Time passes for disks.
    pub(crate) fn run_disks(&mut self) {
        let (now, saves_fail) = (self.now, self.chaos.saves_fail);
        let mut finished = Vec::new();
        for (serial, node) in &mut self.nodes {
            let hangs = node.hang.is_some_and(|hang| hang.until > now);
            let Some(process) = node.process.as_mut().filter(|_| !hangs) else { continue };
            let engine = &mut process.engine;
            let diligence = &mut engine.disk;
            if matches!(diligence.log, LogState::Writing { until } if until <= now) {
                diligence.log = LogState::Complete;
                diligence.synced = (now, engine.data.clone());
            }
            if diligence.log == LogState::Complete && now - diligence.synced.0 >= SYNC_EVERY {
                diligence.synced = (now, engine.data.clone());
            }
            if diligence.saving.as_ref().is_some_and(|(until, _)| *until <= now)
                && let Some((_, saved)) = diligence.saving.take()
            {
                diligence.save_ok = !saves_fail;
                if let Some(folder) = node.folder.as_mut().filter(|_| !saves_fail) {
                    let snapshot = Saved { at: now, ..saved };
                    finished.push((*serial, node.shard, snapshot.keys.clone()));
                    folder.disk.snapshot = Some(snapshot);
                }
            }
        }
        for (serial, shard, keys) in finished {
            if self.nodes[&serial].engine().is_some_and(Engine::is_primary) {
                self.oracle.snapshots.insert(shard, keys);
            }
        }
    }

    /// A replica got a copy that is not the continuation of what it had: its log begins anew.
    pub(crate) fn begin_log_anew(&mut self, serial: NodeSerial) {
        let until = self.now + WRITING;
        if let Some(engine) = self.engine_mut(serial).filter(|engine| engine.disk.fsync.is_some()) {
            engine.disk.log = LogState::Writing { until };
        }
    }

    /// What a process leaves in its folder when it ends.
    pub(crate) fn write_down(&mut self, serial: NodeSerial) {
        let (keys, now) = (self.on_disk(serial), self.now);
        let Some(node) = self.nodes.get_mut(&serial) else { return };
        let (Some(process), Some(folder)) = (&node.process, &mut node.folder) else { return };
        if process.engine.disk.log == LogState::Complete
            && process.engine.is_readable
            && let Some(keys) = keys
        {
            folder.disk.log = Some(Saved { keys, libraries: process.engine.libraries, at: now });
        }
    }

    /// What a node's disk would have of its data if its process ended now.
    pub(crate) fn on_disk(&self, serial: NodeSerial) -> Option<Keys> {
        let node = self.nodes.get(&serial)?;
        let engine = node.engine().filter(|_| node.folder.is_some())?;
        match engine.disk.fsync {
            Some(_) if engine.disk.log != LogState::Complete => None,
            Some(AppendFsync::Always) => Some(engine.data.clone()),
            Some(AppendFsync::EverySec | AppendFsync::Never) if self.is_power_out => Some(engine.disk.synced.1.clone()),
            Some(AppendFsync::EverySec | AppendFsync::Never) => Some(engine.data.clone()),
            None => self.oracle.snapshots.get(&node.shard).filter(|_| engine.disk.keeps_copies).cloned(),
        }
    }

    /// The machine loses power and comes back: what was not forced to the disk is gone.
    pub fn fail_power(&mut self) {
        self.is_power_out = true;
        let slots: Vec<_> = self.oracle.safe.keys().copied().collect();
        for slot in slots {
            let owner = self.owner_of(slot).map(|(serial, _)| serial);
            let left = owner.and_then(|serial| self.on_disk(serial)).map(|keys| keys.of(slot));
            match (left, self.oracle.safe.get_mut(&slot)) {
                (Some(left), Some(safe)) => safe.retain(|number| left.contains(number)),
                (_, _) => drop(self.oracle.safe.remove(&slot)),
            }
        }
        let promised = self.oracle.safe.clone();
        for serial in self.serials() {
            self.end_process(serial, Ending::Killed);
        }
        self.oracle.safe = promised;
        self.is_power_out = false;
    }

    /// Spoils what a node that is down has on disk.
    pub fn damage(&mut self, serial: NodeSerial) {
        self.set_damage(serial, true);
    }

    /// Brings a damaged disk back as it was.
    pub fn mend(&mut self, serial: NodeSerial) {
        self.set_damage(serial, false);
    }

    fn set_damage(&mut self, serial: NodeSerial, is_damaged: bool) {
        if let Some(folder) = self.nodes.get_mut(&serial).and_then(|node| node.folder.as_mut()) {
            folder.disk.is_damaged = is_damaged;
        }
        self.disturb();
    }

    /// Whether a node has a process.
    #[must_use]
    pub fn runs(&self, serial: NodeSerial) -> bool {
        self.nodes.get(&serial).is_some_and(|node| node.process.is_some())
    }
}

impl Disk {
    pub(crate) fn put_snapshot(&mut self, snapshot: Saved) {
        self.snapshot = Some(snapshot);
    }
}

impl SimNode {
    pub(crate) fn data_seen(&self, now: Timestamp) -> DataSeen {
        let Some(folder) = &self.folder else { return DataSeen::default() };
        let is_logging = self.engine().is_some_and(|engine| engine.disk.log == LogState::Complete);
        let log = if is_logging { Some(now) } else { folder.disk.log.as_ref().map(|saved| saved.at) };
        DataSeen { log, snapshot: folder.disk.snapshot.as_ref().map(|saved| saved.at) }
    }
}

impl Diligence {
    pub(crate) fn seen(&self) -> PersistenceSeen {
        PersistenceSeen {
            fsync: self.fsync,
            keeps_copies: self.keeps_copies,
            is_logging: self.log != LogState::Off,
            is_rewriting: matches!(self.log, LogState::Writing { .. }),
            is_saving: self.saving.is_some(),
            save_ok: self.save_ok,
            loaded: LoadedSeen { keys: self.loaded, keys_expired: 0 },
            ..PersistenceSeen::default()
        }
    }
}
