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

resource "valkyard_backup_policy" "orders" {
  instance   = valkyard_instance.orders.name
  start_hour = 2
  retention  = "336h"
  verify     = true

  lifecycle {
    # An instance that is replaced comes back without a policy.
    replace_triggered_by = [valkyard_instance.orders.uid]
  }
}

output "orders_backups" {
  value = valkyard_backup_policy.orders.backup_collection
}
