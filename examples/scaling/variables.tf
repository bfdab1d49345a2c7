variable "shard_count" {
  description = "Number of shards. A change moves slots with their keys."
  type        = number
  default     = 3
}

variable "replica_count" {
  description = "Replicas of each shard, from 0 to 5. Without any, a shard's data is lost with its node."
  type        = number
  default     = 0
}

variable "node_type" {
  description = "Size of each node. A change replaces the nodes one by one."
  type        = string
  default     = "SHARED_CORE_NANO"
}

variable "engine_version" {
  description = "Engine version, such as VALKEY_9_1. It only goes up. Null for what the instance has, or the newest."
  type        = string
  default     = null
}

variable "engine_configs" {
  description = "Engine settings. Those that are removed return to their defaults."
  type        = map(string)
  default     = {}
}
