terraform import valkyard_instance.sessions projects/local/locations/us-central1/instances/sessions
terraform import valkyard_instance.sessions local/us-central1/sessions
terraform import valkyard_instance.sessions us-central1/sessions
