//! Compiles `protos/` without protoc: protox makes the descriptor set, tonic-prost-build the Rust code,
//! and the set itself is kept for the JSON mapping.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;
use tonic_prost_build::Config;

const ROOT: &str = "protos";

/// The file nothing else imports; the rest follows from its imports.
const ENTRY_FILE: &str = "valkyard/admin/v1/admin.proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={ROOT}");
    let descriptors = protox::compile([ENTRY_FILE], [ROOT])?;
    let out_dir = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out_dir.join("descriptors.bin"), descriptors.encode_to_vec())?;

    let mut config = Config::new();
    config.btree_map(["."]).enable_type_names().include_file("modules.rs");
    tonic_prost_build::configure().build_client(true).build_server(true).compile_fds_with_config(descriptors, config)?;
    Ok(())
}
