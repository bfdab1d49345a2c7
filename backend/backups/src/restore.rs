//! Restoring: files of any number and division become one file for each shard, in one pass.
//!
//! The daemon's restore work calls it. Each file is read once and checked to its end; each shard's file gets exactly the keys
//! of its slots, byte for byte as they were, and all function libraries. Invariant: the files appear when everything was read,
//! understood and is on disk; before that, or when it fails, there are only temporary files, which go with it. Held are some
//! MiB for each shard and for each file being read, and besides that names of keys, packed values and libraries, which are
//! held whole. It does not look for the same key twice in one file, nor at whether libraries register the same function.

mod delivery;
mod ledger;
mod output;
mod source;
mod splitting;
mod unfinished;
mod whole;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use futures::future::try_join_all;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use valkyard_model::SlotSet;

use crate::pipeline::PipelineError;
use crate::rdb::{Contents, Format, KeyTotals, Owners, RdbSummary, format_for};
use ledger::Ledger;
use output::Output;
pub use source::PlaceSource;
use splitting::Splitting;
pub(crate) use unfinished::UNFINISHED_PREFIX;
pub use unfinished::remove_unfinished_imports;
pub use whole::place_whole;

/// Messages on their way to an output: one being made while another is written.
const MESSAGES_MAX: usize = 2;
/// Most files that are read at once. Each keeps a processor busy and holds some MiB.
const FILES_AT_ONCE_MAX: usize = 4;

/// Where the data of a shard shall lie.
#[derive(Clone, Debug)]
pub struct PlaceTarget {
    /// The shard's slots.
    pub slots: SlotSet,
    /// The file, such as `dump.rdb` in a node's folder, which must be there. What is there of that name is replaced.
    pub path: PathBuf,
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaceProgress {
    /// Bytes read of all files.
    pub bytes: u64,
    /// Keys read of all files.
    pub keys: u64,
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// Function libraries in it, as in all others.
    pub libraries: u64,
    /// What its keys amount to. An engine loads that many, less those that have expired by then.
    pub totals: KeyTotals,
}

/// What was read and written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The files written, one for each target in the same order.
    pub files: Vec<PlacedFile>,
    /// What all keys amount to.
    pub totals: KeyTotals,
    /// The form of the files written: `VALKEY` 80 when a source is of that family, else `REDIS` 11.
    pub format: Format,
    /// What the files read hold, in their order.
    pub sources: Vec<RdbSummary>,
}

/// Divides the keys of all sources among the targets. `told` hears of the progress several times a second.
///
/// Sources are opened when their turn comes, some at once. The files of the targets appear one after the other at the very
/// end: when the machine stops just then, some may be there and others not.
///
/// # Errors
/// See [`PipelineError`]; then no file is there, though one that was there before may be gone if it failed at the very end.
pub async fn place_files(
    sources: &[PlaceSource],
    targets: &[PlaceTarget],
    stop: &CancellationToken,
    told: impl FnMut(PlaceProgress) + Send,
) -> Result<Placed, PipelineError> {
    let owners = Owners::new(targets.iter().map(|target| &target.slots)).map_err(|slot| PipelineError::TargetsShare { slot })?;
    let outputs = output::create_all(targets.iter().map(|target| target.path.clone())).await?;
    let writing = stop.run_until_cancelled(write(sources, owners, outputs, told)).await;
    let (placed, outputs) = writing.unwrap_or(Err(PipelineError::Stopped))?;
    output::publish(outputs).await?;
    Ok(placed)
}

/// Everything but giving the files their names.
async fn write(
    sources: &[PlaceSource],
    owners: Owners,
    outputs: Vec<Output>,
    told: impl FnMut(PlaceProgress) + Send,
) -> Result<(Placed, Vec<Output>), PipelineError> {
    let (outboxes, inboxes): (Vec<_>, Vec<_>) = outputs.iter().map(|_| mpsc::channel(MESSAGES_MAX)).unzip();
    let ledger = Mutex::new(Ledger::new(sources, told));
    let splitting = Splitting { owners: Arc::new(owners), outboxes, ledger: &ledger };
    let receiving = try_join_all(outputs.into_iter().zip(inboxes).map(|(output, inbox)| output.receive(inbox)));
    let (contents, outputs) = tokio::try_join!(read(sources, splitting), receiving)?;
    let libraries = ledger.into_inner().expect("nobody panicked with it").libraries();
    finish(contents, outputs, libraries).await
}

/// Reads all sources. The outputs have everything when it is over.
async fn read<T>(sources: &[PlaceSource], splitting: Splitting<'_, T>) -> Result<Vec<Contents>, PipelineError>
where
    T: FnMut(PlaceProgress) + Send,
{
    let at_once = std::thread::available_parallelism().map_or(1, |count| count.get().min(FILES_AT_ONCE_MAX));
    let splitting = &splitting;
    let numbered = (0..sources.len()).map(|index| async move { Ok((index, splitting.split(index, &sources[index]).await?)) });
    let mut contents: Vec<(usize, Contents)> = stream::iter(numbered).buffer_unordered(at_once).try_collect().await?;
    contents.sort_unstable_by_key(|(index, _)| *index);
    Ok(contents.into_iter().map(|(_, contents)| contents).collect())
}

async fn finish(contents: Vec<Contents>, outputs: Vec<Output>, libraries: u64) -> Result<(Placed, Vec<Output>), PipelineError> {
    let format = format_for(contents.iter().map(|contents| contents.summary.format));
    let of_that_family = contents.iter().map(|contents| &contents.summary).filter(|summary| summary.format.magic == format.magic);
    let engine = of_that_family.filter_map(|summary| summary.engine.as_deref()).max();
    let totals_of = |owner: usize| {
        let mut totals = KeyTotals::default();
        contents.iter().for_each(|contents| totals.add(&contents.of_owners[owner]));
        totals
    };
    let totals: Vec<KeyTotals> = (0..outputs.len()).map(totals_of).collect();
    let finishing = outputs.into_iter().zip(&totals).map(|(output, totals)| output.finish(format, totals, engine));
    let outputs = try_join_all(finishing).await?;
    let mut all = KeyTotals::default();
    totals.iter().for_each(|some| all.add(some));
    let file = |(output, totals): (&Output, KeyTotals)| {
        let (path, bytes) = (output.path().to_owned(), output.bytes());
        PlacedFile { path, bytes, libraries, totals }
    };
    let files = outputs.iter().zip(totals).map(file).collect();
    let sources = contents.into_iter().map(|contents| contents.summary).collect();
    Ok((Placed { files, totals: all, format, sources }, outputs))
}
