terraform {
  required_providers {
    valkyard = {
      source = "valkyard/valkyard"
    }
  }
}

resource "valkyard_instance" "orders" {
  instance_id = "orders"
  shard_count = 2
  node_type   = "SHARED_CORE_NANO"

  # With the default, true, `terraform destroy` is refused.
  deletion_protection_enabled = false
}

resource "valkyard_backup" "before_migration" {
  instance  = valkyard_instance.orders.name
  backup_id = "before-migration"
  ttl       = "720h"

  # The apply fails if the backup does not hold what was recorded.
  verify = true
}

output "digest" {
  value = valkyard_backup.before_migration.digest
}
