//! The nodes of a scripted world: words that say how one is, and the observation that follows.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use valkyard_model::{
    BinaryVersion, ByteSize, ClusterMemory, ConfigEpoch, DataSeen, EngineSeen, ExitSeen, FilesSeen, ImportSeen, LinkState,
    LiveSettings, LoadedSeen, NodeAllocation, NodeHistory, NodeId, NodeObservation, NodeSerial, OpenSlot, PeerHealth, PeerSeen,
    PersistenceSeen, Pid, ProcessSeen, ProcessState, RoleSeen, Seen, Slot, SlotSet, Timestamp, Uid,
};

use valkyard_planner::node_settings;

use super::{World, number};

/// How much of a node is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Sight {
    #[default]
    Absent,
    Known,
    Unknown,
}

impl Sight {
    fn of<T>(self, value: impl FnOnce() -> T) -> Seen<T> {
        match self {
            Self::Known => Seen::Known(value()),
            Self::Absent => Seen::Absent,
            Self::Unknown => Seen::Unknown,
        }
    }

    fn parse(word: &str) -> Result<Self, String> {
        match word {
            "yes" => Ok(Self::Known),
            "no" => Ok(Self::Absent),
            "unknown" => Ok(Self::Unknown),
            other => Err(format!("{other:?} is not yes, no or unknown")),
        }
    }
}

/// The direction of an open slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mark {
    To,
    From,
}

fn parse_open(value: &str) -> Result<(u16, Mark, NodeSerial), String> {
    let words: Vec<&str> = value.split(':').collect();
    let [slot, direction, node] = words.as_slice() else { return Err(format!("{value:?} is no open slot")) };
    let mark = if *direction == "to" { Mark::To } else { Mark::From };
    Ok((slot.parse().map_err(|_| "not a slot".to_owned())?, mark, super::parse_node(node)?))
}

#[derive(Clone, Debug, Default)]
pub(crate) struct NodeScript {
    pub(crate) files: Sight,
    pub(crate) process: Sight,
    pub(crate) engine: Sight,
    pub(crate) is_unseen: bool,
    pub(crate) is_foreign: bool,
    pub(crate) is_loading: bool,
    pub(crate) is_unsettled: bool,
    pub(crate) is_alone: bool,
    pub(crate) is_empty: bool,
    pub(crate) link: Option<LinkState>,
    pub(crate) follows: Option<NodeSerial>,
    pub(crate) offset: u64,
    pub(crate) keys: u64,
    /// The highest epoch it has heard of, if not all that anybody tells.
    pub(crate) heard: Option<u64>,
    pub(crate) bytes: u64,
    pub(crate) data: DataSeen,
    pub(crate) import: Option<ImportSeen>,
    /// Keys that the engine has loaded from a snapshot.
    pub(crate) loaded: u64,
    pub(crate) is_rewriting: bool,
    pub(crate) is_saving: bool,
    /// The epoch at which its folder remembers it as its shard's owner.
    pub(crate) remembers: Option<u64>,
    pub(crate) libraries: u32,
    pub(crate) maxmemory: Option<u64>,
    pub(crate) is_stopped: bool,
    pub(crate) version: Option<BinaryVersion>,
    /// Nodes that have forgotten it.
    pub(crate) gone_from: Vec<NodeSerial>,
    /// What it takes for its primary's slots.
    pub(crate) believes: Option<SlotSet>,
    /// A slot, whether it goes, and the other node.
    pub(crate) open: Vec<(u16, Mark, NodeSerial)>,
    pub(crate) history: NodeHistory,
}

