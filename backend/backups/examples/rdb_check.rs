//! Says what RDB files hold: `cargo run -p valkyard-backups --example rdb_check -- FILE…`

use std::fs::File;
use std::io::Read as _;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;
use bytes::Bytes;
use valkyard_backups::{RdbReader, RdbSummary};

/// Read from the file at a time.
const CHUNK_BYTES: usize = 256 << 10;

fn read(path: &str) -> anyhow::Result<RdbSummary> {
    let mut file = File::open(path).context("open file")?;
    let mut reader = RdbReader::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let count = file.read(&mut chunk).context("read file")?;
        if count == 0 {
            return Ok(reader.finish()?);
        }
        reader.feed(Bytes::copy_from_slice(&chunk[..count]))?;
    }
}

fn main() -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for path in std::env::args().skip(1) {
        let begun = Instant::now();
        match read(&path) {
            Ok(summary) => {
                let RdbSummary { format, checksum, engine, bytes, keys, keys_expiring, digest, libraries, slots, .. } = &summary;
                println!("{path}: {} version {}, checksum {checksum:?}", format.magic, format.version);
                println!("  written by {}", engine.as_deref().unwrap_or("an unnamed engine"));
                println!("  {keys} keys, {keys_expiring} expiring, in {} slots; {} libraries", slots.count(), libraries.len());
                if let Some(largest) = &summary.largest {
                    println!("  largest key {}: {} bytes", largest.name.escape_ascii(), largest.payload_bytes);
                }
                println!("  digest {digest}");
                println!("  {bytes} bytes in {:.2?}", begun.elapsed());
            }
            Err(error) => {
                eprintln!("{path}: {error:#}");
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}
