//! Links to nodes, kept open from look to look: a look or a step takes one and gives it back while it is usable.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use valkyard_engine::{LinkError, NodeLink};
use valkyard_model::{AdminSecret, NodeSerial};

/// Links that nobody uses at the moment; at most one per node.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// Shared by steps that run at once; held for map updates only, never across an await.
    idle: Mutex<BTreeMap<NodeSerial, NodeLink>>,
}

/// A link in use. Dropping it gives it back if nothing has spoiled it.
#[derive(Debug)]
pub(super) struct LinkInUse<'l> {
    links: &'l Links,
    node: NodeSerial,
    /// There until it is dropped.
    link: Option<NodeLink>,
}

impl Links {
    fn idle(&self) -> MutexGuard<'_, BTreeMap<NodeSerial, NodeLink>> {
        // Every update leaves the map whole, so a panic elsewhere does not spoil it.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The kept link to a node, or a new one.
    pub(super) async fn open(
        &self,
        node: NodeSerial,
        address: SocketAddrV4,
        secret: &AdminSecret,
    ) -> Result<LinkInUse<'_>, LinkError> {
        let kept = self.take(node);
        let link = match kept {
            Some(link) => link,
            None => NodeLink::connect(address, secret).await?,
        };
        Ok(LinkInUse { links: self, node, link: Some(link) })
    }

    /// The kept link to a node; nobody else has it then.
    pub(super) fn take(&self, node: NodeSerial) -> Option<NodeLink> {
        self.idle().remove(&node)
    }

    /// Keeps a link for whoever needs it next.
    pub(super) fn keep(&self, node: NodeSerial, link: NodeLink) {
        self.idle().insert(node, link);
    }

    /// Closes links to nodes for which `is_wanted` says no.
    pub(super) fn retain(&self, is_wanted: impl Fn(NodeSerial) -> bool) {
        self.idle().retain(|node, _| is_wanted(*node));
    }
}

impl Deref for LinkInUse<'_> {
    type Target = NodeLink;

    fn deref(&self) -> &NodeLink {
        self.link.as_ref().expect("it is there until it is dropped")
    }
}

impl DerefMut for LinkInUse<'_> {
    fn deref_mut(&mut self) -> &mut NodeLink {
        self.link.as_mut().expect("it is there until it is dropped")
    }
}

impl Drop for LinkInUse<'_> {
    fn drop(&mut self) {
        if let Some(link) = self.link.take().filter(|link| !link.is_spent()) {
            self.links.keep(self.node, link);
        }
    }
}
