//! Divides RDB files among shards that share the slots evenly:
//! `cargo run --release -p valkyard-backups --example place_files -- SHARDS FOLDER FILE…`
//!
//! Writes `FOLDER/0.rdb` and so on, and prints how long that took, what each file holds, and the most memory that it used.

use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use valkyard_backups::{ImportFile, PlaceSource, PlaceTarget, place_files};
use valkyard_model::even_shares;

/// The line of the kernel's account that tells the most memory used so far.
fn memory_max() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("not told here").to_owned()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [shards, folder, files @ ..] = arguments.as_slice() else { anyhow::bail!("usage: place_files SHARDS FOLDER FILE…") };
    let mut sources = Vec::new();
    for file in files {
        let path = Path::new(file).canonicalize().context("find file")?;
        sources.push(PlaceSource::Imported(ImportFile::find(&format!("file://{}", path.display()), &[]).await?));
    }
    let shares = even_shares(shards.parse().context("read the number of shards")?).into_iter().enumerate();
    let targets: Vec<PlaceTarget> = shares
        .map(|(index, range)| PlaceTarget {
            slots: [range].into_iter().collect(),
            path: Path::new(folder).join(format!("{index}.rdb")),
        })
        .collect();
    let (begun, mut read) = (Instant::now(), None);
    let all: u64 = sources.iter().map(PlaceSource::bytes).sum();
    let told = |progress: valkyard_backups::PlaceProgress| {
        if progress.bytes == all {
            read = Some(begun.elapsed());
        }
    };
    let placed = place_files(&sources, &targets, &CancellationToken::new(), told).await?;
    let elapsed = begun.elapsed();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = all as f64 / 1e6 / elapsed.as_secs_f64();
    println!("{} keys, {all} bytes in {elapsed:.2?}, of which {read:.2?} until read: {rate:.0} MB/s", placed.totals.keys);
    for file in &placed.files {
        println!("  {}: {} keys, {} bytes", file.path.display(), file.totals.keys, file.bytes);
    }
    println!("digest {}", placed.totals.digest);
    println!("{}", memory_max());
    Ok(())
}
