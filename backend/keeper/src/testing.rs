//! A database in memory, two clocks, and the requests of clients.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use futures::future::BoxFuture;
use uuid::Uuid;
use valkyard_model::SCRATCH_PROJECT;
use valkyard_model::{
    AddressBlock, AdminSecret, AutomatedBackups, BackupName, ByteSize, DesiredInstance, InstanceAddress, InstanceName,
    InstanceSpec, MemoryPolicy, Operation, OperationId, SpecDraft, SpecLimits, Timestamp, Uid, validate,
};
use valkyard_planner::Means;
use valkyard_store::{
    AddressPlan, BackUpInstance, BackupError, CreateInstance, DeleteBackup, ExportBackup, Store, StoreLocation, VerifyBackup,
};

use crate::Surroundings;

/// Where both clocks begin.
const BEGINNING: i64 = 1_800_000_000;
/// How long automated backups are kept.
pub(crate) const RETENTION: Duration = Duration::from_secs(24 * 3_600);

/// Clocks that only a test moves, and numbers in place of randomness.
#[derive(Debug, Default)]
pub(crate) struct TestSurroundings {
    machine_secs: AtomicI64,
    calendar_ahead_secs: AtomicI64,
    drawn: AtomicU64,
    woken: Mutex<Vec<InstanceName>>,
}

impl TestSurroundings {
    /// Lets time pass on both clocks.
    pub(crate) fn pass(&self, seconds: i64) {
        self.machine_secs.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Sets the clock of schedules.
    pub(crate) fn advance_calendar(&self, seconds: i64) {
        self.calendar_ahead_secs.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Instances whose loops were told to look again since this was asked last.
    pub(crate) fn take_woken(&self) -> Vec<InstanceName> {
        std::mem::take(&mut self.woken.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Surroundings for TestSurroundings {
    fn now(&self) -> Timestamp {
        Timestamp::from_timestamp(BEGINNING, 0).expect("a time") + TimeDelta::seconds(self.machine_secs.load(Ordering::Relaxed))
    }

    fn calendar(&self) -> Timestamp {
        self.now() + TimeDelta::seconds(self.calendar_ahead_secs.load(Ordering::Relaxed))
    }

    fn means(&self) -> Means {
        let limits = SpecLimits { engine_versions: vec!["VALKEY_8_0".parse().expect("a version")], engine_hint: String::new() };
        Means { limits, memory: MemoryPolicy { scale: None, machine: ByteSize(16 << 30) } }
    }

    fn address_plan(&self) -> AddressPlan {
        AddressPlan::OwnIp { block: AddressBlock::FIRST }
    }

    fn address_is_free(&self, _address: &InstanceAddress) -> bool {
        true
    }

    fn random(&self) -> [u8; 32] {
        [7; 32]
    }

    fn random_uuid(&self) -> Uuid {
        // The number is in front, as the first digits of uids become parts of names.
        Uuid::from_u128(u128::from(self.drawn.fetch_add(1, Ordering::Relaxed) + 1) << 96)
    }

    fn look_again(&self, instance: InstanceName) -> BoxFuture<'static, ()> {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner).push(instance);
        Box::pin(std::future::ready(()))
    }
}

/// The database with its clients.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    pub(crate) store: Store,
    pub(crate) surroundings: Arc<TestSurroundings>,
}

pub(crate) fn instance_name(id: &str) -> InstanceName {
    format!("projects/p/locations/us-central1/instances/{id}").parse().expect("a name")
}

impl Clients {
    pub(crate) fn new() -> Self {
        let store = Store::open(StoreLocation::Memory).expect("memory opens").0;
        Self { store, surroundings: Arc::new(TestSurroundings::default()) }
    }

    fn uid(&self) -> Uid {
        Uid(self.surroundings.random_uuid())
    }

    fn operation_id(&self) -> OperationId {
        OperationId::new(self.surroundings.now(), self.surroundings.random_uuid())
    }

    fn spec(&self) -> InstanceSpec {
        let draft = SpecDraft { shard_count: 1, ..SpecDraft::default() };
        let spec = validate(draft, &"us-central1".parse().expect("a region"), &self.surroundings.means().limits).expect("a spec");
        InstanceSpec { automated_backups: AutomatedBackups::Daily { hour: 2, retention: RETENTION }, ..spec }
    }

    /// Creates an instance with automated backups.
    pub(crate) async fn create(&self, name: &InstanceName) {
        let create = CreateInstance {
            name: name.clone(),
            uid: self.uid(),
            spec: self.spec(),
            maxmemory: ByteSize(64 << 20),
            secret: AdminSecret::from_random([7; 32]),
            address_plan: self.surroundings.address_plan(),
            operation_id: self.operation_id(),
            request: None,
            at: self.surroundings.calendar(),
            now: self.surroundings.now(),
            follow: None,
        };
        self.store.create_instance(create, |_| true).await.expect("is accepted");
    }

    /// Backs an instance up for a day.
    pub(crate) async fn back_up(&self, name: &InstanceName) -> Result<Operation, BackupError> {
        let create_time = self.surroundings.calendar();
        let accepted = BackUpInstance {
            name: name.clone(),
            backup: None,
            uid: self.uid(),
            collection_uid: self.uid(),
            origin: valkyard_model::BackupOrigin::OnDemand,
            create_time,
            expire_time: create_time + TimeDelta::days(1),
            operation_id: self.operation_id(),
            request: None,
            now: self.surroundings.now(),
        };
        self.store.back_up_instance(accepted).await
    }

    pub(crate) async fn export(&self, name: &BackupName, destination: &str) -> Result<Operation, BackupError> {
        let (operation_id, now) = (self.operation_id(), self.surroundings.now());
        let destination = destination.to_owned();
        self.store.export_backup(ExportBackup { name: name.clone(), destination, operation_id, request: None, now }).await
    }

    pub(crate) async fn verify(&self, name: &BackupName) -> Result<Operation, BackupError> {
        let id = format!("verify-{}", &self.surroundings.random_uuid().simple().to_string()[..8]);
        let scratch: InstanceName =
            format!("projects/{SCRATCH_PROJECT}/locations/us-central1/instances/{id}").parse().expect("a name");
        let (operation_id, at, now) = (self.operation_id(), self.surroundings.calendar(), self.surroundings.now());
        self.store.verify_backup(VerifyBackup { name: name.clone(), scratch, operation_id, at, now }).await
    }

    pub(crate) async fn delete_backup(&self, name: &BackupName) -> Result<Operation, BackupError> {
        let (operation_id, now) = (self.operation_id(), self.surroundings.now());
        self.store.delete_backup(DeleteBackup { name: name.clone(), operation_id, request: None, now }).await
    }

    pub(crate) async fn instance(&self, name: &InstanceName) -> Option<DesiredInstance> {
        self.store.instance(name).await.expect("reads")
    }

    pub(crate) async fn operation(&self, id: &OperationId) -> Operation {
        self.store.operation(id).await.expect("reads").expect("is there")
    }
}
