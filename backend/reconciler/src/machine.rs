//! The world of this machine: the store, processes and files, and nodes over RESP.
//!
//! One value per instance, made by the supervisor. It looks and does; every choice was made by the planner.

mod attachments;
mod backup;
mod change;
mod data;
mod execute;
mod failure;
mod import;
mod links;
mod observe;
mod redact;
mod seeding;
mod sources;
mod streams;
mod switchover;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use valkyard_backups::{Background, BackupStore, StoreOptions};
use valkyard_engine::EngineCatalogue;
use valkyard_host::{DataDir, NodeHome};
use valkyard_model::{DesiredInstance, ExitSeen, InstanceName, NodeSerial, Observation, Pid, Step, Timestamp, Uid};
use valkyard_replicator::Distance;
use valkyard_store::Store;

use crate::supervisor::Wake;
use crate::world::{LoadError, StepError, World};

use attachments::Attachments;
use links::Links;
pub use sources::Sources;

/// What all instances of this machine share.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Desired state.
    pub store: Store,
    /// Where node folders lie; locked by this daemon.
    pub data_dir: Arc<DataDir>,
    /// The engines that can be started.
    pub catalogue: Arc<EngineCatalogue>,
    /// Where backups are kept.
    pub backups: BackupStore,
    /// How other stores are reached: options by the scheme of their URLs.
    pub store_options: Arc<StoreOptions>,
    /// Where data are moved.
    pub background: Background,
    /// What loops of primaries tell those of their secondaries.
    pub sources: Sources,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// One instance on this machine.
#[derive(Debug)]
pub struct MachineWorld {
    machine: Machine,
    name: InstanceName,
    wake: Wake,
    /// The incarnation that links and attachments belong to.
    uid: Option<Uid>,
    links: Links,
    /// How the last process of each node ended.
    exits: BTreeMap<NodeSerial, ExitSeen>,
    /// For each process whose log was read: what the engine said of a torn end of its log of writes.
    loads: BTreeMap<NodeSerial, (Pid, Option<String>)>,
    /// What lies between the primary instance and this one.
    distance: watch::Sender<Distance>,
    /// Shared by steps that run at once; held for map updates only, never across an await.
    attachments: Mutex<Attachments>,
}

impl Machine {
    /// The world of one instance.
    #[must_use]
    pub fn world(&self, name: InstanceName, wake: Wake) -> MachineWorld {
        MachineWorld {
            machine: self.clone(),
            name,
            wake,
            uid: None,
            links: Links::default(),
            exits: BTreeMap::new(),
            loads: BTreeMap::new(),
            distance: streams::no_distance(),
            attachments: Mutex::new(Attachments::default()),
        }
    }
}

impl MachineWorld {
    fn home(&self, desired: &DesiredInstance, serial: NodeSerial) -> NodeHome {
        self.machine.data_dir.node_home(desired.uid, serial)
    }

    fn attachments(&self) -> MutexGuard<'_, Attachments> {
        // Every update leaves the maps whole, so a panic elsewhere does not spoil them.
        self.attachments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets links and attachments of an earlier instance of this name.
    fn belong_to(&mut self, uid: Uid) {
        if self.uid != Some(uid) {
            self.uid = Some(uid);
            self.links = Links::default();
            self.exits.clear();
            self.loads.clear();
            *self.attachments() = Attachments::default();
        }
    }
}

impl World for MachineWorld {
    async fn load(&mut self) -> Result<Option<DesiredInstance>, LoadError> {
        let loaded = self.machine.store.instance(&self.name).await.map_err(|error| LoadError(Box::new(error)))?;
        if let Some(desired) = &loaded {
            self.belong_to(desired.uid);
        }
        Ok(loaded)
    }

    async fn observe(&mut self, desired: &DesiredInstance) -> Observation {
        self.look(desired).await
    }

    async fn execute(&self, desired: &DesiredInstance, step: &Step) -> Result<(), StepError> {
        self.carry_out(desired, step).await
    }

    fn now(&self) -> Timestamp {
        (self.machine.now)()
    }
}
