//! The provider, driven as Terraform drives it, against recorded answers of the API.

mod backup;
mod backup_data;
mod backup_policy;
mod daemon;
mod failures;
mod foresight;
mod interruptions;
mod lifecycle;
mod lost_answers;
mod persistence;
mod planning;
mod sources;
mod validation;

use provider_framework::testing::{Failure, Harness, State};
use provider_framework::{Diagnostic, Object};
use terraform_provider_valkyard::Valkyard;

use crate::daemon::Daemon;

const TYPE: &str = "valkyard_instance";
const NAME: &str = "projects/local/locations/us-central1/instances/cache";

/// A provider configured for `daemon`, with more of the provider block from the test.
async fn provider(daemon: &Daemon, block: Object) -> Harness<Valkyard> {
    Harness::new(Valkyard, block.with("endpoint", daemon.url())).await.expect("the provider block is fine")
}

/// A small instance that may be destroyed.
fn config() -> Object {
    Object::new().with("instance_id", "cache").with("shard_count", 3).with("deletion_protection_enabled", false)
}

async fn created(provider: &Harness<Valkyard>) -> State {
    provider.create(TYPE, config()).await.expect("the scripted daemon creates it")
}

/// The one error of a failure.
fn only_error(failure: &Failure) -> &Diagnostic {
    assert_eq!(failure.violations, vec![], "{failure}");
    assert_eq!(failure.diagnostics.iter().count(), 1, "{failure}");
    failure.diagnostics.iter().next().expect("there is one")
}

fn path(diagnostic: &Diagnostic) -> String {
    diagnostic.path.as_ref().map(ToString::to_string).unwrap_or_default()
}
