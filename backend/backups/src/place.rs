//! Where the backup of a collection lies within a store.

use valkyard_model::BackupName;

use crate::store::BackupRef;

/// The place of a backup: collections of different projects and regions may have one id. Nothing for a name that is too long
/// for a store; such a backup cannot have been made.
#[must_use]
pub fn place_of(name: &BackupName) -> Option<BackupRef> {
    let collection = &name.collection;
    // A project may be `domain:name`; a colon is no part of a path in the store.
    let project = collection.project.as_str().replace(':', "_");
    Some(BackupRef {
        collection: format!("{project}.{}.{}", collection.location, collection.collection).parse().ok()?,
        backup: name.backup.as_str().parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collections_of_one_id_have_places_of_their_own() {
        let place = |name: &str| place_of(&name.parse().expect("a name")).map(|place| place.to_string());
        let a = place("projects/p/locations/us-central1/backupCollections/cache/backups/b");
        assert_eq!(a.as_deref(), Some("p.us-central1.cache/b"));
        assert_ne!(a, place("projects/q/locations/us-central1/backupCollections/cache/backups/b"));
        assert_ne!(a, place("projects/p/locations/us-east1/backupCollections/cache/backups/b"));
        let domain = place("projects/example.com:p/locations/us-central1/backupCollections/cache/backups/b");
        assert_eq!(domain.as_deref(), Some("example.com_p.us-central1.cache/b"));
    }
}
