//! Taking an instance's data into the backup store: one file for each shard, then the manifest that makes them a backup.

use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use valkyard_backups::{
    Background, BackupRef, BackupStore, BackupWriter, Credentials, IDENTITY_ATTRIBUTE, Job, JobFailure, MANIFEST_VERSION,
    Manifest, PipelineError, Progress, ShardName, ShardRecord, StoreError, TapFormat, TapLimits, TapRequest, place_of,
    take_shard,
};
use valkyard_engine::render::ADMIN_USER;
use valkyard_model::{
    BackupContent, BackupFile, BackupOrder, BackupRun, BackupSource, DesiredInstance, FaultKind, ShardIndex, Timestamp, Uid,
};

use super::MachineWorld;
use crate::memory::error_chain;

/// Names in the manifest for those who find a backup without its record.
const INSTANCE: &str = "instance";
const INSTANCE_UID: &str = "instance_uid";

/// A job that makes a backup.
#[derive(Debug)]
pub(super) struct BackupJob {
    pub(super) backup: Uid,
    pub(super) job: Job<BackupContent>,
}

impl BackupJob {
    pub(super) fn seen(&self, now: Timestamp) -> BackupRun {
        let job = &self.job;
        BackupRun { backup: self.backup, attempts: job.attempts, bytes: job.moved().bytes, state: job.state(now) }
    }
}

impl MachineWorld {
    pub(super) fn begin_backup(&self, desired: &DesiredInstance, order: &BackupOrder, sources: &[BackupSource]) {
        let mut attachments = self.attachments();
        let before = attachments.backup.as_ref().filter(|before| before.backup == order.uid);
        let attempts = before.map_or(0, |before| before.job.attempts) + 1;
        let (store, now) = (self.machine.backups.clone(), self.machine.now);
        let (background, wake) = (self.machine.background.clone(), self.wake.clone());
        let (order, sources, desired) = (order.clone(), sources.to_vec(), desired.clone());
        let uid = order.uid;
        let taking = Taking { store, now, order, sources, desired, background: background.clone() };
        let begin = |progress, stop| taking.run(progress, stop);
        let job = Job::begin(&background, ("backup", attempts), now, move || wake.look_again(), begin);
        attachments.backup = Some(BackupJob { backup: uid, job });
    }

    pub(super) fn stop_backup(&self) {
        if let Some(backup) = &self.attachments().backup {
            backup.job.stop();
        }
    }
}

/// Everything that the work needs.
struct Taking {
    store: BackupStore,
    now: fn() -> Timestamp,
    order: BackupOrder,
    sources: Vec<BackupSource>,
    desired: DesiredInstance,
    background: Background,
}

