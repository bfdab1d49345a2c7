//! Carrying functions from one node to another, as the engine packs them: bytes that nobody else reads.

use super::{LONG, LinkError, NodeLink, Patience, Reply, Request};

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
}
