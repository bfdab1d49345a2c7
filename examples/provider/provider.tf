terraform {
  required_providers {
    valkyard = {
      source = "valkyard/valkyard"
    }
  }
}

# Every argument is optional: without any, the provider talks to a daemon that `valkyard serve` started on this machine.
provider "valkyard" {
  endpoint = "http://127.0.0.1:4590"
  project  = "local"
  location = "us-central1"

  default_labels = {
    managed-by = "terraform"
  }
}
