//! What is there to test with: our binaries, engines, Terraforms. A missing part is a failure that says how to get it.

use std::path::PathBuf;
use std::process::Command;

use crate::terraform::Terraform;

/// The root of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the repository").to_owned()
}

/// The folder with engines, Terraform and the Python client (`VALKYARD_TEST_TOOLS`, default `.tools`).
#[must_use]
pub fn tools_dir() -> PathBuf {
    std::env::var_os("VALKYARD_TEST_TOOLS").map_or_else(|| repository().join(".tools"), PathBuf::from)
}

/// A built binary of this workspace (`VALKYARD_TEST_BIN_DIR`, default `target/debug`).
///
/// # Panics
/// When it was not built.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let folder = std::env::var_os("VALKYARD_TEST_BIN_DIR").map_or_else(|| repository().join("target/debug"), PathBuf::from);
    let path = folder.join(name);
    assert!(path.exists(), "{} is not there; run `cargo build --bins` or acceptance-tests/run.sh", path.display());
    path
}

/// An engine to test with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    /// The API's name of its version.
    pub api_version: &'static str,
    /// Its folder.
    pub folder: PathBuf,
}

/// Both engine lines.
///
/// # Panics
/// When one is missing.
#[must_use]
pub fn engines() -> Vec<Engine> {
    let all = [("VALKEY_8_0", "valkey-8.0.1"), ("VALKEY_9_1", "valkey-9.1.2")];
    all.map(|(api_version, folder)| {
        let folder = tools_dir().join("engines").join(folder);
        assert!(folder.exists(), "{} is not there; run acceptance-tests/setup/engines.sh", folder.display());
        Engine { api_version, folder }
    })
    .to_vec()
}

/// Every Terraform there is: the one on PATH, if any, and the one that the setup script brings.
///
/// # Panics
/// When the brought one is missing.
#[must_use]
pub fn terraforms() -> Vec<Terraform> {
    let brought = tools_dir().join("terraform-1.15/terraform");
    assert!(brought.exists(), "{} is not there; run acceptance-tests/setup/terraform.sh", brought.display());
    let on_path = Command::new("sh").args(["-c", "command -v terraform"]).output().expect("sh runs");
    let on_path = String::from_utf8_lossy(&on_path.stdout).trim().to_owned();
    let found = (!on_path.is_empty()).then(|| PathBuf::from(on_path));
    found.into_iter().chain([brought]).map(Terraform::new).collect()
}
