//! A scripted world: lines say what is desired and what is seen; `look` gives both to the planner.
//!
//! Lines:
//! - `instance shards=N replicas=N [single-zone] [creating|converged] [deleting|abandoned] [unallocated] [generation=N]
//!   [shape=N] [persistence=aof|rdb]`,
//!   always the first; a converged one serves with its discovery endpoint open, any other has nothing yet
//! - `NODES WORD…` with nodes as `n1`, `n1,n2` or `all`; the words are those of [`nodes::apply_words`]
//! - `takeover NODE epoch=N [untold]`: the node owns its shard's slots; untold: only it knows
//! - `discovery closed|unknown|open [NODE…]`
//! - `fault STEP [NODE] KIND attempts=N ago=MS detail=TEXT`, `no faults`
//! - the lines of a change, see [`change`], and of backups and first data, see [`data`]
//! - `generation N`, `deleting`, `wait MS`, `daemon restarted`: it looks for the first time

mod change;
mod data;
pub(crate) mod nodes;

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use uuid::Uuid;
use valkyard_model::{
    AddressBlock, AdminSecret, AppendFsync, BackupRun, ByteSize, ConfigEpoch, Convergence, DesiredInstance, DiscoverySeen,
    Failure, FailureCode, Fault, FaultKind, Generation, ImportRun, InitialRole, InstanceAddress, Lifecycle, LocationId,
    MigrationSeen, NodeSerial, Observation, Persistence, Seen, Settled, ShardIndex, SlotSet, SnapshotPeriod, SnapshotSchedule,
    SpecDraft, SpecLimits, Step, StepKind, Timestamp, Uid, Zone, ZoneDraft, even_shares, validate,
};
use valkyard_planner::plan;

use nodes::NodeScript;

/// Who owns a shard's slots.
#[derive(Clone, Debug)]
pub(crate) struct Ownership {
    pub(crate) node: NodeSerial,
    pub(crate) epoch: ConfigEpoch,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) desired: DesiredInstance,
    pub(crate) now: Timestamp,
    pub(crate) first_look: Timestamp,
    pub(crate) nodes: BTreeMap<NodeSerial, NodeScript>,
    /// What everybody knows.
    pub(crate) owners: BTreeMap<ShardIndex, Ownership>,
    /// What each shard owns.
    pub(crate) slots: BTreeMap<ShardIndex, SlotSet>,
    pub(crate) migrations: Vec<(NodeSerial, MigrationSeen)>,
    handovers: BTreeMap<ShardIndex, NodeSerial>,
    /// What only the new owner itself knows.
    pub(crate) untold: BTreeMap<ShardIndex, Ownership>,
    discovery: Seen<DiscoverySeen>,
    pub(crate) backup: Option<BackupRun>,
    pub(crate) import: Option<ImportRun>,
    faults: Vec<Fault>,
}

/// An accepted instance of this shape, nothing allocated.
pub(crate) fn instance(shards: i32, replicas: i32, zones: ZoneDraft) -> DesiredInstance {
    let location: LocationId = "us-central1".parse().expect("valid");
    let version = "VALKEY_9_1".parse().expect("valid");
    let limits = SpecLimits { engine_versions: vec![version], engine_hint: String::new() };
    let draft = SpecDraft { shard_count: shards, replica_count: Some(replicas), zones, ..SpecDraft::default() };
    DesiredInstance {
        name: "projects/p/locations/us-central1/instances/cache".parse().expect("valid"),
        uid: Uid(Uuid::from_u128(7)),
        generation: Generation::FIRST,
        shape_generation: Generation::FIRST,
        convergence: Convergence::Never,
        lifecycle: Lifecycle::Present,
        spec: validate(draft, &location, &limits).expect("a valid spec"),
        settled: None,
        zones_out: BTreeSet::new(),
        losses: Vec::new(),
        maxmemory: ByteSize(64 << 20),
        address: InstanceAddress::own_ip(AddressBlock::FIRST, 0).expect("there is a first"),
        nodes: BTreeMap::new(),
        next_serial: NodeSerial(1),
        secret: AdminSecret::from_random([7; 32]),
        backup: None,
        has_backups: false,
        create_time: Timestamp::UNIX_EPOCH,
        update_time: Timestamp::UNIX_EPOCH,
        replication: valkyard_model::Replication::default(),
    }
}

