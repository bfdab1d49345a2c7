//! Compiles the .proto files of this folder without needing a protoc on the machine.

use std::{env, error::Error, fs, path::PathBuf};

const PROTOS: [&str; 2] = ["tfplugin6.proto", "go_plugin.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    for proto in PROTOS {
        println!("cargo::rerun-if-changed={proto}");
    }
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(true).open_files(PROTOS)?;

    // The tests compare this descriptor with the protocol's table.
    let out_dir = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out_dir.join("descriptors.bin"), compiler.encode_file_descriptor_set())?;

    tonic_prost_build::configure().bytes(".tfplugin6").compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