fn failed(what: impl Display, kind: FaultKind, error: &(dyn std::error::Error + 'static)) -> JobFailure {
    JobFailure { kind, detail: format!("{what}: {}", error_chain(error)) }
}

fn of_store(error: StoreError) -> JobFailure {
    // The store is the daemon's own: that it is not there, or refuses, is no fault of the data.
    failed("the backup store", error.fault(), &error)
}

fn of_task(error: impl Display) -> JobFailure {
    JobFailure { kind: FaultKind::Transient, detail: format!("the work on a shard ended early: {error}") }
}

fn of_shard(shard: ShardIndex) -> impl Fn(PipelineError) -> JobFailure {
    move |error| failed(format_args!("shard {shard}"), error.fault(), &error)
}

impl Taking {
    async fn run(self, progress: Arc<Progress>, stop: CancellationToken) -> Result<BackupContent, JobFailure> {
        let place = place_of(&self.order.name);
        let begun_at = (self.now)();
        // Nothing was written yet: it may end at once when it is stopped.
        let beginning = stop.run_until_cancelled(async {
            self.store.delete_own(&place, self.order.uid).await?;
            self.store.begin(&place).await
        });
        let stopped = || Err(StoreError::Stopped);
        let writer = Arc::new(beginning.await.unwrap_or_else(stopped).map_err(of_store)?);
        let taken = self.take_shards(&writer, &progress, &stop).await;
        // Every task has ended, and its handle with it.
        let writer = Arc::into_inner(writer).ok_or_else(|| of_task("a shard is still being taken"))?;
        let shards = match taken {
            Ok(shards) if !stop.is_cancelled() => shards,
            Ok(_) => return Err(abort(writer, of_shard(ShardIndex(0))(PipelineError::Stopped)).await),
            Err(failure) => return Err(abort(writer, failure).await),
        };
        let manifest = self.manifest(&place, shards, begun_at);
        writer.commit(&manifest).await.map_err(of_store)?;
        Ok(self.content(&manifest))
    }

    /// Each shard is read by a task of its own. After a failure the others are told to stop, and waited for: only
    /// one that ends in order makes a remote store forget the parts it has.
    async fn take_shards(
        &self,
        writer: &Arc<BackupWriter>,
        progress: &Arc<Progress>,
        stop: &CancellationToken,
    ) -> Result<Vec<ShardRecord>, JobFailure> {
        let stop = stop.child_token();
        let mut tasks = JoinSet::new();
        for source in &self.sources {
            let shard = TakingShard {
                source: source.clone(),
                secret: self.desired.secret.expose().to_owned(),
                now: self.now,
                writer: Arc::clone(writer),
                progress: Arc::clone(progress),
            };
            let (background, stop, held_mb) = (self.background.clone(), stop.clone(), writer.held_mb());
            tasks.spawn(async move {
                let index = shard.source.shard;
                let taken = background.take_turn(&stop, held_mb, shard.take(&stop)).await;
                taken.unwrap_or_else(|| Err(of_shard(index)(PipelineError::Stopped)))
            });
        }
        let (mut shards, mut failure) = (Vec::new(), None);
        while let Some(ended) = tasks.join_next().await {
            match ended.unwrap_or_else(|error| Err(of_task(error))) {
                Ok(record) => shards.push(record),
                Err(error) => {
                    stop.cancel();
                    failure.get_or_insert(error);
                }
            }
        }
        shards.sort_by(|a, b| (a.shard.as_str().len(), a.shard.as_str()).cmp(&(b.shard.as_str().len(), b.shard.as_str())));
        failure.map_or(Ok(shards), Err)
    }

    fn manifest(&self, place: &BackupRef, shards: Vec<ShardRecord>, begun_at: Timestamp) -> Manifest {
        let spec = &self.desired.spec;
        let attributes = [
            (INSTANCE, self.desired.name.to_string()),
            (INSTANCE_UID, self.desired.uid.to_string()),
            (IDENTITY_ATTRIBUTE, self.order.uid.to_string()),
        ];
        Manifest {
            version: MANIFEST_VERSION,
            backup: place.clone(),
            begun_at,
            finished_at: (self.now)(),
            engine_version: spec.engine_version,
            node_type: spec.node_type,
            shard_count: spec.shard_count,
            replica_count: spec.replica_count,
            shards,
            attributes: attributes.map(|(key, value)| (key.to_owned(), value)).into_iter().collect(),
        }
    }

    fn content(&self, manifest: &Manifest) -> BackupContent {
        let file = |shard: &ShardRecord| {
            let source = self.sources.iter().find(|source| source.shard.to_string() == shard.shard.as_str())?;
            Some(BackupFile {
                shard: source.shard,
                file: shard.file.clone(),
                bytes: shard.bytes,
                sha256: shard.sha256.to_string(),
                keys: shard.keys,
                keys_expiring: shard.keys_expiring,
                digest: shard.digest.to_string(),
                data_bytes: source.data_bytes,
                largest_key: shard.largest_key.clone(),
                slots: source.slots.clone(),
                begun_at: shard.begun_at,
                finished_at: shard.finished_at,
            })
        };
        BackupContent {
            finished_at: manifest.finished_at,
            url: format!("{}/{}", self.store.url().trim_end_matches('/'), manifest.backup),
            digest: manifest.digest().to_string(),
            files: manifest.shards.iter().filter_map(file).collect(),
        }
    }
}

/// What the task of one shard needs.
struct TakingShard {
    source: BackupSource,
    secret: String,
    now: fn() -> Timestamp,
    writer: Arc<BackupWriter>,
    progress: Arc<Progress>,
}

impl TakingShard {
    async fn take(self, stop: &CancellationToken) -> Result<ShardRecord, JobFailure> {
        let source = &self.source;
        let request = TapRequest {
            address: SocketAddr::V4(source.address),
            credentials: Some(Credentials { user: ADMIN_USER.to_owned(), password: self.secret.clone() }),
            format: TapFormat::Newest,
            limits: TapLimits::default(),
        };
        let shard: ShardName = source.shard.to_string().parse().expect("a shard's index is a name");
        let begun_at = (self.now)();
        let mut told = 0;
        let add = |bytes: u64| {
            self.progress.add_bytes(bytes - told);
            told = bytes;
        };
        let taken = take_shard(&request, &self.writer, &shard, stop, add).await.map_err(of_shard(source.shard))?;
        let strangers = taken.summary.slots.without(&source.slots);
        if !strangers.is_empty() || !taken.summary.slots_importing.is_empty() {
            let detail = format!("shard {}: slots moved while its data was taken", source.shard);
            return Err(JobFailure { kind: FaultKind::Transient, detail });
        }
        Ok(taken.record(source.slots.clone(), source.data_bytes, begun_at, (self.now)()))
    }
}

/// The first error is the one to tell; what could not be removed is found as a leftover.
async fn abort(writer: BackupWriter, failure: JobFailure) -> JobFailure {
    drop(writer.abort().await);
    failure
}