/// Lets the planner allocate nodes and carries that out.
pub(crate) fn allocate(desired: &mut DesiredInstance) {
    let now = desired.create_time;
    let (nodes, faults) = (BTreeMap::new(), Vec::new());
    let (discovery, handovers) = (Seen::Absent, BTreeMap::new());
    let nothing = Observation {
        at: now,
        first_look: now,
        nodes,
        discovery,
        handovers,
        backup: None,
        import: None,
        faults,
        replication: valkyard_model::ReplicationSeen::default(),
    };
    for step in plan(desired, &nothing, desired.create_time).steps {
        if let Step::AllocateNodes { nodes } = step {
            for node in nodes {
                desired.next_serial = NodeSerial(node.serial.0 + 1);
                desired.nodes.insert(node.serial, node);
            }
        }
    }
}

/// The value of `key=value` among words.
pub(crate) fn option<'w>(words: &[&'w str], key: &str) -> Option<&'w str> {
    words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

pub(crate) fn number<T: std::str::FromStr>(words: &[&str], key: &str) -> Result<Option<T>, String> {
    option(words, key).map(|text| text.parse().map_err(|_| format!("{key}={text} is not a number"))).transpose()
}

pub(crate) fn parse_node(word: &str) -> Result<NodeSerial, String> {
    let digits = word.strip_prefix('n').and_then(|digits| digits.parse().ok());
    digits.map(NodeSerial).ok_or_else(|| format!("{word:?} is not a node"))
}

