//! Commands about what a node keeps on disk.

use valkyard_model::Persistence;

use super::{LinkError, NodeLink};
use crate::render::live_persistence;

/// How an engine says that it writes a snapshot already.
const IN_PROGRESS: &str = "in progress";

impl NodeLink {
    /// Switches the node to this persistence. One that is to keep a log from now on writes all it has into a new one first,
    /// which its next looks tell.
    ///
    /// # Errors
    /// `Engine` when it refuses, as one does that loads; else see [`LinkError`].
    pub async fn set_persistence(&mut self, persistence: Persistence) -> Result<(), LinkError> {
        let settings = live_persistence(persistence);
        let words: Vec<&str> =
            ["CONFIG", "SET"].into_iter().chain(settings.into_iter().flat_map(|(name, value)| [name, value])).collect();
        self.expect_status(&words, "OK").await
    }

    /// Has the node write a snapshot. It only begins; one that is being written will do.
    ///
    /// # Errors
    /// `Engine` when it cannot begin, as while it writes its log anew; else see [`LinkError`].
    pub async fn save_snapshot(&mut self) -> Result<(), LinkError> {
        match self.expect_status(&["BGSAVE"], "Background saving started").await {
            Err(LinkError::Engine { message, .. }) if message.contains(IN_PROGRESS) => Ok(()),
            other => other,
        }
    }
}
