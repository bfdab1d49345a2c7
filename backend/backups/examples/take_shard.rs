//! Takes the data of one node into a store, and checks it there:
//! `cargo run -p valkyard-backups --example take_shard -- ADDRESS STORE-URL COLLECTION BACKUP`
//!
//! It prints how long that took and the most memory that it used. No manifest is written, so no backup exists afterwards.

use std::time::Instant;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use valkyard_backups::{BackupRef, BackupStore, TapFormat, TapLimits, TapRequest, take_shard};

/// The line of the kernel's account that tells the most memory used so far.
fn memory_max() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("not told here").to_owned()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, url, collection, backup] = arguments.as_slice() else {
        anyhow::bail!("usage: take_shard ADDRESS STORE-URL COLLECTION BACKUP")
    };
    let backup = BackupRef { collection: collection.parse()?, backup: backup.parse()? };
    let request = TapRequest {
        address: address.parse().context("read address")?,
        credentials: None,
        format: TapFormat::Newest,
        limits: TapLimits::default(),
    };
    let store = BackupStore::open(url, &[]).await?;
    let writer = store.begin(&backup).await?;
    let begun = Instant::now();
    let taken = take_shard(&request, &writer, &"shard-0".parse()?, &CancellationToken::new(), |_bytes| {}).await?;
    let elapsed = begun.elapsed();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = taken.receipt.bytes as f64 / 1e6 / elapsed.as_secs_f64();
    println!("{} keys, {} bytes in {elapsed:.2?}: {rate:.0} MB/s", taken.summary.keys, taken.receipt.bytes);
    println!("digest {}", taken.summary.digest);
    println!("{}", memory_max());
    Ok(())
}