/// Changes a node by words:
/// - `nothing`, `prepared`, `dead`, `starting`, `silent`, `unknown`, `unseen`, `serving`: the whole of it
/// - `folder=`, `process=`, `engine=` with `yes`, `no` or `unknown`: one part of it
/// - `foreign`, `loading`, `unsettled`, `alone`, `empty`, `link=up|down|syncing`, `follows=NODE`, `offset=N`: what its engine
///   says, until `serving`
/// - `keys=N`, `heard=EPOCH`: what it has, and the highest epoch it knows; `told`: whether it was told to take over
/// - `data=BYTES`, `libraries=N`, `maxmemory=BYTES`, `frozen`, `silent-since=MS`, `failover=MS`, `forgotten=MS`: what a change
///   needs of it
/// - `log-file=MS`, `snapshot-file=MS`, `remembers=EPOCH`, `rewriting`, `saving`, `saves=N saved=MS`: what it has on disk and
///   does about it
/// - `starts=N started=MS`, `stops=N stopped=MS`, `exited=MS [status=WORD] [unreadable] [log=TEXT]`, `at-rest`: what is remembered of it
pub(crate) fn apply_words(node: &mut NodeScript, words: &[&str], line: &str, now: Timestamp) -> Result<(), String> {
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        match key {
            "nothing" => *node = NodeScript::default(),
            "prepared" | "dead" => set(node, [Sight::Known, Sight::Absent, Sight::Absent]),
            "starting" => set(node, [Sight::Known, Sight::Known, Sight::Absent]),
            "silent" => set(node, [Sight::Known, Sight::Known, Sight::Unknown]),
            "unknown" => set(node, [Sight::Unknown; 3]),
            "serving" => {
                *node = NodeScript::default();
                set(node, [Sight::Known; 3]);
            }
            "unseen" => node.is_unseen = true,
            "folder" => node.files = Sight::parse(value)?,
            "process" => node.process = Sight::parse(value)?,
            "engine" => node.engine = Sight::parse(value)?,
            "foreign" => node.is_foreign = true,
            "loading" => node.is_loading = true,
            "unsettled" => node.is_unsettled = true,
            "alone" => node.is_alone = true,
            "empty" => node.is_empty = true,
            "link" => node.link = Some(parse_link(value)?),
            "follows" => node.follows = Some(super::parse_node(value)?),
            "offset" => node.offset = number(words, "offset")?.unwrap_or_default(),
            "starts" => node.history.starts = number(words, "starts")?.unwrap_or_default(),
            "stops" => node.history.stops = number(words, "stops")?.unwrap_or_default(),
            "started" => node.history.last_start = Some(ago(words, "started", now)?),
            "stopped" => node.history.last_stop = Some(ago(words, "stopped", now)?),
            "exited" => node.history.last_exit = Some(exit(words, line, now)?),
            "at-rest" => node.history.is_at_rest = true,
            "data" => node.bytes = number(words, "data")?.unwrap_or_default(),
            "keys" => node.keys = number(words, "keys")?.unwrap_or_default(),
            "heard" => node.heard = number(words, "heard")?,
            "told" => node.history.may_have_taken_over = true,
            "libraries" => node.libraries = number(words, "libraries")?.unwrap_or_default(),
            "maxmemory" => node.maxmemory = number(words, "maxmemory")?,
            "version" => node.version = Some(value.parse().map_err(|_| format!("{value} is not a version"))?),
            "gone-from" => node.gone_from = value.split(',').map(super::parse_node).collect::<Result<_, _>>()?,
            "believes" => node.believes = Some(super::change::parse_slots(&[value])?),
            "open" => node.open = vec![parse_open(value)?],
            "frozen" => node.is_stopped = true,
            "silent-since" => node.history.silent_since = Some(ago(words, "silent-since", now)?),
            "failover" => node.history.last_failover = Some(ago(words, "failover", now)?),
            "forgotten" => node.history.forgotten_since = Some(ago(words, "forgotten", now)?),
            "status" | "unreadable" => {}
            "log-file" => node.data.log = Some(ago(words, "log-file", now)?),
            "snapshot-file" => node.data.snapshot = Some(ago(words, "snapshot-file", now)?),
            "rewriting" => node.is_rewriting = true,
            "saving" => node.is_saving = true,
            "saves" => node.history.saves = number(words, "saves")?.unwrap_or_default(),
            "saved" => node.history.last_save = Some(ago(words, "saved", now)?),
            "remembers" => node.remembers = value.parse().ok(),
            "log" => break,
            other => return Err(format!("{other:?} says nothing of a node")),
        }
    }
    Ok(())
}

