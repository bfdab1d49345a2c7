//! The loop of the keeper.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::memory::error_chain;
use crate::{Keeper, KeeperWorld};

/// Pause after a turn that could not read the records: a busy disk.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Turns until stopped, then ends all work. Stops between turns, or within one at an await: steps are idempotent.
pub async fn run<W: KeeperWorld>(mut keeper: Keeper<W>, stop: CancellationToken) {
    let wake = Arc::clone(&keeper.wake);
    while let Some(turn) = stop.run_until_cancelled(keeper.turn()).await {
        let pause = turn.unwrap_or_else(|error| {
            error!(cause = error_chain(&error), "cannot read what backups need");
            AFTER_FAILURE
        });
        tokio::select! {
            () = stop.cancelled() => break,
            () = wake.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    keeper.world().end().await;
}
