//! A world without machines: whatever is wanted is so at the next look, unless it is held.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use chrono::DateTime;
use uuid::Uuid;
use valkyard_api::{NodeSignal, Platform};
use valkyard_model::{
    ByteSize, ConfigEpoch, DesiredInstance, EngineSeen, EngineVersion, InstanceAddress, InstanceName, Lifecycle, LiveSettings,
    MemoryPolicy, NodeHistory, NodeId, NodeObservation, NodeSerial, Observation, PersistenceSeen, RoleSeen, Seen, SlotSet,
    SpecLimits, Step, Timestamp, Uid,
};
use valkyard_reconciler::{LoadError, StepError, World};
use valkyard_store::{AddressPlan, Store};

/// When the made-up clock starts: 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600;
/// When everything is seen to be complete, on the made-up clock.
const LATER: i64 = START + 3_600;

fn time(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(seconds, 0).expect("a time of this century")
}

/// Records as complete, or removes, whatever it looks at.
pub(crate) struct ConvergingWorld {
    pub(crate) store: Store,
    pub(crate) name: InstanceName,
    /// While set, nothing progresses.
    pub(crate) held: Arc<AtomicBool>,
    /// What its primary holds, in bytes; there is none to be seen while this is nothing.
    pub(crate) data: Arc<AtomicU64>,
}

impl World for ConvergingWorld {
    async fn load(&mut self) -> Result<Option<DesiredInstance>, LoadError> {
        self.store.instance(&self.name).await.map_err(|error| LoadError(error.into()))
    }

    async fn observe(&mut self, desired: &DesiredInstance) -> Observation {
        if !self.held.load(Ordering::Acquire) {
            let (name, uid, now) = (&desired.name, desired.uid, time(LATER));
            let result = match desired.lifecycle {
                Lifecycle::Present => self.store.record_converged(name, uid, desired.generation, now).await,
                Lifecycle::Deleting | Lifecycle::Abandoned { .. } => self.store.remove_instance(name, uid, now).await,
            };
            result.expect("the store in memory takes what the loop of the instance records");
        }
        Observation {
            at: time(LATER),
            first_look: time(LATER),
            nodes: primary_with(desired, ByteSize(self.data.load(Ordering::Acquire))),
            discovery: Seen::Absent,
            handovers: [].into(),
            faults: Vec::new(),
        }
    }

    async fn execute(&self, _desired: &DesiredInstance, _step: &Step) -> Result<(), StepError> {
        Ok(())
    }

    fn now(&self) -> Timestamp {
        time(LATER)
    }
}

fn primary_with(desired: &DesiredInstance, data: ByteSize) -> BTreeMap<NodeSerial, NodeObservation> {
    if data.0 == 0 {
        return BTreeMap::new();
    }
    let serial = NodeSerial(0);
    let engine = EngineSeen {
        id: NodeId::derive(desired.uid, serial),
        version: "9.1.2".parse().expect("a version"),
        role: RoleSeen::Primary,
        cluster_ok: true,
        loading: false,
        epoch: ConfigEpoch(1),
        current_epoch: ConfigEpoch(1),
        slots: SlotSet::default(),
        replication_offset: 0,
        keys: 1,
        data,
        libraries: 0,
        settings: LiveSettings::default(),
        persistence: PersistenceSeen::default(),
        migrations: Vec::new(),
        open_slots: BTreeMap::new(),
        peers: BTreeMap::new(),
    };
    let seen = NodeObservation {
        files: Seen::Unknown,
        process: Seen::Unknown,
        engine: Seen::Known(engine),
        history: NodeHistory::default(),
    };
    [(serial, seen)].into()
}

/// A machine made up: a clock that moves one second per question, and uuids that count.
#[derive(Debug, Default)]
pub(crate) struct TestPlatform {
    pub(crate) seconds: AtomicI64,
    pub(crate) uuids: AtomicU64,
    /// Last byte of the lowest address that no other program has.
    pub(crate) first_free: u8,
    /// What was done to processes, in order.
    pub(crate) signals: Arc<Mutex<Vec<(NodeSerial, NodeSignal)>>>,
}

impl Platform for TestPlatform {
    fn limits(&self) -> SpecLimits {
        let engine_versions = vec![EngineVersion { major: 8, minor: 0 }, EngineVersion { major: 9, minor: 1 }];
        SpecLimits { engine_versions, engine_hint: "install one".to_owned() }
    }

    fn memory(&self) -> MemoryPolicy {
        MemoryPolicy { scale: None, machine: ByteSize(16 << 30) }
    }

    fn address_plan(&self) -> AddressPlan {
        AddressPlan::OwnIp { block: valkyard_model::AddressBlock::FIRST }
    }

    fn address_is_free(&self, address: &InstanceAddress) -> bool {
        address.ip.octets()[3] >= self.first_free
    }

    fn now(&self) -> Timestamp {
        time(START + self.seconds.fetch_add(1, Ordering::Relaxed))
    }

    fn random(&self) -> [u8; 32] {
        [7; 32]
    }

    fn random_uuid(&self) -> Uuid {
        Uuid::from_u64_pair(0x1111_2222_3333_4444, 0x8000_0000_0000_0000 + self.uuids.fetch_add(1, Ordering::Relaxed))
    }

    fn signal_node(&self, _uid: Uid, serial: NodeSerial, signal: NodeSignal) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.signals.lock().expect("nobody panics with it").push((serial, signal));
        Ok(())
    }
}
