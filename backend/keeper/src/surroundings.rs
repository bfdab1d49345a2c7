//! What the keeper needs of its surroundings. Two implementations: the daemon's, and the tests' with clocks of their own.

use std::fmt::Debug;

use futures::future::BoxFuture;
use uuid::Uuid;
use valkyard_model::{InstanceAddress, InstanceName, Timestamp};
use valkyard_planner::Means;
use valkyard_store::AddressPlan;

/// Clocks, randomness, the machine, and the loops of instances.
pub trait Surroundings: Debug + Send + Sync {
    /// The machine's time.
    fn now(&self) -> Timestamp;
    /// The time by the clock that schedules and expiries go by.
    fn calendar(&self) -> Timestamp;
    /// What can be started here.
    fn means(&self) -> Means;
    /// How instances are given addresses.
    fn address_plan(&self) -> AddressPlan;
    /// Whether no other program has this address. Quick: it is asked while other writes wait.
    fn address_is_free(&self, address: &InstanceAddress) -> bool;
    /// Random bits for a secret.
    fn random(&self) -> [u8; 32];
    /// A random uuid.
    fn random_uuid(&self) -> Uuid;
    /// Tells the loop of an instance to look again.
    fn look_again(&self, instance: InstanceName) -> BoxFuture<'static, ()>;
}
