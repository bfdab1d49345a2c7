# A cache with a backup every night and one by hand, and a second cache of another shape that starts from the latter.

terraform {
  required_version = ">= 1.5"

  required_providers {
    valkyard = {
      source = "valkyard/valkyard"
    }
  }
}

provider "valkyard" {}

resource "valkyard_instance" "orders" {
  instance_id   = "orders"
  shard_count   = 2
  replica_count = 0
  node_type     = "SHARED_CORE_NANO"

  # Survives that its nodes end; backups survive that the instance does.
  persistence_config = {
    mode = "AOF"
  }

  # An example must be able to clean up; a cache that matters leaves the protection on.
  deletion_protection_enabled = false
}

# Each night at 02:00 UTC, kept for two weeks, restored once to see that it can be.
resource "valkyard_backup_policy" "orders" {
  instance   = valkyard_instance.orders.name
  start_hour = 2
  retention  = "336h"
  verify     = true
}

# Its data at the time of the first apply. `terraform apply -replace=valkyard_backup.orders` makes another.
resource "valkyard_backup" "orders" {
  instance = valkyard_instance.orders.name
  ttl      = "720h"
  verify   = true
}

# The same keys in three shards. It is made anew, and loses what was written to it, when the backup is another.
resource "valkyard_instance" "restored" {
  instance_id = "orders-restored"
  shard_count = 3
  node_type   = "SHARED_CORE_NANO"

  managed_backup_source {
    backup = valkyard_backup.orders.name
  }

  deletion_protection_enabled = false
}
