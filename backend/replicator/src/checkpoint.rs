//! The point that a target carries.

use valkyard_model::ReplicationPoint;

use crate::link::Endpoint;

/// Why a checkpoint could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The node did not do what was asked.
    #[error("failed to reach the node's checkpoint")]
    Node {
        /// The cause.
        #[source]
        source: valkyard_engine::LinkError,
    },
    /// What the node holds under the checkpoint's name is none.
    #[error("the node's checkpoint cannot be read: {text:?}")]
    Unreadable {
        /// What stands there.
        text: String,
    },
}

/// The point of its source's history that a node holds; `None` when it is no copy.
///
/// # Errors
/// See [`CheckpointError`].
#[expect(clippy::todo, reason = "the interface comes first")]
pub async fn read_checkpoint(_node: &Endpoint) -> Result<Option<ReplicationPoint>, CheckpointError> {
    todo!()
}

/// Says of a node that it holds this point: for a former source that becomes a target with the data it has.
///
/// # Errors
/// See [`CheckpointError`].
#[expect(clippy::todo, reason = "the interface comes first")]
pub async fn write_checkpoint(_node: &Endpoint, _point: &ReplicationPoint) -> Result<(), CheckpointError> {
    todo!()
}

/// Removes the point, for a node that is to be nobody's copy any more.
///
/// # Errors
/// See [`CheckpointError`].
#[expect(clippy::todo, reason = "the interface comes first")]
pub async fn clear_checkpoint(_node: &Endpoint) -> Result<(), CheckpointError> {
    todo!()
}