fn set(node: &mut NodeScript, [files, process, engine]: [Sight; 3]) {
    (node.files, node.process, node.engine, node.is_unseen) = (files, process, engine, false);
}

fn ago(words: &[&str], key: &str, now: Timestamp) -> Result<Timestamp, String> {
    let millis = number(words, key)?.ok_or("needs milliseconds")?;
    Ok(now - TimeDelta::milliseconds(millis))
}

fn exit(words: &[&str], line: &str, now: Timestamp) -> Result<ExitSeen, String> {
    let status = super::option(words, "status").unwrap_or("signal-9").to_owned();
    let log_tail = line.split_once("log=").map_or("", |(_, text)| text).to_owned();
    let unreadable = words.contains(&"unreadable").then(|| log_tail.clone());
    Ok(ExitSeen { at: ago(words, "exited", now)?, status, log_tail, unreadable })
}

fn parse_link(word: &str) -> Result<LinkState, String> {
    match word {
        "up" => Ok(LinkState::Up),
        "down" => Ok(LinkState::Down),
        "syncing" => Ok(LinkState::Syncing),
        other => Err(format!("{other:?} is not a state of a link")),
    }
}

impl NodeScript {
    /// What an observation says of this node; nothing if it leaves the node out.
    pub(crate) fn seen(&self, world: &World, serial: NodeSerial) -> Option<NodeObservation> {
        let pid = Pid(1_000 + i32::try_from(serial.0).expect("few nodes"));
        (!self.is_unseen).then(|| NodeObservation {
            files: self.files.of(|| self.files_seen(world, serial)),
            process: self
                .process
                .of(|| ProcessSeen { pid, state: if self.is_stopped { ProcessState::Stopped } else { ProcessState::Running } }),
            engine: self.engine.of(|| self.engine_seen(world, serial)),
            history: self.history.clone(),
        })
    }

    fn engine_seen(&self, world: &World, serial: NodeSerial) -> EngineSeen {
        let allocation = &world.desired.nodes[&serial];
        let shard = allocation.shard;
        let told = &world.owners[&shard];
        let own = world.untold.get(&shard).filter(|owner| owner.node == serial).unwrap_or(told);
        let stranger = || NodeId::derive(Uid(uuid::Uuid::from_u128(99)), serial);
        let is_primary = self.is_empty || (own.node == serial && self.follows.is_none());
        let link = self.link.unwrap_or(LinkState::Up);
        let of = || world.desired.nodes[&self.follows.unwrap_or(own.node)].id.clone();
        EngineSeen {
            id: if self.is_foreign { stranger() } else { allocation.id.clone() },
            version: self.version.unwrap_or(BinaryVersion { major: 9, minor: 1, patch: 2 }),
            role: if is_primary { RoleSeen::Primary } else { RoleSeen::Replica { of: of(), link } },
            cluster_ok: !self.is_unsettled,
            loading: self.is_loading,
            epoch: if self.is_empty { ConfigEpoch(0) } else { own.epoch },
            current_epoch: self.heard.map_or_else(|| highest_epoch(world).max(own.epoch), ConfigEpoch),
            slots: if is_primary && !self.is_empty { world.share(shard) } else { SlotSet::default() },
            replication_offset: self.offset,
            history: valkyard_model::HistoryNames::default(),
            keys: self.keys,
            persistence: self.persistence(world),
            data: ByteSize(self.bytes),
            libraries: self.libraries,
            settings: self.settings(world, allocation),
            migrations: world.migrations.iter().filter(|(node, _)| *node == serial).map(|(_, seen)| seen.clone()).collect(),
            open_slots: self.open.iter().map(|open| open_slot(world, open)).collect(),
            peers: if self.is_alone { BTreeMap::new() } else { peers(world, serial) },
            part: valkyard_model::PartSeen::default(),
        }
    }
}

