//! Putting first data into the folders of nodes that were never started: every file is read once, and each node gets the keys of
//! its slots.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use valkyard_backups::{
    BackupStore, ImportFile, Job, JobFailure, Moved, PipelineError, PlaceProgress, PlaceSource, PlaceTarget, Progress,
    StoreError, StoreOptions, place_files, place_of, place_whole, remove_unfinished_imports,
};
use valkyard_host::{FilesError, NodeHome, forget_import, note_import};
use valkyard_model::{
    BackupName, ByteSize, DesiredInstance, EngineVersion, FaultKind, ImportRun, ImportSeen, ImportSource, ImportTarget, JobState,
    KeySize, NodeType, SlotSet, Timestamp,
};
use valkyard_store::Store;

use super::MachineWorld;
use super::execute::blocking;
use super::failure::kind_of_files;
use crate::memory::error_chain;

/// A job that places first data.
#[derive(Debug)]
pub(super) struct ImportJob {
    job: Job<()>,
}

impl ImportJob {
    pub(super) fn new(job: Job<()>) -> Self {
        Self { job }
    }

    /// How often in a row it was begun without success.
    pub(super) fn attempts_so_far(&self, now: Timestamp) -> u32 {
        match self.job.state(now) {
            JobState::Done(()) => 0,
            JobState::Running | JobState::Failed { .. } => self.job.attempts,
        }
    }

    pub(super) fn seen(&self, now: Timestamp) -> ImportRun {
        let Moved { bytes, bytes_total, keys, .. } = self.job.moved();
        ImportRun { attempts: self.job.attempts, bytes, bytes_total, keys, state: self.job.state(now) }
    }
}

/// A node's folder and the slots whose keys it gets.
struct Place {
    home: NodeHome,
    slots: SlotSet,
}

/// Everything that the work needs.
struct Placing {
    store: BackupStore,
    records: Store,
    options: Arc<StoreOptions>,
    source: ImportSource,
    engine: EngineVersion,
    node_type: NodeType,
    /// Data that a node can be counted on to hold.
    room: ByteSize,
    places: Vec<Place>,
}

impl MachineWorld {
    pub(super) fn begin_import(&self, desired: &DesiredInstance, source: &ImportSource, targets: &[ImportTarget]) {
        let place = |target: &ImportTarget| Place { home: self.home(desired, target.node), slots: target.slots.clone() };
        let placing = Placing {
            store: self.machine.backups.clone(),
            records: self.machine.store.clone(),
            options: Arc::clone(&self.machine.store_options),
            source: source.clone(),
            engine: desired.spec.engine_version,
            node_type: desired.spec.node_type,
            room: desired.maxmemory.usable(),
            places: targets.iter().map(place).collect(),
        };
        let mut attachments = self.attachments();
        let attempts = attachments.import.as_ref().map_or(0, |before| before.job.attempts) + 1;
        let (background, wake) = (&self.machine.background, self.wake.clone());
        let begin = |progress, stop| placing.run(progress, stop);
        let job = Job::begin(background, ("import of data", attempts), self.machine.now, move || wake.look_again(), begin);
        attachments.import = Some(ImportJob { job });
    }

    pub(super) fn stop_import(&self) {
        if let Some(import) = &self.attachments().import {
            import.job.stop();
        }
    }
}

fn of_store(error: StoreError) -> JobFailure {
    JobFailure { kind: error.fault(), detail: error_chain(&error) }
}

fn of_pipeline(error: PipelineError) -> JobFailure {
    JobFailure { kind: error.fault(), detail: error_chain(&error) }
}

fn of_files(error: FilesError) -> JobFailure {
    JobFailure { kind: kind_of_files(&error), detail: error_chain(&error) }
}

fn of_folder(error: io::Error) -> JobFailure {
    JobFailure { kind: FaultKind::Transient, detail: format!("failed to clear a node's folder: {error}") }
}

