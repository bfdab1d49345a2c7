terraform {
  required_providers {
    valkyard = {
      source = "valkyard/valkyard"
    }
  }
}

data "valkyard_instance" "sessions" {
  instance_id = "sessions"
  location    = "us-central1"
}

output "sessions_endpoint" {
  value = data.valkyard_instance.sessions.discovery_endpoint
}
