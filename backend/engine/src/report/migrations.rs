//! `CLUSTER GETSLOTMIGRATIONS`: every migration that the engine remembers, newest first, each as names and values.

use std::collections::BTreeSet;

use valkyard_model::{MigrationDirection, MigrationSeen, MigrationState, NodeId, Timestamp};

use super::ReportError;
use super::cluster_nodes::parse_range;

/// Reads them: those under way, and of those that ended the newest in each direction with each peer.
pub(crate) fn migrations(rows: Vec<Vec<(String, String)>>) -> Result<Vec<MigrationSeen>, ReportError> {
    let mut ended: BTreeSet<(bool, NodeId)> = BTreeSet::new();
    let mut kept = Vec::new();
    for row in rows.into_iter().filter(|row| !is_followed(row)) {
        let migration = migration(&row)?;
        let is_export = migration.direction == MigrationDirection::Export;
        let is_kept = match migration.state {
            MigrationState::Running => true,
            MigrationState::Succeeded | MigrationState::Failed => ended.insert((is_export, migration.peer.clone())),
        };
        if is_kept {
            kept.push(migration);
        }
    }
    Ok(kept)
}

/// Whether a replica tells what its primary does: it follows the import without knowing from whom.
fn is_followed(row: &[(String, String)]) -> bool {
    let has = |field: &str| row.iter().any(|(name, _)| name == field);
    has("operation") && !has("source_node") && !has("target_node")
}

fn migration(row: &[(String, String)]) -> Result<MigrationSeen, ReportError> {
    let find = |field: &'static str| {
        let value = row.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str());
        value.ok_or(ReportError::Field { field, value: None })
    };
    let wrong = |field, value: &str| ReportError::Field { field, value: Some(value.to_owned()) };
    let operation = find("operation")?;
    let (direction, peer) = match operation {
        "EXPORT" => (MigrationDirection::Export, "target_node"),
        "IMPORT" => (MigrationDirection::Import, "source_node"),
        other => return Err(wrong("operation", other)),
    };
    let id = find(peer)?;
    let ranges = find("slot_ranges")?;
    let updated = find("last_update_time")?;
    let at = updated.parse().ok().and_then(|seconds| Timestamp::from_timestamp(seconds, 0));
    Ok(MigrationSeen {
        direction,
        peer: id.parse().map_err(|_not_an_id| wrong(peer, id))?,
        slots: ranges
            .split_ascii_whitespace()
            .map(parse_range)
            .collect::<Option<_>>()
            .ok_or_else(|| wrong("slot_ranges", ranges))?,
        state: match find("state")? {
            "success" => MigrationState::Succeeded,
            "failed" | "cancelled" => MigrationState::Failed,
            _under_way => MigrationState::Running,
        },
        message: find("message")?.to_owned(),
        updated: at.ok_or_else(|| wrong("last_update_time", updated))?,
    })
}
