# One module, two caches: a throw-away one in a single zone, and one that keeps serving when a zone is lost.

terraform {
  required_version = ">= 1.5"

  required_providers {
    valkyard = {
      source = "valkyard/valkyard"
    }
  }
}

variable "location" {
  description = "Region of both caches."
  type        = string
  default     = "us-central1"
}

provider "valkyard" {
  location = var.location

  default_labels = {
    example = "two-caches"
  }
}

module "scratch" {
  source = "../modules/cache"

  instance_id   = "scratch"
  location      = var.location
  shard_count   = 1
  replica_count = 0
  node_type     = "SHARED_CORE_NANO"

  zone_distribution_config_mode = "SINGLE_ZONE"
  zone_distribution_config_zone = "${var.location}-a"

  engine_configs = {
    maxmemory-policy = "allkeys-lru"
  }

  deletion_protection_enabled = false
}

module "sessions" {
  source = "../modules/cache"

  instance_id   = "sessions"
  location      = var.location
  shard_count   = 2
  replica_count = 1
  node_type     = "SHARED_CORE_NANO"

  engine_configs = {
    maxmemory-policy       = "noeviction"
    notify-keyspace-events = "Ex"
  }

  labels = {
    data = "user-sessions"
  }

  # An example must be able to clean up; a cache that matters leaves the protection on.
  deletion_protection_enabled = false
}

output "scratch" {
  description = "Where clients of the throw-away cache start."
  value       = module.scratch.connection_url
}

output "sessions" {
  description = "Environment variables for the application that keeps its sessions here."
  value       = module.sessions.env_vars
}
