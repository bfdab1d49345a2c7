//! Where the backup of a collection lies within a store.

use valkyard_model::BackupName;

use crate::store::BackupRef;

/// The place of a backup: collections of different projects and regions may have one id.
///
/// # Panics
/// Never: what these names allow, those of a store do.
#[must_use]
pub fn place_of(name: &BackupName) -> BackupRef {
    let collection = &name.collection;
    // A project may be `domain:name`; a colon is no part of a path in the store.
    let project = collection.project.as_str().replace(':', "_");
    let collection = format!("{project}.{}.{}", collection.location, collection.collection);
    BackupRef {
        collection: collection.parse().expect("three names of 63 letters, digits, hyphens and dots"),
        backup: name.backup.as_str().parse().expect("letters, digits, hyphens and underscores"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_names_have_a_place() {
        let (long, region) = ("p".repeat(63), format!("us-{}1", "a".repeat(59)));
        let name = format!("projects/{long}/locations/{region}/backupCollections/{long}/backups/{long}");
        assert_eq!(place_of(&name.parse().expect("a name")).collection.as_str().len(), 191);
    }

    #[test]
    fn collections_of_one_id_have_places_of_their_own() {
        let place = |name: &str| place_of(&name.parse().expect("a name")).to_string();
        let a = place("projects/p/locations/us-central1/backupCollections/cache/backups/b");
        assert_eq!(a, "p.us-central1.cache/b");
        assert_ne!(a, place("projects/q/locations/us-central1/backupCollections/cache/backups/b"));
        assert_ne!(a, place("projects/p/locations/us-east1/backupCollections/cache/backups/b"));
        let domain = place("projects/example.com:p/locations/us-central1/backupCollections/cache/backups/b");
        assert_eq!(domain, "example.com_p.us-central1.cache/b");
    }
}
