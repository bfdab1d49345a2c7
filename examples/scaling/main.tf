# One cache whose every number may change while clients keep reading and writing.

terraform {
  required_version = ">= 1.5"

  required_providers {
    valkyard = {
      source = "valkyard/valkyard"
    }
  }
}

provider "valkyard" {}

resource "valkyard_instance" "cache" {
  instance_id   = "scaling"
  shard_count   = var.shard_count
  replica_count = var.replica_count
  node_type     = var.node_type

  # Null keeps what the instance has, and means the newest when it is created.
  engine_version = var.engine_version
  engine_configs = var.engine_configs

  # An example must be able to clean up; a cache that matters leaves the protection on.
  deletion_protection_enabled = false

  timeouts = {
    # Moving a lot of data takes its time; stopping Terraform does not stop the change.
    update = "60m"
  }
}