impl Placing {
    async fn run(self, progress: Arc<Progress>, stop: CancellationToken) -> Result<(), JobFailure> {
        let finding = stop.run_until_cancelled(self.sources());
        let sources = finding.await.unwrap_or_else(|| Err(of_store(StoreError::Stopped)))?;
        let bytes_total = sources.iter().map(PlaceSource::bytes).sum();
        progress.tell(Moved { bytes_total, ..Moved::default() });
        self.clear_folders().await?;
        let target = |place: &Place| PlaceTarget { slots: place.slots.clone(), path: snapshot_of(&place.home) };
        let targets: Vec<PlaceTarget> = self.places.iter().map(target).collect();
        let told = |moved: PlaceProgress| {
            progress.tell(Moved { bytes: moved.bytes, bytes_total, keys: moved.keys, keys_total: 0 });
        };
        let keys = match place_whole(&sources, &targets, &stop, told).await.map_err(of_pipeline)? {
            Some(keys) => keys,
            None => {
                let placed = place_files(&sources, &targets, &stop, told).await.map_err(of_pipeline)?;
                self.refuse_newer(placed.format.version)?;
                placed.totals.largest.iter().try_for_each(|key| self.refuse_large(&key.size()))?;
                placed.files.iter().map(|file| file.totals.keys).collect()
            }
        };
        self.note(keys).await
    }

    async fn sources(&self) -> Result<Vec<PlaceSource>, JobFailure> {
        match &self.source {
            ImportSource::Backup(name) => self.kept(name).await,
            // Its nodes are tapped; there are no files.
            ImportSource::Primary(_) => Ok(Vec::new()),
            ImportSource::Files(urls) => {
                let mut sources = Vec::with_capacity(urls.len());
                for url in urls {
                    let file = ImportFile::find(url, self.options.of(url)).await.map_err(of_store)?;
                    sources.push(PlaceSource::Imported(file));
                }
                Ok(sources)
            }
        }
    }

    async fn kept(&self, name: &BackupName) -> Result<Vec<PlaceSource>, JobFailure> {
        let backup = place_of(name);
        let manifest = self.store.manifest(&backup).await.map_err(of_store)?;
        let record = self.records.backup(name).await;
        let record = record.map_err(|error| JobFailure { kind: FaultKind::Transient, detail: error_chain(&error) })?;
        let is_it = record.is_some_and(|record| record.content().is_some_and(|content| manifest.matches(record.uid, content)));
        if !is_it {
            return Err(of_store(StoreError::Foreign { backup }));
        }
        manifest.shards.iter().try_for_each(|shard| self.refuse_newer(shard.rdb_version))?;
        manifest.shards.iter().filter_map(|shard| shard.largest_key.as_ref()).try_for_each(|key| self.refuse_large(key))?;
        let source = |shard| PlaceSource::Kept { store: self.store.clone(), backup: backup.clone(), shard: Box::new(shard) };
        Ok(manifest.shards.into_iter().map(source).collect())
    }

    /// What a former attempt left is of no use: without their notes, files count for nothing.
    async fn clear_folders(&self) -> Result<(), JobFailure> {
        let homes: Vec<NodeHome> = self.places.iter().map(|place| place.home.clone()).collect();
        let clearing = move || {
            for home in &homes {
                forget_import(home).map_err(of_files)?;
                remove_unfinished_imports(home.path()).map_err(of_folder)?;
            }
            Ok(())
        };
        blocking(clearing).await
    }

    fn refuse_newer(&self, version: u16) -> Result<(), JobFailure> {
        let most = self.engine.rdb_version_max();
        if version <= most {
            return Ok(());
        }
        let detail = format!(
            "the data has RDB version {version}, and {} reads versions up to {most}: choose a newer engine_version",
            self.engine
        );
        Err(JobFailure { kind: FaultKind::BadData, detail })
    }

    /// Refuses a key that no node will hold, before one is started with it.
    fn refuse_large(&self, key: &KeySize) -> Result<(), JobFailure> {
        if key.memory_bytes_min <= self.room.0 {
            return Ok(());
        }
        let detail = format!(
            "key {:?} takes {} MiB at least, and a node of {} has room for {} MiB (scaled to this machine); a key is in one shard, \
             so more of them do not help: choose a larger node type",
            key.name,
            key.memory_bytes_min.div_ceil(1 << 20),
            self.node_type,
            self.room.0 >> 20
        );
        Err(JobFailure { kind: FaultKind::BadData, detail })
    }

    async fn note(&self, keys: Vec<u64>) -> Result<(), JobFailure> {
        let notes: Vec<(NodeHome, u64)> = self.places.iter().map(|place| place.home.clone()).zip(keys).collect();
        let noting = move || {
            notes
                .iter()
                .try_for_each(|(home, keys)| note_import(home, &ImportSeen { keys: *keys, is_counted: false, point: None }))
        };
        blocking(noting).await.map_err(of_files)
    }
}

pub(super) fn snapshot_of(home: &NodeHome) -> PathBuf {
    home.path().join(NodeHome::SNAPSHOT_FILE)
}
