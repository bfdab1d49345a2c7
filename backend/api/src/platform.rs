//! What the API needs of its surroundings. Two implementations: the daemon's, and the tests' with a machine made up.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;
use valkyard_keeper::KeeperHandle;
use valkyard_model::{InstanceAddress, MemoryPolicy, NodeSerial, SpecLimits, Timestamp, Uid};
use valkyard_reconciler::SupervisorHandle;
use valkyard_store::{AddressPlan, Store};

/// What an administrator does to the process of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeSignal {
    /// SIGKILL: it ends at once.
    Kill,
    /// SIGSTOP: it stays and does nothing.
    Freeze,
    /// SIGCONT: it goes on.
    Thaw,
}

/// The clock of schedules goes with the machine's, and cannot be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the clock of schedules is the machine's; start the daemon with --adjustable-clock to move it")]
pub struct ClockIsFixed;

/// The machine, its processes, the clock and randomness.
pub trait Platform: Send + Sync {
    /// What can be started here.
    fn limits(&self) -> SpecLimits;
    /// How sizes are scaled to this machine.
    fn memory(&self) -> MemoryPolicy;
    /// How instances are given addresses.
    fn address_plan(&self) -> AddressPlan;
    /// Whether no other program has this address. Quick: it is asked for each address that is tried, while other writes wait.
    fn address_is_free(&self, address: &InstanceAddress) -> bool;
    /// The time.
    fn now(&self) -> Timestamp;
    /// The time by the clock that schedules and expiries of backups go by.
    fn calendar(&self) -> Timestamp;
    /// Moves that clock; negative sets it back.
    ///
    /// # Errors
    /// When it is not adjustable.
    fn advance_calendar(&self, seconds: i64) -> Result<(), ClockIsFixed>;
    /// Random bits for a secret.
    fn random(&self) -> [u8; 32];
    /// A random uuid.
    fn random_uuid(&self) -> Uuid;
    /// Signals the process of a node; does nothing where there is none. Blocks for some system calls.
    ///
    /// # Errors
    /// When the process cannot be told from others, or the kernel refuses.
    fn signal_node(&self, uid: Uid, serial: NodeSerial, signal: NodeSignal) -> Result<(), Box<dyn Error + Send + Sync>>;
}

/// What every request is answered from. Cheap to clone.
#[derive(Clone)]
pub struct ApiState {
    /// The durable state.
    pub store: Store,
    /// Wakes loops and tells what they wait for.
    pub supervisor: SupervisorHandle,
    /// Wakes the keeper of backups and tells how far its work is.
    pub keeper: KeeperHandle,
    /// The surroundings.
    pub platform: Arc<dyn Platform>,
}

impl fmt::Debug for ApiState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiState")
            .field("store", &self.store)
            .field("supervisor", &self.supervisor)
            .field("keeper", &self.keeper)
            .finish_non_exhaustive()
    }
}
