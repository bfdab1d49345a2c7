output "backup" {
  description = "Full name of the backup by hand."
  value       = valkyard_backup.orders.name
}

output "digest" {
  description = "Digest of its content, the same in any division into shards."
  value       = valkyard_backup.orders.digest
}

output "restored_url" {
  description = "Where clients of the restored cache start."
  value       = valkyard_instance.restored.connection_url
}

output "restored_shard_count" {
  description = "Number of shards that it was restored into."
  value       = valkyard_instance.restored.shard_count
}
