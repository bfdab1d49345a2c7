//! `managed_backup_source` and `gcs_source`: what an instance begins with, both ways.

use memorystore_proto::v1;
use memorystore_proto::v1::instance::{GcsBackupSource, ImportSources, ManagedBackupSource};
use valkyard_model::{FieldViolation, ImportSource};

use super::store_url;

const BACKUP_FIELD: &str = "instance.managed_backup_source.backup";
const URIS_FIELD: &str = "instance.gcs_source.uris";
/// Most files of one import: an instance has at most as many shards.
const URIS_MAX: usize = 250;

/// What a client wants to begin with.
pub(super) fn import(instance: &v1::Instance) -> Result<Option<ImportSource>, Vec<FieldViolation>> {
    match &instance.import_sources {
        None => Ok(None),
        Some(ImportSources::ManagedBackupSource(source)) => {
            let name = source.backup.parse();
            let name =
                name.map_err(|error: valkyard_model::NameError| vec![FieldViolation::new(BACKUP_FIELD, error.to_string())])?;
            Ok(Some(ImportSource::Backup(name)))
        }
        Some(ImportSources::GcsSource(source)) => uris(source).map(|uris| Some(ImportSource::Files(uris))),
    }
}

fn uris(source: &GcsBackupSource) -> Result<Vec<String>, Vec<FieldViolation>> {
    let count = source.uris.len();
    if !(1..=URIS_MAX).contains(&count) {
        let text = format!("{count} files cannot be imported at once; name 1 to {URIS_MAX}");
        return Err(vec![FieldViolation::new(URIS_FIELD, text)]);
    }
    let violation = |(index, uri): (usize, &String)| {
        let text = if source.uris[..index].contains(uri) {
            format!("{uri:?} is there twice")
        } else {
            store_url::check_file(uri).err()?
        };
        Some(FieldViolation::new(&format!("{URIS_FIELD}[{index}]"), text))
    };
    let violations: Vec<_> = source.uris.iter().enumerate().filter_map(violation).collect();
    if violations.is_empty() { Ok(source.uris.clone()) } else { Err(violations) }
}

/// What an instance began with, as clients see it.
pub(super) fn message(import: &ImportSource) -> Option<ImportSources> {
    match import {
        ImportSource::Backup(name) => Some(ImportSources::ManagedBackupSource(ManagedBackupSource { backup: name.to_string() })),
        ImportSource::Files(uris) => Some(ImportSources::GcsSource(GcsBackupSource { uris: uris.clone() })),
        // Told by its part in the replication.
        ImportSource::Primary(_) => None,
    }
}
