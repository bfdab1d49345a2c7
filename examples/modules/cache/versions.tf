terraform {
  required_version = ">= 1.5"

  required_providers {
    valkyard = {
      source  = "valkyard/valkyard"
      version = ">= 0.1.0"
    }
  }
}
