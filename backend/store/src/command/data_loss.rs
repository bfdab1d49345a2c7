//! Recording that a shard lost its data.

use rusqlite::Connection;
use valkyard_model::{DataLoss, InstanceName, Uid};

use super::incarnation::find_incarnation;
use crate::error::ProgressError;
use crate::instance_row;

/// Losses remembered per instance. One is about 60 bytes, so the record grows by 6 KiB at most; whoever loses more than a
/// hundred shards reads the log.
const LOSSES_KEPT: usize = 100;

pub(crate) fn record_data_loss(
    connection: &Connection,
    name: &InstanceName,
    uid: Uid,
    loss: DataLoss,
) -> Result<(), ProgressError> {
    let mut instance = find_incarnation(connection, name, uid)?;
    if instance.losses.contains(&loss) {
        return Ok(());
    }
    instance.losses.push(loss);
    instance.losses.sort_by_key(|loss| (loss.at, loss.shard));
    let surplus = instance.losses.len().saturating_sub(LOSSES_KEPT);
    instance.losses.drain(..surplus);
    Ok(instance_row::save(connection, &instance)?)
}
