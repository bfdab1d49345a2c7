output "connection_url" {
  description = "Where clients start. No change of this example changes it."
  value       = valkyard_instance.cache.connection_url
}

output "shard_count" {
  description = "Number of shards that serve."
  value       = valkyard_instance.cache.shard_count
}

output "engine_version" {
  description = "Engine version of the nodes."
  value       = valkyard_instance.cache.engine_version
}
