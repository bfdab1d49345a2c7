//! Taking data from a primary instance into the folders of nodes that are not running: one snapshot for each shard, with the
//! point in its history that the shard goes on from.

use std::net::{SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::try_join_all;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use valkyard_backups::{Credentials, PipelineError, TapFormat, TapLimits, TapRequest, place_tap, remove_unfinished_imports};
use valkyard_engine::render::ADMIN_USER;
use valkyard_host::{NodeHome, forget_import, note_import};
use valkyard_model::{DesiredInstance, FaultKind, ImportSeen, ImportTarget, SlotSet};

use super::MachineWorld;
use super::execute::blocking;
use super::failure::kind_of_files;
use super::import::{ImportJob, snapshot_of};
use super::job::{Job, JobFailure, Progress};
use crate::memory::error_chain;
use crate::world::StepError;

/// A shard's data on its way.
struct Seeding {
    home: NodeHome,
    slots: SlotSet,
    tap: SocketAddrV4,
    credentials: Credentials,
    transfers: Arc<Semaphore>,
}

impl MachineWorld {
    pub(super) async fn begin_seeding(&self, desired: &DesiredInstance, targets: &[ImportTarget]) -> Result<(), StepError> {
        let secret = self.primary_secret(desired).await?;
        let credentials = Credentials { user: ADMIN_USER.to_owned(), password: secret.expose().to_owned() };
        let seeding = |target: &ImportTarget| {
            Some(Seeding {
                home: self.home(desired, target.node),
                slots: target.slots.clone(),
                tap: target.tap?,
                credentials: credentials.clone(),
                transfers: Arc::clone(&self.machine.transfers),
            })
        };
        let seedings: Vec<Seeding> = targets.iter().filter_map(seeding).collect();
        let mut attachments = self.attachments();
        let attempts = attachments.import.as_ref().map_or(0, |before| before.attempts_so_far((self.machine.now)())) + 1;
        let work = |progress: Arc<Progress>, stop: CancellationToken| async move {
            let taking = seedings.iter().map(|seeding| seeding.run(&progress, &stop));
            try_join_all(taking).await.map(drop)
        };
        attachments.import = Some(ImportJob::new(Job::begin(attempts, self.machine.now, self.wake.clone(), work)));
        Ok(())
    }
}

impl Seeding {
    async fn run(&self, progress: &Progress, stop: &CancellationToken) -> Result<(), JobFailure> {
        let permit = stop.run_until_cancelled(self.transfers.acquire()).await;
        let _permit = permit.and_then(Result::ok).ok_or_else(|| of_pipeline(&PipelineError::Stopped))?;
        self.clear_folder().await?;
        let request = TapRequest {
            address: SocketAddr::V4(self.tap),
            credentials: Some(self.credentials.clone()),
            format: TapFormat::Newest,
            limits: TapLimits::default(),
        };
        let mut told = 0;
        let add = |bytes: u64| {
            progress.bytes.fetch_add(bytes - told, Ordering::Relaxed);
            told = bytes;
        };
        let placed = place_tap(&request, &snapshot_of(&self.home), stop, add).await;
        let (summary, point) = placed.map_err(|error| of_pipeline(&error))?;
        if !summary.slots.without(&self.slots).is_empty() || !summary.slots_importing.is_empty() {
            let detail = "slots moved in the primary instance while its data was taken".to_owned();
            return Err(JobFailure { kind: FaultKind::Transient, detail });
        }
        progress.keys.fetch_add(summary.keys, Ordering::Relaxed);
        let (home, note) = (self.home.clone(), ImportSeen { keys: summary.keys, is_counted: false, point: Some(point) });
        // The file is on disk before its note, and the note before a process may start on it.
        let noting = blocking(move || note_import(&home, &note)).await;
        noting.map_err(|error| JobFailure { kind: kind_of_files(&error), detail: error_chain(&error) })
    }

    async fn clear_folder(&self) -> Result<(), JobFailure> {
        let home = self.home.clone();
        let clearing = move || {
            forget_import(&home).map_err(|error| JobFailure { kind: kind_of_files(&error), detail: error_chain(&error) })?;
            remove_unfinished_imports(home.path()).map_err(|error| {
                let detail = format!("failed to clear a node's folder: {error}");
                JobFailure { kind: FaultKind::Transient, detail }
            })
        };
        blocking(clearing).await
    }
}

fn of_pipeline(error: &PipelineError) -> JobFailure {
    JobFailure { kind: error.fault(), detail: error_chain(error) }
}
