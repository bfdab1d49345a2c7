//! What a node holds, without keeping it: its snapshot is read to the end and counted.

use tokio_util::sync::CancellationToken;

use crate::pipeline::PipelineError;
use crate::rdb::{RdbReader, RdbSummary};
use crate::tap::{Tap, TapRequest};

/// Taps a node and says what its data is. `told` hears how many bytes came, after each chunk. May be dropped at any moment.
///
/// # Errors
/// See [`PipelineError`].
pub async fn inspect_node(
    request: &TapRequest,
    stop: &CancellationToken,
    mut told: impl FnMut(u64),
) -> Result<RdbSummary, PipelineError> {
    let reading = async {
        let mut tap = Tap::open(request).await.map_err(PipelineError::Tap)?;
        let mut reader = RdbReader::new();
        while let Some(chunk) = tap.next().await.map_err(PipelineError::Tap)? {
            reader.feed(chunk).map_err(PipelineError::Rdb)?;
            told(tap.received_bytes());
        }
        reader.finish().map_err(PipelineError::Rdb)
    };
    stop.run_until_cancelled(reading).await.unwrap_or(Err(PipelineError::Stopped))
}
