//! Taking an existing backup into the state.
//!
//! Called for `terraform import` and `import` blocks; the framework reads the backup afterwards. Invariant: the id is the
//! full name, since collections have no shorter one.

use provider_framework::{Diagnostic, Diagnostics, NewState, Object};

use super::BackupName;

pub(super) fn import(id: &str) -> Result<NewState, Diagnostics> {
    let name = BackupName::parse(id).ok_or_else(|| {
        Diagnostic::error("Cannot import backup").detail(format!(
            "The import id {id:?} names no backup. It is the full name,\n\n  \
             projects/<project>/locations/<location>/backupCollections/<instance_id>/backups/<backup_id>\n\n\
             The data source `valkyard_backups` lists them."
        ))
    })?;
    Ok(Object::new().with("name", name.to_string()).into())
}
