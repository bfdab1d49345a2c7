//! What the API needs to know of this machine.

use std::error::Error;
use std::io;
use std::net::{SocketAddrV4, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::Utc;
use uuid::Uuid;
use valkyard_api::{ClockIsFixed, NodeSignal, Platform};
use valkyard_engine::{CatalogueConfig, EngineCatalogue};
use valkyard_host::{DataDir, freeze, signal, thaw};
use valkyard_model::{InstanceAddress, MemoryPolicy, NodeSerial, SpecLimits, StopManner, Timestamp, Uid};
use valkyard_store::AddressPlan;

use crate::calendar::Calendar;

/// This machine, as the daemon found it at start.
#[derive(Debug)]
pub(crate) struct ThisMachine {
    pub(crate) catalogue: Arc<EngineCatalogue>,
    pub(crate) memory: MemoryPolicy,
    pub(crate) addresses: AddressPlan,
    pub(crate) data_dir: Arc<DataDir>,
    pub(crate) calendar: Calendar,
}

impl Platform for ThisMachine {
    fn limits(&self) -> SpecLimits {
        SpecLimits { engine_versions: self.catalogue.versions(), engine_hint: self.catalogue.install_hint() }
    }

    fn memory(&self) -> MemoryPolicy {
        self.memory
    }

    fn address_plan(&self) -> AddressPlan {
        self.addresses
    }

    fn address_is_free(&self, address: &InstanceAddress) -> bool {
        // What every instance has. Further ports are met when their nodes start: the creation then fails with their owner.
        let first_node = SocketAddrV4::new(address.ip, address.nodes.first.0);
        [address.discovery_endpoint(), first_node].into_iter().all(is_free)
    }

    fn now(&self) -> Timestamp {
        Utc::now()
    }

    fn calendar(&self) -> Timestamp {
        self.calendar.now()
    }

    fn advance_calendar(&self, seconds: i64) -> Result<(), ClockIsFixed> {
        self.calendar.advance(seconds)
    }

    fn random(&self) -> [u8; 32] {
        // Two version-4 uuids carry 244 random bits from the operating system.
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(Uuid::new_v4().as_bytes());
        bytes[16..].copy_from_slice(Uuid::new_v4().as_bytes());
        bytes
    }

    fn random_uuid(&self) -> Uuid {
        Uuid::new_v4()
    }

    fn signal_node(&self, uid: Uid, serial: NodeSerial, what: NodeSignal) -> Result<(), Box<dyn Error + Send + Sync>> {
        let home = self.data_dir.node_home(uid, serial);
        let sent = match what {
            NodeSignal::Kill => signal(&home, StopManner::Kill),
            NodeSignal::Freeze => freeze(&home),
            NodeSignal::Thaw => thaw(&home),
        };
        Ok(sent?)
    }
}

/// Whether no other program listens here. Any other reason against binding is left for the creation to report.
fn is_free(address: SocketAddrV4) -> bool {
    !TcpListener::bind(address).is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
}

/// Looks for engines: configured paths first, then PATH.
pub(crate) async fn discover_engines(paths: Vec<PathBuf>) -> EngineCatalogue {
    let config = CatalogueConfig { paths, search_path: std::env::var_os("PATH") };
    EngineCatalogue::discover(&config).await
}
