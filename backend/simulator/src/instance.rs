//! Accepted instances to simulate.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;
use valkyard_model::{
    AddressBlock, AdminSecret, ByteSize, Convergence, DesiredInstance, EngineVersion, Generation, ImportSource, InstanceAddress,
    InstanceName, Lifecycle, Member, NodeSerial, Replication, Role, SpecDraft, SpecLimits, Timestamp, Uid, validate,
};

/// An instance of this shape as a client's create request left it: accepted, nothing done.
///
/// # Panics
/// When the shape is outside the product's limits.
#[must_use]
pub fn accepted_instance(shards: i32, replicas: i32) -> DesiredInstance {
    accepted_instance_of("VALKEY_9_1", shards, replicas)
}

/// The same with this version of the engine.
///
/// # Panics
/// When the shape is outside the product's limits, or the version is none.
#[must_use]
pub fn accepted_instance_of(version: &str, shards: i32, replicas: i32) -> DesiredInstance {
    let name: InstanceName = "projects/p/locations/us-central1/instances/cache".parse().expect("a valid name");
    let version: EngineVersion = version.parse().expect("a valid version");
    let limits = SpecLimits { engine_versions: vec![version], engine_hint: String::new() };
    let draft = SpecDraft { shard_count: shards, replica_count: Some(replicas), ..SpecDraft::default() };
    DesiredInstance {
        uid: Uid(Uuid::from_u128(42)),
        generation: Generation::FIRST,
        shape_generation: Generation::FIRST,
        convergence: Convergence::Never,
        lifecycle: Lifecycle::Present,
        spec: validate(draft, &name.location, &limits).expect("a valid shape"),
        name,
        settled: None,
        zones_out: BTreeSet::new(),
        losses: Vec::new(),
        maxmemory: ByteSize(64 << 20),
        address: InstanceAddress::own_ip(AddressBlock::FIRST, 0).expect("there is a first"),
        nodes: BTreeMap::new(),
        next_serial: NodeSerial(1),
        secret: AdminSecret::from_random([1; 32]),
        backup: None,
        has_backups: false,
        create_time: Timestamp::UNIX_EPOCH,
        update_time: Timestamp::UNIX_EPOCH,
        replication: Replication::default(),
    }
}

/// An instance of this shape that was accepted as the secondary of one elsewhere.
///
/// # Panics
/// When the shape is outside the product's limits.
#[must_use]
pub fn accepted_secondary(shards: i32, replicas: i32) -> DesiredInstance {
    let mut accepted = accepted_instance(shards, replicas);
    let name: InstanceName = "projects/p/locations/europe-west1/instances/primary".parse().expect("a valid name");
    let primary = Member { name: name.clone(), uid: Uid(Uuid::from_u128(7)) };
    let secondaries = vec![Member { name: accepted.name.clone(), uid: accepted.uid }];
    accepted.replication.role = Role::Secondary { primary, secondaries };
    accepted.spec.import = Some(ImportSource::Primary(name));
    accepted
}

/// An instance of this shape that another one, elsewhere, is to follow as soon as it is complete.
///
/// # Panics
/// When the shape is outside the product's limits.
#[must_use]
pub fn accepted_primary(shards: i32, replicas: i32) -> DesiredInstance {
    let mut accepted = accepted_instance(shards, replicas);
    let name: InstanceName = "projects/p/locations/europe-west1/instances/copy".parse().expect("a valid name");
    accepted.replication.role = Role::Primary { secondaries: vec![Member { name, uid: Uid(Uuid::from_u128(7)) }] };
    accepted
}
