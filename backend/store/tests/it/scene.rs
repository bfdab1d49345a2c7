//! A store and short ways to say what is done to it.

use chrono::{DateTime, TimeDelta};
use uuid::Uuid;
use valkyard_model::{
    AdminSecret, ByteSize, DesiredInstance, Failure, FailureCode, Generation, InitialRole, InstanceAddress, InstanceName,
    InstanceSpec, NodeAllocation, NodeId, NodeSerial, Operation, OperationId, OperationState, Port, RequestId, Role, ShardIndex,
    SpecDraft, SpecLimits, Standing, Timestamp, Uid, Zone, validate,
};
use valkyard_store::{
    AddressPlan, CreateError, CreateInstance, DeleteError, DeleteInstance, InstanceOrder, RequestKey, RoleChange, Scope, Store,
    StoreLocation, UpdateError, UpdateInstance,
};

pub(crate) struct Scene {
    pub(crate) store: Store,
    drawn: std::sync::atomic::AtomicU32,
}

/// No other program has this address.
pub(crate) fn all_free(_address: &InstanceAddress) -> bool {
    true
}

/// Noon of a day, plus seconds.
pub(crate) fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(1_800_000_000, 123_456_789).expect("a valid time") + TimeDelta::seconds(seconds)
}

pub(crate) fn named(id: &str) -> InstanceName {
    format!("projects/p/locations/us-central1/instances/{id}").parse().expect("a valid name")
}

pub(crate) fn spec(shards: i32) -> InstanceSpec {
    let draft = SpecDraft { shard_count: shards, ..SpecDraft::default() };
    let limits = SpecLimits { engine_versions: vec!["VALKEY_9_1".parse().expect("a version")], engine_hint: String::new() };
    validate(draft, &"us-central1".parse().expect("a region"), &limits).expect("a valid spec")
}

pub(crate) fn protected() -> InstanceSpec {
    InstanceSpec { deletion_protection: true, ..spec(1) }
}

pub(crate) fn key(number: u128, digest: &str) -> RequestKey {
    RequestKey { id: RequestId(Uuid::from_u128(number)), digest: digest.to_owned() }
}

pub(crate) fn failure(code: FailureCode) -> Failure {
    Failure { code, message: "because".to_owned() }
}

pub(crate) fn node(uid: Uid, serial: u32) -> NodeAllocation {
    let port = |base: u32| Port(u16::try_from(base + serial).expect("a small serial"));
    let serial = NodeSerial(serial);
    NodeAllocation {
        serial,
        id: NodeId::derive(uid, serial),
        shard: ShardIndex(0),
        initial_role: InitialRole::Primary,
        zone: Zone::all_of(&"us-central1".parse().expect("a region"))[0].clone(),
        port: port(11_000),
        bus_port: port(21_000),
        kind: spec(1).kind(),
        standing: Standing::Member,
    }
}

/// The instance that an operation works on.
pub(crate) fn instance_of(operation: &Operation) -> &InstanceName {
    operation.target.instance().expect("it is one on an instance")
}

pub(crate) fn failed_with(operation: &Operation) -> Option<FailureCode> {
    match &operation.state {
        OperationState::Running | OperationState::Succeeded { .. } => None,
        OperationState::Failed { failure, .. } => Some(failure.code),
    }
}

impl Scene {
    pub(crate) fn in_memory() -> Self {
        Self::over(Store::open(StoreLocation::Memory).expect("memory opens").0)
    }

    pub(crate) fn over(store: Store) -> Self {
        Self::drawing_from(store, 0)
    }

    /// A scene whose ids differ from those that an earlier one on the same file drew.
    pub(crate) fn drawing_from(store: Store, first: u32) -> Self {
        Self { store, drawn: std::sync::atomic::AtomicU32::new(first) }
    }

    pub(crate) fn draw(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.drawn.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) + 1)
    }

    pub(crate) fn creation(&self, id: &str, now: Timestamp) -> CreateInstance {
        CreateInstance {
            name: named(id),
            uid: Uid(self.draw()),
            spec: spec(3),
            maxmemory: ByteSize(64 << 20),
            secret: AdminSecret::from_random([7; 32]),
            address_plan: AddressPlan::OwnIp { block: valkyard_model::AddressBlock::FIRST },
            operation_id: OperationId::new(now, self.draw()),
            request: None,
            at: now,
            now,
            follow: None,
        }
    }

    pub(crate) async fn create(&self, id: &str, now: Timestamp) -> Operation {
        self.store.create_instance(self.creation(id, now), all_free).await.expect("is accepted")
    }

    pub(crate) async fn try_create(&self, id: &str, request: RequestKey, now: Timestamp) -> Result<Operation, CreateError> {
        self.store.create_instance(CreateInstance { request: Some(request), ..self.creation(id, now) }, all_free).await
    }

    pub(crate) async fn created(&self, id: &str, now: Timestamp) -> DesiredInstance {
        let operation = self.create(id, now).await;
        self.converge(&operation, now).await;
        self.instance(id).await
    }

    pub(crate) async fn converge(&self, operation: &Operation, now: Timestamp) {
        let (name, uid) = (instance_of(operation), operation.target_uid);
        self.store.record_converged(name, uid, operation.generation, now).await.expect("is recorded");
    }

    pub(crate) fn change(&self, id: &str, expected: Generation, spec: InstanceSpec, now: Timestamp) -> UpdateInstance {
        UpdateInstance {
            name: named(id),
            expected_generation: expected,
            expected_role: Role::None,
            spec,
            maxmemory: ByteSize(32 << 20),
            operation_id: OperationId::new(now, self.draw()),
            request: None,
            at: now,
            now,
            roles: RoleChange::None,
        }
    }

    pub(crate) async fn update(&self, id: &str, expected: Generation, now: Timestamp) -> Result<Operation, UpdateError> {
        self.store.update_instance(self.change(id, expected, spec(5), now)).await
    }

    /// An update under way that concerns no node.
    pub(crate) async fn label(&self, id: &str, now: Timestamp) -> Operation {
        let before = self.instance(id).await;
        let labelled = InstanceSpec { labels: [("team".to_owned(), "a".to_owned())].into(), ..before.spec };
        let change = self.change(id, before.generation, labelled, now);
        let expected_role = before.replication.role;
        self.store.update_instance(UpdateInstance { expected_role, ..change }).await.expect("is accepted")
    }

    pub(crate) async fn delete(&self, id: &str, now: Timestamp) -> Result<Operation, DeleteError> {
        let operation_id = OperationId::new(now, self.draw());
        self.store.delete_instance(DeleteInstance { name: named(id), operation_id, request: None, now }).await
    }

    pub(crate) async fn instance(&self, id: &str) -> DesiredInstance {
        self.store.instance(&named(id)).await.expect("reads").expect("is there")
    }

    pub(crate) async fn operation(&self, operation: &Operation) -> Operation {
        self.store.operation(&operation.id).await.expect("reads").expect("is there")
    }

    pub(crate) async fn ids(&self, scope: &Scope, order: InstanceOrder, limit: u32) -> Vec<String> {
        let page = self.store.instances(scope, order, limit).await.expect("reads");
        page.iter().map(|instance| instance.name.instance.to_string()).collect()
    }
}
