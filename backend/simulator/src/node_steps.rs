//! Steps that concern one node: its folder, its process, and what its engine is told.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;

use chrono::TimeDelta;
use valkyard_model::{
    Access, BinaryVersion, ClusterSeed, DataSource, EngineVersion, FaultKind, HistoryNames, LiveSettings, NodeId, NodeSerial,
    NodeSettings, PartSeen, Pid, StopManner,
};
use valkyard_reconciler::StepError;

use crate::carry_out::{refuse, transient};
use crate::disk::Disk;
use crate::engine::{Conf, Engine, Link};
use crate::machine::{Ending, Folder, Machine, Process, SimNode};

/// The delay of a fresh primary before it accepts writes (`CLUSTER_WRITABLE_DELAY` of the engine).
const WRITABLE_DELAY: TimeDelta = TimeDelta::seconds(2);
/// When a fresh replica has heard of enough primaries.
const REPLICA_DELAY: TimeDelta = TimeDelta::milliseconds(50);
/// Longest time that an engine loads after a restart: a small dataset.
const LOADING_MILLIS_MAX: u64 = 150;
/// How long an engine takes to listen.
const STARTUP_MILLIS: std::ops::Range<u64> = 5..25;
/// How long its links to the others take to form.
const LINKING_MILLIS: std::ops::Range<u64> = 20..90;
/// How long an engine takes to end when asked to.
const GRACE_MILLIS: std::ops::Range<u64> = 1..31;
/// When a broken engine fails after its start.
const FAILURE_MILLIS: std::ops::Range<u64> = 4..5;

impl Machine {
    pub(crate) fn prepare(&mut self, serial: NodeSerial, settings: &NodeSettings, seed: &ClusterSeed) -> Result<(), StepError> {
        if self.chaos.is_disk_full || self.chaos.full_disks.contains(&serial) {
            return refuse(FaultKind::DiskFull, "no space left on device");
        }
        if self.chaos.is_read_only {
            return refuse(FaultKind::PermissionDenied, "permission denied");
        }
        let Some(node) = self.nodes.get_mut(&serial) else { return refuse(FaultKind::Transient, "it is not allocated") };
        if node.process.is_some() {
            self.oracle.object(format!("{serial} was prepared while its process runs"));
        }
        // A folder that is there stays: making it is idempotent.
        let conf = Conf::from_seed(seed, &node.id);
        node.folder.get_or_insert_with(|| Folder { conf, settings: settings.clone(), disk: Disk::default(), import: None });
        Ok(())
    }

    pub(crate) fn start(
        &mut self,
        serial: NodeSerial,
        version: EngineVersion,
        seed: Option<&ClusterSeed>,
        load: Option<DataSource>,
    ) -> Result<(), StepError> {
        if self.chaos.is_engine_missing {
            return refuse(FaultKind::EngineMissing, "no build of this version is installed");
        }
        if self.chaos.taken_ports.contains(&serial) {
            return refuse(FaultKind::AddressInUse, "the port is used by somebody else");
        }
        if let Some(node) = self.nodes.get_mut(&serial).filter(|node| node.process.is_none())
            && let (Some(folder), Some(seed)) = (&mut node.folder, seed)
        {
            folder.conf = Conf::from_seed(seed, &node.id);
        }
        transient(self.start_process(serial, version, load))
    }

