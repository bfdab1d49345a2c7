//! Short commands: roles, acquaintance, settings, the end.

use std::io;

use valkyard_model::{EngineConfigKey, LiveSettings, NodeAddress, NodeId};

use super::{LinkError, NodeLink, PROMPT, Request};

/// How the engine says that it does not know a node that it is to forget.
const UNKNOWN_NODE: &str = "Unknown node";

impl NodeLink {
    /// Makes the replica the primary of its shard without a vote.
    ///
    /// # Errors
    /// `Engine` when it is not a replica, else see [`LinkError`].
    pub async fn take_over(&mut self) -> Result<(), LinkError> {
        self.expect_status(&["CLUSTER", "FAILOVER", "TAKEOVER"], "OK").await
    }

    /// Makes the replica the primary of its shard by agreement with the primary, which stops writes until the replica has
    /// everything. It only begins: the node's role tells how it ended, within the engine's five seconds.
    ///
    /// # Errors
    /// `Engine` when it is not a replica or its primary is not there, else see [`LinkError`].
    pub async fn fail_over(&mut self) -> Result<(), LinkError> {
        self.expect_status(&["CLUSTER", "FAILOVER"], "OK").await
    }

    /// Makes the node, which owns no slots and holds no keys, copy a primary.
    ///
    /// # Errors
    /// `Engine` when it does not know that primary yet or is not empty, else see [`LinkError`].
    pub async fn replicate(&mut self, primary: &NodeId) -> Result<(), LinkError> {
        self.expect_status(&["CLUSTER", "REPLICATE", primary.as_str()], "OK").await
    }

    /// Tells the node where others listen. They know each other some moments later.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn meet(&mut self, peers: &[NodeAddress]) -> Result<(), LinkError> {
        for peer in peers {
            let (ip, port, bus) = (peer.client.ip().to_string(), peer.client.port().to_string(), peer.bus_port.to_string());
            self.expect_status(&["CLUSTER", "MEET", &ip, &port, &bus], "OK").await?;
        }
        Ok(())
    }

    /// Makes the node forget others, and not learn of them again from anybody for a minute. Those it does not know are
    /// forgotten already.
    ///
    /// # Errors
    /// `Engine` when one is the primary it copies or itself; the others are forgotten all the same. Else see [`LinkError`].
    pub async fn forget(&mut self, peers: &[NodeId]) -> Result<(), LinkError> {
        let mut request = Request::default();
        for peer in peers {
            request.add(&["CLUSTER", "FORGET", peer.as_str()]);
        }
        for reply in self.exchange(request, PROMPT).await? {
            match self.status(reply, "OK") {
                Err(LinkError::Engine { message, .. }) if message.contains(UNKNOWN_NODE) => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// Sets each of these that the engine takes.
    ///
    /// # Errors
    /// `Engine` with the first value that it refuses, such as more clients than its process may have files open; the others
    /// are set all the same. Else see [`LinkError`].
    pub async fn set_settings(&mut self, settings: &LiveSettings) -> Result<(), LinkError> {
        let mut request = Request::default();
        for (key, value) in settings.iter() {
            request.add(&["CONFIG", "SET", key.as_str(), value]);
        }
        let mut outcome = Ok(());
        for reply in self.exchange(request, PROMPT).await? {
            outcome = outcome.and(self.status(reply, "OK"));
        }
        outcome
    }

    /// Lets the engine read its ACL file again. Clients whose user has changed are cut off.
    ///
    /// # Errors
    /// `Engine` when the file is none; then everything is as it was. Else see [`LinkError`].
    pub async fn load_acl(&mut self) -> Result<(), LinkError> {
        self.expect_status(&["ACL", "LOAD"], "OK").await
    }

    /// Sets how much memory clients may use, and gives what it was.
    pub(crate) async fn replace_client_limit(&mut self, limit: &str) -> Result<String, LinkError> {
        let name = EngineConfigKey::MaxmemoryClients.as_str();
        let told = self.ask(Request::of(&["CONFIG", "GET", name]), PROMPT).await?;
        let before = self.pairs(told)?.pop().map(|(_, value)| value);
        self.expect_status(&["CONFIG", "SET", name, limit], "OK").await?;
        before.ok_or_else(|| self.unexpected("empty"))
    }

    /// Ends the engine without saving. It answers by closing the connection.
    ///
    /// # Errors
    /// `Engine` when it refuses, else see [`LinkError`].
    pub async fn shut_down(&mut self) -> Result<(), LinkError> {
        match self.expect_status(&["SHUTDOWN", "NOSAVE"], "OK").await {
            Err(LinkError::Broken { source, .. }) if is_closed(&source) => Ok(()),
            other => other,
        }
    }
}

fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}
