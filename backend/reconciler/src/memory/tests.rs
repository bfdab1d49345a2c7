//! What is remembered, and when it is forgotten.

use chrono::TimeDelta;
use valkyard_model::{
    BinaryVersion, ByteSize, ConfigEpoch, DataSeen, EngineSeen, EngineVersion, FaultKind, FilesSeen, InitialRole, LinkState,
    LiveSettings, LocationId, MigrationSeen, MoveTarget, NodeHistory, NodeKind, NodeType, PersistenceSeen, Pid, Port,
    ProcessSeen, ProcessState, Seen, SlotRange, SlotSet, Standing, Zone,
};

use super::*;

const NODE: NodeSerial = NodeSerial(1);

fn uid(last: char) -> Uid {
    Uid(format!("00000000-0000-0000-0000-00000000000{last}").parse().expect("a uuid"))
}

fn look(at: Timestamp, node: NodeObservation) -> Observation {
    Observation {
        at,
        first_look: at,
        nodes: [(NODE, node)].into(),
        discovery: Seen::Absent,
        handovers: [].into(),
        backup: None,
        import: None,
        faults: Vec::new(),
        replication: valkyard_model::ReplicationSeen::default(),
    }
}

fn node(files: Seen<FilesSeen>, process: Seen<ProcessSeen>) -> NodeObservation {
    NodeObservation { files, process, engine: Seen::Absent, history: NodeHistory::default() }
}

fn dead() -> NodeObservation {
    node(Seen::Known(FilesSeen::default()), Seen::Absent)
}

fn folderless() -> NodeObservation {
    NodeObservation { engine: Seen::Unknown, ..node(Seen::Absent, Seen::Absent) }
}

fn engine_version() -> EngineVersion {
    "VALKEY_9_1".parse().expect("valid")
}

fn id() -> NodeId {
    NodeId::derive(uid('1'), NODE)
}

fn members() -> Members {
    let location: LocationId = "us-central1".parse().expect("a region");
    let [zone, ..] = Zone::all_of(&location);
    let allocation = NodeAllocation {
        serial: NODE,
        id: id(),
        shard: ShardIndex(0),
        initial_role: InitialRole::Primary,
        zone,
        port: Port(11_000),
        bus_port: Port(21_000),
        kind: NodeKind { node_type: NodeType::SharedCoreNano, engine_version: engine_version() },
        standing: Standing::Member,
    };
    [(NODE, allocation)].into()
}

fn process() -> Seen<ProcessSeen> {
    Seen::Known(ProcessSeen { pid: Pid(7), state: ProcessState::Running })
}

fn silent() -> NodeObservation {
    NodeObservation { engine: Seen::Unknown, ..node(Seen::Known(FilesSeen::default()), process()) }
}

fn answering(role: RoleSeen) -> NodeObservation {
    let version: BinaryVersion = "9.1.2".parse().expect("valid");
    let engine = EngineSeen {
        id: id(),
        version,
        role,
        cluster_ok: true,
        loading: false,
        epoch: ConfigEpoch(1),
        current_epoch: ConfigEpoch(1),
        slots: SlotSet::default(),
        replication_offset: 0,
        history: valkyard_model::HistoryNames::default(),
        keys: 0,
        data: ByteSize(0),
        libraries: 0,
        settings: LiveSettings::default(),
        persistence: PersistenceSeen::default(),
        migrations: Vec::new(),
        open_slots: [].into(),
        peers: [].into(),
        part: valkyard_model::PartSeen::default(),
    };
    NodeObservation { engine: Seen::Known(engine), ..silent() }
}

