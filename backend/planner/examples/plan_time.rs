//! Prints how long one plan takes, for the largest instance there is: `converged_us mid_us`, medians over many calls.
//!
//! The first is for 250 nodes that are as they should be, the second for as many in the middle of a change to 300.

#![expect(clippy::disallowed_methods, reason = "the ban on clocks is for the planner; this measures it")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::net::SocketAddrV4;
use std::time::Instant;

use uuid::Uuid;
use valkyard_model::{
    AddressBlock, AdminSecret, BinaryVersion, ByteSize, ConfigEpoch, Convergence, DesiredInstance, DiscoverySeen, EngineSeen,
    FilesSeen, Generation, InitialRole, InstanceAddress, Lifecycle, LinkState, LiveSettings, LocationId, NodeAllocation,
    NodeHistory, NodeId, NodeObservation, NodeSerial, Observation, PeerHealth, PeerSeen, PersistenceSeen, Pid, ProcessSeen,
    ProcessState, RoleSeen, Seen, Settled, SlotSet, SpecDraft, SpecLimits, Step, Timestamp, Uid, even_shares, validate,
};
use valkyard_planner::{node_settings, plan};

const CALLS: usize = 101;

fn main() {
    let now = Timestamp::UNIX_EPOCH;
    let desired = largest(now);
    let observed = serving(&desired, now);
    let converged = median_micros(&desired, &observed, now);
    let mut changing = desired;
    changing.spec.shard_count = 100;
    changing.spec.replica_count = 2;
    changing.generation = Generation(2);
    changing.shape_generation = Generation(2);
    let mid = median_micros(&changing, &observed, now);
    println!("{converged} {mid}");
}

fn median_micros(desired: &DesiredInstance, observed: &Observation, now: Timestamp) -> u128 {
    let mut times: Vec<u128> = (0..CALLS)
        .map(|_| {
            let begin = Instant::now();
            black_box(plan(black_box(desired), black_box(observed), now));
            begin.elapsed().as_micros()
        })
        .collect();
    times.sort_unstable();
    times[CALLS / 2]
}

fn largest(now: Timestamp) -> DesiredInstance {
    let location: LocationId = "us-central1".parse().expect("valid");
    let limits = SpecLimits { engine_versions: vec!["VALKEY_9_1".parse().expect("valid")], engine_hint: String::new() };
    let draft = SpecDraft { shard_count: 125, replica_count: Some(1), ..SpecDraft::default() };
    let spec = validate(draft, &location, &limits).expect("a valid spec");
    let maxmemory = ByteSize(64 << 20);
    let mut desired = DesiredInstance {
        name: "projects/p/locations/us-central1/instances/large".parse().expect("valid"),
        uid: Uid(Uuid::from_u128(7)),
        generation: Generation::FIRST,
        shape_generation: Generation::FIRST,
        convergence: Convergence::Never,
        lifecycle: Lifecycle::Present,
        spec,
        settled: None,
        maxmemory,
        address: InstanceAddress::own_ip(AddressBlock::FIRST, 0).expect("there is a first"),
        nodes: BTreeMap::new(),
        next_serial: NodeSerial(1),
        secret: AdminSecret::from_random([7; 32]),
        zones_out: [].into(),
        losses: Vec::new(),
        backup: None,
        has_backups: false,
        create_time: now,
        update_time: now,
        replication: valkyard_model::Replication::default(),
    };
    let nothing = observation(BTreeMap::new(), Seen::Absent, now);
    for step in plan(&desired, &nothing, now).steps {
        if let Step::AllocateNodes { nodes } = step {
            desired.nodes.extend(nodes.into_iter().map(|node| (node.serial, node)));
        }
    }
    desired.next_serial = NodeSerial(251);
    desired.convergence = Convergence::At { generation: Generation::FIRST };
    desired.settled = Some(Settled { spec: desired.spec.clone(), maxmemory });
    desired
}

fn observation(nodes: BTreeMap<NodeSerial, NodeObservation>, discovery: Seen<DiscoverySeen>, at: Timestamp) -> Observation {
    Observation {
        at,
        first_look: at,
        nodes,
        discovery,
        handovers: BTreeMap::new(),
        backup: None,
        import: None,
        faults: Vec::new(),
        replication: valkyard_model::ReplicationSeen::default(),
    }
}

fn serving(desired: &DesiredInstance, now: Timestamp) -> Observation {
    let primaries: BTreeMap<_, _> = desired
        .nodes
        .values()
        .filter(|node| node.initial_role == InitialRole::Primary)
        .map(|node| (node.shard, node.id.clone()))
        .collect();
    let shares = even_shares(desired.spec.shard_count);
    let slots = |node: &NodeAllocation| -> SlotSet {
        let owned = (primaries[&node.shard] == node.id).then(|| shares[usize::from(node.shard.0)]);
        owned.into_iter().collect()
    };
    let address = |node: &NodeAllocation| SocketAddrV4::new(desired.address.ip, node.port.0);
    let peer = |node: &NodeAllocation| PeerSeen {
        address: address(node),
        health: PeerHealth::Ok,
        replica_of: (primaries[&node.shard] != node.id).then(|| primaries[&node.shard].clone()),
        epoch: ConfigEpoch(u64::from(node.shard.0) + 1),
        slots: slots(node),
    };
    let peers: BTreeMap<NodeId, PeerSeen> = desired.nodes.values().map(|node| (node.id.clone(), peer(node))).collect();
    let engine = |node: &NodeAllocation| EngineSeen {
        id: node.id.clone(),
        version: BinaryVersion { major: 9, minor: 1, patch: 2 },
        role: match peers[&node.id].replica_of.clone() {
            None => RoleSeen::Primary,
            Some(of) => RoleSeen::Replica { of, link: LinkState::Up },
        },
        cluster_ok: true,
        loading: false,
        epoch: ConfigEpoch(u64::from(node.shard.0) + 1),
        current_epoch: ConfigEpoch(125),
        slots: slots(node),
        replication_offset: 1,
        history: valkyard_model::HistoryNames::default(),
        keys: 0,
        data: ByteSize(0),
        libraries: 0,
        settings: LiveSettings::wanted(&node_settings(desired, node)),
        persistence: PersistenceSeen::default(),
        migrations: Vec::new(),
        open_slots: BTreeMap::new(),
        peers: peers.iter().filter(|(id, _)| **id != node.id).map(|(id, peer)| (id.clone(), peer.clone())).collect(),
        part: valkyard_model::PartSeen::default(),
    };
    let node_seen = |node: &NodeAllocation| NodeObservation {
        files: Seen::Known(FilesSeen::default()),
        process: Seen::Known(ProcessSeen { pid: Pid(1), state: ProcessState::Running }),
        engine: Seen::Known(engine(node)),
        history: NodeHistory::default(),
    };
    let nodes = desired.nodes.values().map(|node| (node.serial, node_seen(node))).collect();
    let mut primaries_first: Vec<&NodeAllocation> = desired.nodes.values().collect();
    primaries_first.sort_by_key(|node| (node.initial_role != InitialRole::Primary, node.serial));
    let backends = primaries_first.into_iter().map(address).collect();
    observation(nodes, Seen::Known(DiscoverySeen { backends }), now)
}
