terraform {
  required_providers {
    valkyard = {
      source = "valkyard/valkyard"
    }
  }
}

data "valkyard_backups" "orders" {
  instance = "orders"
}

output "verified_backups" {
  value = [for backup in data.valkyard_backups.orders.backups : backup.name if backup.verified]
}
