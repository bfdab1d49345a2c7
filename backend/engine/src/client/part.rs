//! Commands about an instance's part in a replication: what clients may do, and how much of its stream a node keeps.

use valkyard_model::{BinaryVersion, NodeSettings};

use super::{LinkError, NodeLink, PROMPT, Request};
use crate::render::{client_rules, live_part};

impl NodeLink {
    /// Sets the node, which is of this build, up for its part. What clients may do changes at one moment, also for those that
    /// are connected.
    ///
    /// # Errors
    /// `Engine` when it refuses, else see [`LinkError`].
    pub async fn set_part(&mut self, settings: &NodeSettings, version: BinaryVersion) -> Result<(), LinkError> {
        let values = live_part(settings, version);
        let mut config = vec!["CONFIG", "SET"];
        config.extend(values.iter().flat_map(|(name, value)| [*name, value.as_str()]));
        let rules = client_rules(settings.part.access());
        let user = ["ACL", "SETUSER", "default", "reset", "on", "nopass", "~*", "&*"].into_iter().chain(rules.split(' '));
        let mut request = Request::of(&config);
        request.add(&user.collect::<Vec<&str>>());
        for reply in self.exchange(request, PROMPT).await? {
            self.status(reply, "OK")?;
        }
        Ok(())
    }
}
