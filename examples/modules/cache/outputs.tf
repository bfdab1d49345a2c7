output "id" {
  description = "Full name of the instance."
  value       = valkyard_instance.valkey_cluster.id
}

output "discovery_endpoints" {
  description = "Endpoints at which cluster clients start."
  value       = valkyard_instance.valkey_cluster.discovery_endpoints
}

output "endpoints" {
  description = "Endpoints in networks of their own that the instance was created with."
  value       = valkyard_instance.valkey_cluster.endpoints
}

output "valkey_cluster" {
  description = "The whole resource."
  value       = valkyard_instance.valkey_cluster
}

output "env_vars" {
  description = "Environment variables for applications."
  value = {
    VALKEY_HOST = valkyard_instance.valkey_cluster.discovery_endpoints[0].address
    VALKEY_PORT = tostring(valkyard_instance.valkey_cluster.discovery_endpoints[0].port)
  }
}

output "connection_url" {
  description = "Where cluster clients start, as a URL."
  value       = valkyard_instance.valkey_cluster.connection_url
}
