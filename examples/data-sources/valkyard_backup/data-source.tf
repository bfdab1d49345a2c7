terraform {
  required_providers {
    valkyard = {
      source = "valkyard/valkyard"
    }
  }
}

data "valkyard_backup" "proved" {
  instance = "orders"
  verified = true
}

resource "valkyard_instance" "rehearsal" {
  instance_id = "orders-rehearsal"
  shard_count = data.valkyard_backup.proved.shard_count
  node_type   = data.valkyard_backup.proved.node_type

  managed_backup_source {
    backup = data.valkyard_backup.proved.name
  }

  lifecycle {
    # The latest backup is another one tomorrow; this instance starts from today's.
    ignore_changes = [managed_backup_source]
  }

  deletion_protection_enabled = false
}
