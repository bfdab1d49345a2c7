//! Where backups are restored to be verified: instances of a project that no client creates any in.

use uuid::Uuid;
use valkyard_model::{BackupName, InstanceName};

/// The project of scratch instances. Lists of other projects never show them.
pub(crate) const SCRATCH_PROJECT: &str = "valkyard-scratch";

/// A name for the scratch instance of one verification.
pub(crate) fn scratch_name(backup: &BackupName, random: Uuid) -> InstanceName {
    let digits = random.simple().to_string();
    InstanceName {
        project: SCRATCH_PROJECT.parse().expect("it is well-formed"),
        location: backup.collection.location.clone(),
        instance: format!("verify-{}", &digits[..8]).parse().expect("hex digits are allowed in ids"),
    }
}
