//! A link and what it is started with.

use std::net::SocketAddrV4;

use tokio::sync::watch;
use valkyard_model::{AdminSecret, BinaryVersion, ReplicationPoint};

use crate::distance::Distance;
use crate::status::LinkStatus;

/// A primary, and how to log in there as the daemon's user.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Where it listens.
    pub address: SocketAddrV4,
    /// The secret of its instance.
    pub secret: AdminSecret,
}

/// What the engine of a target can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetAbilities {
    /// Whether it leaves expiry and eviction to its source; its node must run with `import-mode yes` then.
    pub imports: bool,
}

impl From<BinaryVersion> for TargetAbilities {
    fn from(version: BinaryVersion) -> Self {
        Self { imports: version.imports() }
    }
}

/// What a link is to do.
#[derive(Clone, Debug)]
pub struct LinkRequest {
    /// The primary of a shard of the source.
    pub source: Endpoint,
    /// The primary of the same shard of the target.
    pub target: Endpoint,
    /// The point of the data that the target was seeded with. It counts as long as the target carries no point that descends
    /// from it, so it must be given up, durably, as soon as a status shows something applied: a node that started empty again
    /// cannot be told from one that was seeded with nothing.
    pub start: Option<ReplicationPoint>,
    /// What lies between the two; may change at any time.
    pub distance: watch::Receiver<Distance>,
    /// What the target's engine can do.
    pub target_can: TargetAbilities,
}

/// A running link. Dropping it ends it at once, in the middle of a batch too, of which nothing is applied then.
#[derive(Debug)]
pub struct Link {
    status: watch::Receiver<LinkStatus>,
}

#[expect(clippy::todo, reason = "the interface comes first")]
impl Link {
    /// Starts a link. It needs a running tokio runtime.
    #[must_use]
    pub fn start(_request: LinkRequest) -> Self {
        todo!()
    }

    /// What it knows now.
    #[must_use]
    pub fn status(&self) -> LinkStatus {
        self.status.borrow().clone()
    }

    /// What it knows, as it changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<LinkStatus> {
        self.status.clone()
    }

    /// Ends it at a boundary of batches, and says where that was.
    pub async fn stop(self) -> LinkStatus {
        todo!()
    }
}