fn highest_epoch(world: &World) -> ConfigEpoch {
    world.owners.values().map(|owner| owner.epoch).max().unwrap_or_default()
}

fn open_slot(world: &World, (slot, mark, node): &(u16, Mark, NodeSerial)) -> (Slot, OpenSlot) {
    let id = world.desired.nodes[node].id.clone();
    let open = match mark {
        Mark::To => OpenSlot::MigratingTo(id),
        Mark::From => OpenSlot::ImportingFrom(id),
    };
    (Slot::new(*slot).expect("a slot"), open)
}

impl NodeScript {
    fn files_seen(&self, world: &World, serial: NodeSerial) -> FilesSeen {
        let allocation = &world.desired.nodes[&serial];
        let memory = self.remembers.map(|epoch| ClusterMemory {
            is_replica: false,
            epoch: ConfigEpoch(epoch),
            current_epoch: ConfigEpoch(epoch),
            slots: world.share(allocation.shard),
        });
        FilesSeen { data: self.data, memory, import: self.import.clone() }
    }

    fn persistence(&self, world: &World) -> PersistenceSeen {
        let settled = world.desired.settled.as_ref().map_or(&world.desired.spec, |settled| &settled.spec);
        let fsync = settled.persistence.fsync();
        PersistenceSeen {
            fsync,
            keeps_copies: settled.persistence.is_on(),
            is_logging: fsync.is_some(),
            is_rewriting: self.is_rewriting,
            is_saving: self.is_saving,
            loaded: LoadedSeen { keys: self.loaded, keys_expired: 0 },
            ..PersistenceSeen::default()
        }
    }

    /// What it was configured with when the instance was complete, but for the memory the script gives it.
    fn settings(&self, world: &World, allocation: &NodeAllocation) -> LiveSettings {
        let mut before = world.desired.clone();
        if let Some(settled) = &world.desired.settled {
            before.spec.engine_configs.clone_from(&settled.spec.engine_configs);
        }
        let mut settings = node_settings(&before, allocation);
        settings.maxmemory = self.maxmemory.map_or(settings.maxmemory, ByteSize);
        LiveSettings::wanted(&settings)
    }
}

fn peers(world: &World, of: NodeSerial) -> BTreeMap<NodeId, PeerSeen> {
    let knows = |node: &&NodeAllocation| node.serial != of && !world.nodes[&node.serial].gone_from.contains(&of);
    let believes = world.nodes[&of].believes.as_ref().filter(|_| world.desired.nodes.contains_key(&of));
    let own_shard = world.desired.nodes[&of].shard;
    let others = world.desired.nodes.values().filter(knows);
    let peer = |node: &valkyard_model::NodeAllocation| {
        let script = &world.nodes[&node.serial];
        let owner = &world.owners[&node.shard];
        let is_owner = owner.node == node.serial;
        let has_slots = is_owner && !script.is_empty;
        PeerSeen {
            address: world.address(node.serial),
            health: if script.process == Sight::Known || script.engine == Sight::Known {
                PeerHealth::Ok
            } else {
                PeerHealth::Doubtful
            },
            replica_of: (!is_owner).then(|| world.desired.nodes[&owner.node].id.clone()),
            epoch: owner.epoch,
            slots: match believes.filter(|_| node.shard == own_shard) {
                Some(believed) if has_slots => believed.clone(),
                Some(_) | None if has_slots => world.share(node.shard),
                Some(_) | None => SlotSet::default(),
            },
        }
    };
    others.map(|node| (node.id.clone(), peer(node))).collect()
}
