//! What the keeper of backups needs to know of this machine and of the loops of instances.

use std::sync::Arc;

use futures::future::BoxFuture;
use uuid::Uuid;
use valkyard_api::Platform as _;
use valkyard_keeper::Surroundings;
use valkyard_model::{InstanceAddress, InstanceName, Timestamp};
use valkyard_planner::Means;
use valkyard_reconciler::SupervisorHandle;
use valkyard_store::AddressPlan;

use crate::platform::ThisMachine;

/// This machine, and the loops on it.
#[derive(Debug)]
pub(crate) struct KeeperSurroundings {
    pub(crate) machine: Arc<ThisMachine>,
    pub(crate) loops: SupervisorHandle,
}

impl Surroundings for KeeperSurroundings {
    fn now(&self) -> Timestamp {
        self.machine.now()
    }

    fn calendar(&self) -> Timestamp {
        self.machine.calendar()
    }

    fn means(&self) -> Means {
        Means { limits: self.machine.limits(), memory: self.machine.memory() }
    }

    fn address_plan(&self) -> AddressPlan {
        self.machine.address_plan()
    }

    fn address_is_free(&self, address: &InstanceAddress) -> bool {
        self.machine.address_is_free(address)
    }

    fn random(&self) -> [u8; 32] {
        self.machine.random()
    }

    fn random_uuid(&self) -> Uuid {
        self.machine.random_uuid()
    }

    fn look_again(&self, instance: InstanceName) -> BoxFuture<'static, ()> {
        let loops = self.loops.clone();
        Box::pin(async move { loops.look_again(instance).await })
    }
}
