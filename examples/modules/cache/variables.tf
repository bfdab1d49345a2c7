variable "project_id" {
  description = "Project of the instance. The provider's, if null."
  type        = string
  default     = null
}

variable "instance_id" {
  description = "Last part of the instance's name: 4 to 63 lower-case letters, digits or hyphens, not ending with a hyphen."
  type        = string
}

variable "location" {
  description = "Region of the instance. The provider's, if null."
  type        = string
  default     = null
}

variable "shard_count" {
  description = "Number of shards."
  type        = number
  default     = 3
}

variable "replica_count" {
  description = "Replicas of each shard, from 0 to 5."
  type        = number
  default     = 0
}

variable "node_type" {
  description = "Size of each node. The API's default, HIGHMEM_MEDIUM, if null."
  type        = string
  default     = null
}

variable "mode" {
  description = "CLUSTER, or null for the same. Other modes come with a later version of Valkyard."
  type        = string
  default     = null

  validation {
    condition     = var.mode == null ? true : var.mode == "CLUSTER"
    error_message = "This version has cluster mode only: leave mode out, or set it to \"CLUSTER\"."
  }
}

variable "engine_version" {
  description = "Engine version, such as VALKEY_9_1. The newest that the daemon finds, if null."
  type        = string
  default     = null
}

variable "engine_configs" {
  description = "Engine settings."
  type = object({
    maxmemory               = optional(string)
    maxmemory-clients       = optional(string)
    maxmemory-policy        = optional(string)
    notify-keyspace-events  = optional(string)
    slowlog-log-slower-than = optional(number)
    maxclients              = optional(number)
  })
  default = null
}

variable "zone_distribution_config_mode" {
  description = "MULTI_ZONE spreads the nodes over the zones of the region, SINGLE_ZONE puts them all into one. Fixed once created."
  type        = string
  default     = "MULTI_ZONE"
}

variable "zone_distribution_config_zone" {
  description = "The zone of SINGLE_ZONE, such as us-central1-a. Fixed once created."
  type        = string
  default     = null
}

variable "deletion_protection_enabled" {
  description = "Whether the instance is protected against deletion."
  type        = bool
  default     = true
}

variable "labels" {
  description = "Labels of the instance."
  type        = map(string)
  default     = {}
}
