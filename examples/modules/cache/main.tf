locals {
  # Settings that are left out arrive as null; the API takes only those that have a value, as text.
  engine_configs = {
    for key, value in var.engine_configs == null ? {} : var.engine_configs : key => tostring(value) if value != null
  }
}

resource "valkyard_instance" "valkey_cluster" {
  project        = var.project_id
  location       = var.location
  instance_id    = var.instance_id
  shard_count    = var.shard_count
  replica_count  = var.replica_count
  node_type      = var.node_type
  engine_version = var.engine_version
  engine_configs = length(local.engine_configs) == 0 ? null : local.engine_configs

  zone_distribution_config = {
    mode = var.zone_distribution_config_mode
    zone = var.zone_distribution_config_mode == "SINGLE_ZONE" ? var.zone_distribution_config_zone : null
  }

  deletion_protection_enabled = var.deletion_protection_enabled
  labels                      = var.labels
}
