# Run with `terraform test` in this folder. The plans need no daemon, the last run makes a real cluster and destroys it.

variables {
  instance_id                 = "module-test"
  node_type                   = "SHARED_CORE_NANO"
  deletion_protection_enabled = false
}

run "what_the_plan_knows" {
  command = plan

  variables {
    project_id    = "local"
    location      = "us-central1"
    replica_count = 1
    labels        = { team = "platform" }
  }

  assert {
    condition     = output.id == "projects/local/locations/us-central1/instances/module-test"
    error_message = "The name is known before apply."
  }

  assert {
    condition     = valkyard_instance.valkey_cluster.shard_count == 3
    error_message = "Without shard_count there are three shards, as in Google's module."
  }

  assert {
    condition     = valkyard_instance.valkey_cluster.node_config.size_gb == 1.4
    error_message = "The node size follows from the node type."
  }

  assert {
    condition     = valkyard_instance.valkey_cluster.effective_labels == tomap({ team = "platform" })
    error_message = "Labels are planned."
  }
}

run "settings_left_out_are_not_sent" {
  command = plan

  variables {
    engine_configs = {
      maxmemory-policy = "allkeys-lru"
      maxclients       = 1000
    }
  }

  assert {
    condition     = valkyard_instance.valkey_cluster.engine_configs == tomap({ maxclients = "1000", maxmemory-policy = "allkeys-lru" })
    error_message = "Only settings with a value arrive, as text."
  }
}

run "a_zone_is_for_single_zone_only" {
  command = plan

  variables {
    zone_distribution_config_zone = "us-central1-a"
  }

  assert {
    condition     = valkyard_instance.valkey_cluster.zone_distribution_config.zone == null
    error_message = "The zone is left out unless the mode is SINGLE_ZONE."
  }
}

run "other_modes_are_refused" {
  command = plan

  variables {
    mode = "CLUSTER_DISABLED"
  }

  expect_failures = [var.mode]
}

run "a_real_cluster" {
  variables {
    shard_count = 1
  }

  assert {
    condition     = output.env_vars.VALKEY_PORT == "6379" && output.env_vars.VALKEY_HOST != ""
    error_message = "Applications learn host and port."
  }

  assert {
    condition     = output.connection_url == "redis://${output.env_vars.VALKEY_HOST}:${output.env_vars.VALKEY_PORT}"
    error_message = "The URL leads to the same place."
  }

  assert {
    condition     = valkyard_instance.valkey_cluster.state == "ACTIVE"
    error_message = "The apply ends when the instance serves."
  }
}
