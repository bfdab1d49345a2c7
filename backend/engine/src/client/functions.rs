//! Carrying functions from one node to another, as the engine packs them: bytes that nobody else reads.

use super::{LONG, LinkError, NodeLink, PROMPT, Patience, Reply, Request};

/// Most bytes of functions that are carried: far more than people write, and little for the daemon.
const FUNCTIONS_BYTES_MAX: usize = 64 << 20;

/// The functions of a node, packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedFunctions(Vec<u8>);

impl NodeLink {
    /// All functions of the node.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn dump_functions(&mut self) -> Result<PackedFunctions, LinkError> {
        let patience = Patience { bytes_max: FUNCTIONS_BYTES_MAX, ..LONG };
        match self.ask(Request::of(&["FUNCTION", "DUMP"]), patience).await? {
            Reply::Bulk(bytes) => Ok(PackedFunctions(bytes)),
            Reply::Error(message) => Err(self.refusal(message)),
            Reply::Status(_) | Reply::Integer(_) | Reply::Null | Reply::Array(_) => {
                Err(self.unexpected("something else than packed functions"))
            }
        }
    }

    /// Gives the node these functions; libraries of the same names are replaced, others stay.
    ///
    /// # Errors
    /// `Engine` when they were packed by a newer engine, else see [`LinkError`].
    pub async fn restore_functions(&mut self, functions: &PackedFunctions) -> Result<(), LinkError> {
        let words: [&[u8]; 4] = [b"FUNCTION", b"RESTORE", &functions.0, b"REPLACE"];
        let reply = self.ask(Request::of(&words), LONG).await?;
        self.status(reply, "OK")
    }

    /// The code of a library; `None` when there is none of this name.
    ///
    /// # Errors
    /// See [`LinkError`].
    pub async fn library(&mut self, name: &str) -> Result<Option<String>, LinkError> {
        let reply = self.ask(Request::of(&["FUNCTION", "LIST", "LIBRARYNAME", name, "WITHCODE"]), PROMPT).await?;
        let Some(library) = self.elements(reply)?.pop() else { return Ok(None) };
        let mut fields = self.elements(library)?.into_iter();
        while let (Some(field), Some(value)) = (fields.next(), fields.next()) {
            if field == Reply::Bulk(b"library_code".to_vec()) {
                return self.text(value).map(Some);
            }
        }
        Err(self.unexpected("a library without its code"))
    }

    /// Gives the node a library, in the place of the one of the same name.
    ///
    /// # Errors
    /// `Engine` when the node is a replica or has no memory left, else see [`LinkError`].
    pub async fn load_library(&mut self, code: &str) -> Result<(), LinkError> {
        match self.ask(Request::of(&["FUNCTION", "LOAD", "REPLACE", code]), PROMPT).await? {
            Reply::Bulk(_name) => Ok(()),
            Reply::Error(message) => Err(self.refusal(message)),
            Reply::Status(_) | Reply::Integer(_) | Reply::Null | Reply::Array(_) => {
                Err(self.unexpected("something else than a library's name"))
            }
        }
    }

    /// Removes a library, if there is one of this name.
    ///
    /// # Errors
    /// `Engine` when the node is a replica, else see [`LinkError`].
    pub async fn delete_library(&mut self, name: &str) -> Result<(), LinkError> {
        match self.expect_status(&["FUNCTION", "DELETE", name], "OK").await {
            Err(LinkError::Engine { message, .. }) if message.contains("Library not found") => Ok(()),
            other => other,
        }
    }
}
