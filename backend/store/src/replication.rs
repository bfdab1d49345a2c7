//! What the loop of a member of a replication records.

use std::collections::BTreeSet;

use valkyard_model::{InstanceName, Reseeding, ShardIndex, SwitchoverStep, Timestamp, Uid};

use crate::command;
use crate::error::ProgressError;
use crate::store::Store;

impl Store {
    /// Sets the shards of a secondary that get their data anew. Idempotent; does nothing for an instance that follows nobody
    /// any more.
    ///
    /// # Errors
    /// See [`ProgressError`].
    pub async fn set_reseeding(
        &self,
        name: &InstanceName,
        uid: Uid,
        shards: Reseeding,
        now: Timestamp,
    ) -> Result<(), ProgressError> {
        let name = name.clone();
        self.writer.write_way_out(move |tx| command::set_reseeding(tx, &name, uid, shards.clone(), now)).await
    }

    /// Carries out the durable part of a step of a switchover. Idempotent; does nothing where that is over.
    ///
    /// # Errors
    /// See [`ProgressError`].
    pub async fn switch_over(
        &self,
        name: &InstanceName,
        uid: Uid,
        step: SwitchoverStep,
        now: Timestamp,
    ) -> Result<(), ProgressError> {
        let name = name.clone();
        self.writer.write_way_out(move |tx| command::switch_over(tx, (&name, uid), &step, now)).await
    }

    /// Records that nothing is left of a detached instance's former part, but for these shards. Idempotent.
    ///
    /// # Errors
    /// See [`ProgressError`].
    pub async fn record_detached(&self, name: &InstanceName, uid: Uid, rest: BTreeSet<ShardIndex>) -> Result<(), ProgressError> {
        let name = name.clone();
        self.writer.write_way_out(move |tx| command::record_detached(tx, &name, uid, &rest)).await
    }
}
