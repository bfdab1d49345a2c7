terraform {
  required_providers {
    valkyard = {
      source = "valkyard/valkyard"
    }
  }
}

resource "valkyard_instance" "sessions" {
  instance_id   = "sessions"
  shard_count   = 2
  replica_count = 1
  node_type     = "SHARED_CORE_NANO"

  engine_configs = {
    maxmemory-policy = "allkeys-lru"
  }

  zone_distribution_config = {
    mode = "MULTI_ZONE"
  }

  labels = {
    team = "checkout"
  }

  # With the default, true, `terraform destroy` is refused.
  deletion_protection_enabled = false
}

output "sessions_url" {
  value = valkyard_instance.sessions.connection_url
}
