terraform import valkyard_backup_policy.orders projects/local/locations/us-central1/instances/orders
terraform import valkyard_backup_policy.orders local/us-central1/orders
terraform import valkyard_backup_policy.orders us-central1/orders