fn after(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn completed(memory: &mut Memory, mut observation: Observation) -> Observation {
    memory.complete(&members(), &mut observation);
    observation
}

fn history(memory: &mut Memory, at: Timestamp, node: NodeObservation) -> NodeHistory {
    completed(memory, look(at, node)).nodes.remove(&NODE).expect("is looked at").history
}

fn is_at_rest(memory: &mut Memory, node: NodeObservation) -> bool {
    completed(memory, look(Timestamp::UNIX_EPOCH, node)).nodes[&NODE].history.is_at_rest
}

#[test]
fn another_incarnation_is_met_without_memories() {
    let begin = Timestamp::UNIX_EPOCH;
    let later = begin + TimeDelta::hours(1);
    let mut memory = Memory::default();
    memory.belong_to(uid('1'));
    completed(&mut memory, look(begin, dead()));
    let failed = StepError { kind: FaultKind::Transient, source: "it happens".into() };
    memory.end(&Step::CloseDiscovery, Err(failed), begin);

    memory.belong_to(uid('1'));
    let same = completed(&mut memory, look(later, dead()));
    assert_eq!((same.first_look, same.faults.len()), (begin, 1));

    memory.belong_to(uid('2'));
    let other = completed(&mut memory, look(later, folderless()));
    assert_eq!((other.first_look, other.faults.len()), (later, 0));
    assert!(!other.nodes[&NODE].history.is_at_rest, "what is known of a node of the same number was kept");
}

#[test]
fn a_node_is_at_rest_from_the_end_of_its_process_until_it_is_started() {
    let version = engine_version();
    let mut memory = Memory::default();
    assert!(!is_at_rest(&mut memory, folderless()), "nothing is known of it");
    assert!(is_at_rest(&mut memory, dead()));
    assert!(is_at_rest(&mut memory, folderless()));
    memory.begin(&Step::StartProcess { node: NODE, engine: version, seed: None, load: None }, Timestamp::UNIX_EPOCH);
    assert!(!is_at_rest(&mut memory, folderless()));
    assert!(is_at_rest(&mut memory, dead()));
    assert!(!is_at_rest(&mut memory, node(Seen::Known(FilesSeen::default()), process())));
    assert!(!is_at_rest(&mut memory, folderless()));
}

#[test]
fn a_start_that_failed_counts_as_a_fault_and_not_as_a_start() {
    let now = Timestamp::UNIX_EPOCH;
    let start = Step::StartProcess { node: NODE, engine: "VALKEY_9_1".parse().expect("valid"), seed: None, load: None };
    let mut memory = Memory::default();
    memory.begin(&start, now);
    memory.end(&start, Ok(()), now);
    memory.begin(&start, now);
    memory.end(&start, Err(StepError { kind: FaultKind::Transient, source: "it happens".into() }), now);
    let seen = completed(&mut memory, look(now, dead()));
    assert_eq!((seen.nodes[&NODE].history.starts, seen.faults.len()), (1, 1));
}

#[test]
fn silence_lasts_from_the_first_look_without_an_answer_until_an_answer_or_the_end() {
    let mut memory = Memory::default();
    let mut silent_since = |seconds, node| history(&mut memory, after(seconds), node).silent_since;
    assert_eq!(silent_since(0, answering(RoleSeen::Primary)), None);
    assert_eq!(silent_since(1, silent()), Some(after(1)));
    assert_eq!(silent_since(2, silent()), Some(after(1)));
    assert_eq!(silent_since(3, answering(RoleSeen::Primary)), None);
    assert_eq!(silent_since(4, silent()), Some(after(4)));
    assert_eq!(silent_since(5, dead()), None);
    assert_eq!(silent_since(6, silent()), Some(after(6)));
}

#[test]
fn failovers_and_who_was_forgotten_are_remembered_by_node() {
    let mut memory = Memory::default();
    memory.begin(&Step::FailOver { node: NODE }, after(1));
    memory.begin(&Step::Forget { node: NodeSerial(9), peers: vec![id()] }, after(2));
    let told = history(&mut memory, after(3), dead());
    assert_eq!((told.last_failover, told.forgotten_since), (Some(after(1)), Some(after(2))));
}

#[test]
fn what_is_known_of_a_node_that_has_left_is_forgotten() {
    let mut memory = Memory::default();
    memory.begin(&Step::FailOver { node: NODE }, after(1));
    memory.begin(&Step::Forget { node: NodeSerial(9), peers: vec![id()] }, after(1));
    let start = Step::StartProcess { node: NODE, engine: engine_version(), seed: None, load: None };
    memory.begin(&start, after(1));
    let failed = StepError { kind: FaultKind::Transient, source: "it happens".into() };
    memory.end(&Step::RemoveFiles { node: NODE }, Err(failed), after(1));
    history(&mut memory, after(2), silent());

    let mut without = Observation { nodes: [].into(), ..look(after(3), dead()) };
    memory.complete(&Members::new(), &mut without);
    assert_eq!(without.faults, []);
    let told = completed(&mut memory, look(after(4), silent())).nodes.remove(&NODE).expect("is looked at").history;
    assert_eq!(told, NodeHistory { silent_since: Some(after(4)), ..NodeHistory::default() });
}

#[test]
fn a_wish_for_another_primary_lasts_until_it_leads_no_more_or_for_a_minute() {
    let replica = RoleSeen::Replica { of: id(), link: LinkState::Up };
    let wished = |node: NodeObservation, seconds| {
        let mut memory = Memory::default();
        memory.wish_handover(ShardIndex(0), NODE, after(0));
        completed(&mut memory, look(after(seconds), node)).handovers.get(&ShardIndex(0)).copied()
    };
    assert_eq!(wished(answering(RoleSeen::Primary), 59), Some(NODE));
    assert_eq!(wished(answering(RoleSeen::Primary), 60), None);
    assert_eq!(wished(silent(), 1), Some(NODE), "nobody knows yet");
    assert_eq!(wished(answering(replica), 1), None);
    assert_eq!(wished(dead(), 1), None);

    let mut memory = Memory::default();
    memory.wish_handover(ShardIndex(0), NODE, after(0));
    completed(&mut memory, look(after(1), dead()));
    let later = completed(&mut memory, look(after(2), answering(RoleSeen::Primary)));
    assert_eq!(later.handovers, [].into(), "a wish that was dropped came back");
}

#[test]
fn a_migration_that_failed_after_it_was_accepted_is_a_fault_until_one_succeeds() {
    let peer = NodeId::derive(uid('2'), NODE);
    let told = |state: MigrationState, seconds| {
        let mut node = answering(RoleSeen::Primary);
        let Seen::Known(engine) = &mut node.engine else { unreachable!("answers") };
        engine.migrations = vec![MigrationSeen {
            direction: MigrationDirection::Export,
            peer: peer.clone(),
            slots: SlotRange::new(0, 9).into_iter().collect(),
            state,
            message: "the target went away".to_owned(),
            updated: after(seconds),
        }];
        node
    };
    let step = Step::MoveSlots {
        node: NODE,
        target: MoveTarget { id: peer.clone(), address: "127.0.0.1:1".parse().expect("an address") },
        slots: SlotSet::all(),
        way: MoveWay::Atomic,
    };
    let mut memory = Memory::default();
    let mut attempts = |state, seconds, at| {
        let faults = completed(&mut memory, look(after(at), told(state, seconds))).faults;
        memory.end(&step, Ok(()), after(at));
        faults.first().map(|fault| (fault.attempts, fault.last, fault.detail.clone()))
    };
    let detail = "the engine ended the migration of slots 0-9: the target went away".to_owned();
    assert_eq!(attempts(MigrationState::Running, 1, 1), None);
    assert_eq!(attempts(MigrationState::Failed, 2, 2), Some((1, after(2), detail.clone())));
    assert_eq!(attempts(MigrationState::Failed, 2, 3), Some((1, after(2), detail.clone())), "the same end was counted twice");
    assert_eq!(attempts(MigrationState::Failed, 5, 6), Some((2, after(5), detail)));
    assert_eq!(attempts(MigrationState::Succeeded, 7, 8), None);
}

#[test]
fn snapshots_count_until_one_is_written_that_is_newer_than_its_beginning() {
    let mut memory = Memory::default();
    let begun = after(10);
    let with =
        |snapshot| node(Seen::Known(FilesSeen { data: DataSeen { log: None, snapshot }, memory: None, import: None }), process());
    for _ in 0..2 {
        memory.begin(&Step::SaveSnapshot { node: NODE }, begun);
    }
    let mut saves = |snapshot| history(&mut memory, after(11), with(snapshot)).saves;
    assert_eq!((saves(None), saves(Some(after(9)))), (2, 2));
    assert_eq!((saves(Some(begun)), saves(Some(after(9)))), (0, 0));
}
