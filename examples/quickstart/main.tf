# A sharded, replicated Valkey cluster on this machine. `run.sh` beside this file does all of it, from building to
# cleaning up; by hand it is `valkyard serve` in one terminal and `terraform apply` in another.

terraform {
  required_version = ">= 1.5"

  required_providers {
    valkyard = {
      source = "valkyard/valkyard"
    }
  }
}

provider "valkyard" {}

variable "instance_id" {
  description = "Name of the instance."
  type        = string
  default     = "quickstart"
}

resource "valkyard_instance" "quickstart" {
  instance_id   = var.instance_id
  shard_count   = 3
  replica_count = 1
  node_type     = "SHARED_CORE_NANO"

  # Lets `terraform destroy` clean up; leave it out for anything that matters.
  deletion_protection_enabled = false
}
