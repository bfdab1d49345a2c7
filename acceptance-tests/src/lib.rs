//! What acceptance tests stand on: the built binaries, a daemon of their own, Terraform, engines, and waiting.
//!
//! Every process started here is ended by its owner's `Drop`, by pid. Everything listens on loopback.

use std::path::PathBuf;

/// The root of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the repository").to_owned()
}