    fn start_process(
        &mut self,
        serial: NodeSerial,
        version: EngineVersion,
        load: Option<DataSource>,
    ) -> Result<(), &'static str> {
        self.judge_start(serial, version);
        // An engine that was down for a while finds something to load.
        let has_run = self.nodes.get(&serial).is_some_and(|node| node.died_at.is_some());
        let listens_at = self.soon(STARTUP_MILLIS.start, STARTUP_MILLIS.end);
        let loading = if has_run { self.random.below(LOADING_MILLIS_MAX) } else { 0 };
        let linking = self.soon(LINKING_MILLIS.start, LINKING_MILLIS.end) - self.now;
        let is_running = self.nodes.get(&serial).is_some_and(|node| node.process.is_some());
        let loaded = if is_running { None } else { self.load_disk(serial, load) };
        let is_readable = loaded.as_ref().is_none_or(|loaded| loaded.is_readable);
        let ends_at = (self.chaos.is_engine_broken || !is_readable)
            .then(|| (self.soon(FAILURE_MILLIS.start, FAILURE_MILLIS.end), Ending::Failed));
        let (now, number) = (self.now, self.fresh_number());
        let node = self.nodes.get_mut(&serial).ok_or("it is not allocated")?;
        if node.process.is_some() {
            self.oracle.object(format!("{serial} was started while its process runs"));
            return Err("another process holds the lock");
        }
        let folder = node.folder.clone().ok_or("there is no folder")?;
        let loaded = loaded.ok_or("there is no folder")?;
        let is_primary = folder.conf.own.replica_of.is_none();
        let delay = if is_primary { WRITABLE_DELAY } else { REPLICA_DELAY };
        let engine = Engine {
            id: node.id.clone(),
            version: build_of(version),
            conf: folder.conf,
            data: loaded.keys,
            disk: loaded.diligence,
            is_readable: loaded.is_readable,
            libraries: loaded.libraries,
            settings: LiveSettings::wanted(&folder.settings),
            part: part_of(&folder.settings),
            // A primary's stream begins with pings to its replicas, so whoever ever copied it has some of it.
            offset: u64::from(is_primary),
            lineage: number,
            history: HistoryNames { replication_id: number.to_string(), former: None, is_kept: false },
            link: Link::Down,
            ok_from: listens_at + delay,
            loads_until: listens_at + TimeDelta::milliseconds(i64::try_from(loading).expect("below the maximum")),
            linked_from: listens_at + linking,
            paused_until: now,
            banned: BTreeMap::new(),
            rumours: BTreeMap::new(),
            migrations: Vec::new(),
        };
        let pid = Pid(i32::try_from(number).expect("few processes"));
        node.process = Some(Process { pid, listens_at, ends_at, engine });
        self.disturb();
        Ok(())
    }

    fn judge_start(&mut self, serial: NodeSerial, version: EngineVersion) {
        if self.nodes.get(&serial).is_some_and(|node| node.kind.engine_version != version) {
            self.oracle.object(format!("{serial} was started with another version than it is made of"));
        }
        let allocated = self.record.as_ref().and_then(|record| Some((record, record.nodes.get(&serial)?)));
        if allocated.is_some_and(|(record, node)| record.zones_out.contains(&node.zone)) {
            self.oracle.object(format!("{serial} was started in a zone that was taken away"));
        }
    }

    pub(crate) fn stop(&mut self, serial: NodeSerial, manner: StopManner) {
        if self.nodes.get(&serial).is_some_and(|node| node.folder.is_none()) {
            self.oracle.object(format!("the process of {serial} was signalled without a lock that names it"));
        }
        self.judge_stop(serial);
        match manner {
            StopManner::Terminate if self.chaos.is_stubborn => {}
            StopManner::Terminate => self.end_soon(serial),
            StopManner::Kill => self.kill(serial),
        }
    }

    pub(crate) fn shut_down(&mut self, serial: NodeSerial) -> Result<(), StepError> {
        if self.nodes.get(&serial).is_none_or(|node| self.serving(node).is_none()) {
            return refuse(FaultKind::Transient, "it does not answer");
        }
        self.judge_stop(serial);
        self.end_soon(serial);
        Ok(())
    }

    fn end_soon(&mut self, serial: NodeSerial) {
        let at = self.soon(GRACE_MILLIS.start, GRACE_MILLIS.end);
        if let Some(process) = self.nodes.get_mut(&serial).and_then(|node| node.process.as_mut()) {
            process.ends_at.get_or_insert((at, Ending::Asked));
        }
    }

    pub(crate) fn remove_files(&mut self, serial: NodeSerial) {
        let Some(node) = self.nodes.get_mut(&serial) else { return };
        node.folder = None;
        if node.process.is_some() {
            self.oracle.object(format!("the files of {serial} were removed under its process"));
        }
    }

    pub(crate) fn take_over(&mut self, serial: NodeSerial) -> Result<(), StepError> {
        let Some(engine) = self.nodes.get(&serial).and_then(|node| self.serving(node)) else {
            return refuse(FaultKind::Transient, "it does not answer");
        };
        let primary = engine.conf.own.replica_of.clone();
        let lives = |node: &SimNode| primary.as_ref() == Some(&node.id) && node.process.is_some();
        if self.nodes.values().any(lives) {
            self.oracle.object(format!("{serial} was promoted over a living primary"));
        }
        let result = self.engine_mut(serial).map_or(Err("it is gone"), Engine::take_over);
        self.disturb();
        transient(result)
    }

    pub(crate) fn attach(&mut self, serial: NodeSerial, primary: &NodeId) -> Result<(), &'static str> {
        self.disturb();
        let engine = self.engine_mut(serial).ok_or("it does not answer")?;
        if engine.claims_slots() {
            return Err("it owns slots");
        }
        if engine.conf.peers.get(primary).is_none_or(|peer| peer.replica_of.is_some()) {
            return Err("the primary is not known to it");
        }
        if !engine.follows(primary) {
            engine.follow(primary);
        }
        Ok(())
    }

    pub(crate) fn copy_functions(&mut self, serial: NodeSerial, source: SocketAddrV4) -> Result<(), &'static str> {
        let from = self.engines().find(|(serial, _)| self.nodes[serial].port.0 == source.port());
        let libraries = from.map(|(_, engine)| engine.libraries).ok_or("the source does not answer")?;
        let is_there = self.nodes.get(&serial).is_some_and(|node| self.serving(node).is_some());
        let engine = self.engine_mut(serial).filter(|engine| is_there && engine.is_primary()).ok_or("it is no primary")?;
        engine.libraries = engine.libraries.max(libraries);
        engine.offset += 1;
        self.disturb();
        Ok(())
    }

    /// Rewrites a node's configuration, unless the daemon dies before.
    pub(crate) fn write_settings(&mut self, serial: NodeSerial, settings: &NodeSettings) -> Result<(), StepError> {
        if self.chaos.is_disk_full {
            return refuse(FaultKind::DiskFull, "no space left on device");
        }
        let folder = self.nodes.get_mut(&serial).and_then(|node| node.folder.as_mut());
        let Some(folder) = folder else { return Ok(()) };
        folder.settings = settings.clone();
        Ok(())
    }

    pub(crate) fn set_live(
        &mut self,
        serial: NodeSerial,
        settings: &NodeSettings,
        surplus: &[DataSource],
    ) -> Result<(), &'static str> {
        let is_there = self.nodes.get(&serial).is_some_and(|node| self.serving(node).is_some());
        let engine = self.engine_mut(serial).filter(|_| is_there).ok_or("it does not answer")?;
        engine.settings = LiveSettings::wanted(settings);
        engine.part = part_of(settings);
        self.set_persistence(serial, settings.persistence);
        self.drop_data(serial, surplus);
        self.disturb();
        Ok(())
    }
}

/// The build that serves a version line.
fn build_of(version: EngineVersion) -> BinaryVersion {
    let patch = match (version.major, version.minor) {
        (9, 1) => 2,
        (_, _) => 1,
    };
    BinaryVersion { major: version.major, minor: version.minor, patch }
}

/// How an engine with these settings is set up for its instance's part in a replication.
fn part_of(settings: &NodeSettings) -> PartSeen {
    let access = settings.part.access();
    PartSeen { access, imports: Some(access == Access::ReadOnly), backlog_bytes: Some(settings.backlog.0) }
}
