terraform import valkyard_backup.before_migration projects/local/locations/us-central1/backupCollections/orders/backups/before-migration