impl World {
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.first() != Some(&"instance") {
            return Err("a script starts with an instance".to_owned());
        }
        let has = |word: &str| words.contains(&word);
        let zone = Zone::all_of(&"us-central1".parse().expect("valid"))[0].to_string();
        let zones = if has("single-zone") { ZoneDraft::SingleZone { zone } } else { ZoneDraft::MultiZone };
        let shards = number(&words, "shards")?.unwrap_or(1);
        let mut desired = instance(shards, number(&words, "replicas")?.unwrap_or(0), zones);
        if let Some(version) = option(&words, "version") {
            desired.spec.engine_version = version.parse().map_err(|_| format!("{version} is not a version"))?;
        }
        desired.spec.persistence = parse_persistence(option(&words, "persistence").unwrap_or("none"))?;
        if !has("unallocated") {
            allocate(&mut desired);
        }
        if has("deleting") {
            desired.lifecycle = Lifecycle::Deleting;
        }
        if has("abandoned") {
            let failure = Failure { code: FailureCode::Internal, message: "of old".to_owned() };
            desired.lifecycle = Lifecycle::Abandoned { failure };
        }
        desired.generation = Generation(number(&words, "generation")?.unwrap_or(1));
        desired.shape_generation = Generation(number(&words, "shape")?.unwrap_or(1));
        let mut world = Self {
            now: desired.create_time,
            first_look: desired.create_time,
            nodes: desired.nodes.keys().map(|serial| (*serial, NodeScript::default())).collect(),
            owners: first_owners(&desired),
            slots: BTreeMap::new(),
            migrations: Vec::new(),
            handovers: BTreeMap::new(),
            untold: BTreeMap::new(),
            discovery: Seen::Absent,
            backup: None,
            import: None,
            faults: Vec::new(),
            desired,
        };
        let shares = (0..).map(ShardIndex).zip(even_shares(world.desired.spec.shard_count));
        world.slots = shares.map(|(shard, share)| (shard, [share].into_iter().collect())).collect();
        if has("converged") {
            world.desired.convergence = Convergence::At { generation: Generation::FIRST };
            let (spec, maxmemory) = (world.desired.spec.clone(), world.desired.maxmemory);
            world.desired.settled = Some(Settled { spec, maxmemory });
            world.now += TimeDelta::hours(1);
            world.apply("all serving")?;
            world.apply("discovery open")?;
        }
        Ok(world)
    }

    pub(crate) fn apply(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["takeover", node, rest @ ..] => self.take_over(parse_node(node)?, rest),
            ["discovery", "closed"] => self.see_discovery(Seen::Absent),
            ["discovery", "unknown"] => self.see_discovery(Seen::Unknown),
            ["discovery", "open"] => {
                let backends = self.best_backends();
                self.see_discovery(Seen::Known(DiscoverySeen { backends }))
            }
            ["discovery", "open", nodes @ ..] => {
                let serials: Vec<NodeSerial> = nodes.iter().map(|node| parse_node(node)).collect::<Result<_, _>>()?;
                let backends = serials.into_iter().map(|serial| self.address(serial)).collect();
                self.see_discovery(Seen::Known(DiscoverySeen { backends }))
            }
            ["no", "faults"] => {
                self.faults.clear();
                Ok(())
            }
            ["fault", step, rest @ ..] => self.add_fault(step, rest, line),
            ["generation", text] => {
                self.desired.generation = Generation(text.parse().map_err(|_| "not a generation".to_owned())?);
                Ok(())
            }
            ["daemon", "restarted"] => {
                self.first_look = self.now;
                Ok(())
            }
            ["backup" | "import" | "placed", ..] => self.move_data(&words),
            ["update" | "do" | "slots" | "migrating" | "handover" | "zone-out", ..] => self.change(&words),
            ["deleting"] => {
                self.desired.lifecycle = Lifecycle::Deleting;
                self.desired.update_time = self.now;
                Ok(())
            }
            ["wait", text] => {
                self.now += TimeDelta::milliseconds(text.parse().map_err(|_| "not milliseconds".to_owned())?);
                Ok(())
            }
            [nodes, rest @ ..] => self.apply_to_nodes(nodes, rest, line),
            [] => Ok(()),
        }
    }

    /// What the planner is given.
    pub(crate) fn look(&self) -> (DesiredInstance, Observation) {
        let nodes = self.nodes.iter().filter_map(|(serial, node)| Some((*serial, node.seen(self, *serial)?))).collect();
        let (discovery, faults) = (self.discovery.clone(), self.faults.clone());
        let handovers = self.handovers.clone();
        let (backup, import) = (self.backup.clone(), self.import.clone());
        let (at, first_look) = (self.now, self.first_look);
        let observed = Observation {
            at,
            first_look,
            nodes,
            discovery,
            handovers,
            backup,
            import,
            faults,
            replication: valkyard_model::ReplicationSeen::default(),
        };
        (self.desired.clone(), observed)
    }

    pub(crate) fn share(&self, shard: ShardIndex) -> SlotSet {
        self.slots.get(&shard).cloned().unwrap_or_default()
    }

    pub(crate) fn address(&self, serial: NodeSerial) -> std::net::SocketAddrV4 {
        std::net::SocketAddrV4::new(self.desired.address.ip, self.desired.nodes[&serial].port.0)
    }

    fn best_backends(&self) -> Vec<std::net::SocketAddrV4> {
        let is_owner = |serial: &NodeSerial| self.owners.values().any(|owner| owner.node == *serial);
        let mut serials: Vec<NodeSerial> = self.desired.nodes.keys().copied().collect();
        serials.sort_by_key(|serial| (!is_owner(serial), *serial));
        serials.into_iter().map(|serial| self.address(serial)).collect()
    }

    fn see_discovery(&mut self, seen: Seen<DiscoverySeen>) -> Result<(), String> {
        self.discovery = seen;
        Ok(())
    }

    fn take_over(&mut self, node: NodeSerial, words: &[&str]) -> Result<(), String> {
        let shard = self.desired.nodes.get(&node).ok_or("no such node")?.shard;
        let epoch = ConfigEpoch(number(words, "epoch")?.ok_or("takeover needs an epoch")?);
        let owners = if words.contains(&"untold") { &mut self.untold } else { &mut self.owners };
        owners.insert(shard, Ownership { node, epoch });
        Ok(())
    }

    fn add_fault(&mut self, step: &str, words: &[&str], line: &str) -> Result<(), String> {
        let step = parse_step(step)?;
        let node = words.first().and_then(|word| parse_node(word).ok());
        let kinds = [
            ("disk-full", FaultKind::DiskFull),
            ("permission-denied", FaultKind::PermissionDenied),
            ("address-in-use", FaultKind::AddressInUse),
            ("engine-missing", FaultKind::EngineMissing),
            ("transient", FaultKind::Transient),
        ];
        let kind = kinds.iter().find(|(name, _)| words.contains(name)).ok_or("a fault needs a kind")?.1;
        let attempts = number(words, "attempts")?.unwrap_or(1);
        let ago = TimeDelta::milliseconds(number(words, "ago")?.unwrap_or(0));
        let detail = line.split_once("detail=").map_or("it broke", |(_, text)| text).to_owned();
        self.faults.retain(|fault| (fault.step, fault.node) != (step, node));
        self.faults.push(Fault { step, node, kind, detail, attempts, last: self.now - ago });
        Ok(())
    }

    fn apply_to_nodes(&mut self, nodes: &str, words: &[&str], line: &str) -> Result<(), String> {
        let serials: Vec<NodeSerial> = match nodes {
            "all" => self.nodes.keys().copied().collect(),
            list => list.split(',').map(parse_node).collect::<Result<_, _>>()?,
        };
        for serial in serials {
            let now = self.now;
            let node = self.nodes.get_mut(&serial).ok_or_else(|| format!("{serial} is not allocated"))?;
            nodes::apply_words(node, words, line, now)?;
        }
        Ok(())
    }
}

