//! What must hold of a backup that a new instance is to begin with. Asked before the creation is accepted, so that what cannot
//! succeed is refused in words; the planner looks at the data itself.

use valkyard_model::{Backup, BackupContent, BackupName, ByteSize, FieldViolation, ImportSource, InstanceName, InstanceSpec};

use super::fit::{Readable, Shape};
use crate::backups::BackupRefusal;
use crate::{ApiError, ApiState};

const SOURCE: &str = "instance.managed_backup_source.backup";
/// The part of the data, as it was in the nodes it is from, that is added for keys that take more memory in others.
const MARGIN: u64 = 16;
const NONE_WOULD_DO: &str = "no shape of these replicas would do on this machine; ask for fewer replicas";

/// Refuses a backup that is elsewhere, not there or not complete, and an instance that cannot take its data. What files made
/// elsewhere hold is not known here.
pub(super) async fn refuse_what_cannot_be_restored(
    state: &ApiState,
    name: &InstanceName,
    spec: &InstanceSpec,
) -> Result<(), ApiError> {
    let Some(ImportSource::Backup(source)) = &spec.import else { return Ok(()) };
    refuse_other_region(name, source)?;
    let found = state.store.backup(source).await?;
    let backup = found.ok_or_else(|| ApiError::NotFound { name: source.to_string() })?;
    let Some(content) = backup.content().filter(|_| backup.is_active()) else {
        return Err(BackupRefusal::NotActive { name: source.clone() }.into());
    };
    let shape = Shape { spec, policy: state.platform.memory() };
    let violations =
        [older_engine(spec, &backup), too_small(&shape, ByteSize(content.data_bytes())), key_too_large(&shape, content)];
    let violations: Vec<FieldViolation> = violations.into_iter().flatten().collect();
    if violations.is_empty() { Ok(()) } else { Err(ApiError::Invalid(violations)) }
}

fn refuse_other_region(name: &InstanceName, source: &BackupName) -> Result<(), ApiError> {
    let (here, there) = (&name.location, &source.collection.location);
    if here == there {
        return Ok(());
    }
    let text = format!("the backup is in {there}, the instance is to be in {here}; a backup is restored in its own region only");
    Err(ApiError::invalid(SOURCE, text))
}

fn older_engine(spec: &InstanceSpec, backup: &Backup) -> Option<FieldViolation> {
    let (asked, needed) = (spec.engine_version, backup.engine_version);
    let text = || {
        format!(
            "{asked} is older than {needed}, which the backup was made of: an older engine does not read its data; choose {needed} or newer"
        )
    };
    (asked < needed).then(|| FieldViolation::new("instance.engine_version", text()))
}

fn too_small(shape: &Shape<'_>, data: ByteSize) -> Option<FieldViolation> {
    let needed = ByteSize(data.0.saturating_add(data.0 / MARGIN));
    if shape.holds(needed) {
        return None;
    }
    let text = format!(
        "the data of the backup takes {}, and {shape} can hold {} (7/8 of their memory for data): {}",
        Readable(needed),
        Readable(shape.usable_room()),
        shape.larger_ones(needed).unwrap_or_else(|| NONE_WOULD_DO.to_owned())
    );
    Some(FieldViolation::new("instance.shard_count", text))
}

/// A key that no node of these can hold. In how many shards does not matter.
fn key_too_large(shape: &Shape<'_>, content: &BackupContent) -> Option<FieldViolation> {
    let key = content.largest_key()?;
    let needed = ByteSize(key.memory_bytes_min);
    if needed <= shape.usable_room_of_node() {
        return None;
    }
    let advice = match shape.larger_node_type(needed) {
        Some(node_type) => format!("{node_type} would do"),
        None => "no node type would do on this machine; ask for fewer shards and replicas, or delete the key and back up again"
            .to_owned(),
    };
    let text = format!(
        "key {:?} of the backup takes {} at least, and a node of {} can hold {} (7/8 of its memory for data); a key is in one \
         shard, so more of them do not help: {advice}",
        key.name,
        Readable(needed),
        shape.spec.node_type,
        Readable(shape.usable_room_of_node()),
    );
    Some(FieldViolation::new("instance.node_type", text))
}
