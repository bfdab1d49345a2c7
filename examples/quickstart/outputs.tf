output "discovery_endpoint" {
  description = "Address and port at which cluster clients start."
  value       = valkyard_instance.quickstart.discovery_endpoint
}

output "connection_url" {
  description = "The same as a URL that all clients for Valkey and Redis take."
  value       = valkyard_instance.quickstart.connection_url
}

output "endpoints" {
  description = "The endpoints in parts, for templates."
  value       = valkyard_instance.quickstart.discovery_endpoints
}

output "name" {
  description = "Full name of the instance, for the API and for gcloud."
  value       = valkyard_instance.quickstart.name
}

output "shard_count" {
  description = "How many shards the keys spread over."
  value       = valkyard_instance.quickstart.shard_count
}