fn first_owners(desired: &DesiredInstance) -> BTreeMap<ShardIndex, Ownership> {
    let primaries = desired.nodes.values().filter(|node| node.initial_role == InitialRole::Primary);
    primaries.map(|node| (node.shard, Ownership { node: node.serial, epoch: ConfigEpoch(u64::from(node.shard.0) + 1) })).collect()
}

/// Snapshots are due at whole hours after the creation.
pub(crate) fn parse_persistence(word: &str) -> Result<Persistence, String> {
    let schedule = SnapshotSchedule { period: SnapshotPeriod::OneHour, start: Timestamp::UNIX_EPOCH };
    match word {
        "none" => Ok(Persistence::Disabled),
        "rdb" => Ok(Persistence::Rdb(schedule)),
        "aof" => Ok(Persistence::Aof { fsync: AppendFsync::EverySec }),
        other => Err(format!("{other:?} is not a persistence")),
    }
}

fn parse_step(word: &str) -> Result<StepKind, String> {
    let kinds = [
        StepKind::AllocateNodes,
        StepKind::PrepareNode,
        StepKind::StartProcess,
        StepKind::StopProcess,
        StepKind::ShutDownEngine,
        StepKind::RemoveFiles,
        StepKind::TakeOver,
        StepKind::Replicate,
        StepKind::Meet,
        StepKind::OpenDiscovery,
        StepKind::CloseDiscovery,
        StepKind::RecordConverged,
        StepKind::AbandonCreate,
        StepKind::RemoveInstance,
        StepKind::SaveSnapshot,
    ];
    let found = kinds.into_iter().find(|kind| kind.to_string().replace(' ', "-") == word);
    found.ok_or_else(|| format!("{word:?} is not a step"))
}
