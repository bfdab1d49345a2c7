//! Taking data from a primary instance into the folders of nodes that are not running: one snapshot for each shard, with the
//! point in its history that the shard goes on from.

use std::net::{SocketAddr, SocketAddrV4};
use std::sync::Arc;

use futures::future::try_join_all;
use tokio_util::sync::CancellationToken;
use valkyard_backups::{
    Background, Credentials, Job, JobFailure, PipelineError, Progress, TapFormat, TapLimits, TapRequest, place_tap,
    remove_unfinished_imports,
};
use valkyard_engine::render::ADMIN_USER;
use valkyard_host::{NodeHome, forget_import, note_import};
use valkyard_model::{DesiredInstance, FaultKind, ImportSeen, ImportTarget, SlotSet};

use super::MachineWorld;
use super::execute::blocking;
use super::failure::kind_of_files;
use super::import::{ImportJob, snapshot_of};
use crate::memory::error_chain;
use crate::world::StepError;

/// What one shard on its way holds in memory, in MiB: a chunk, and what reader and file have at hand.
const HELD_MB: u32 = 4;

/// A shard's data on its way.
struct Seeding {
    home: NodeHome,
    slots: SlotSet,
    tap: SocketAddrV4,
    credentials: Credentials,
    background: Background,
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
                background: self.machine.background.clone(),
            })
        };
        let seedings: Vec<Seeding> = targets.iter().filter_map(seeding).collect();
        let mut attachments = self.attachments();
        let attempts = attachments.import.as_ref().map_or(0, |before| before.attempts_so_far((self.machine.now)())) + 1;
        let work = |progress: Arc<Progress>, stop: CancellationToken| async move {
            let taking = seedings.iter().map(|seeding| seeding.run(&progress, &stop));
            try_join_all(taking).await.map(drop)
        };
        let (background, wake) = (&self.machine.background, self.wake.clone());
        let job =
            Job::begin(background, ("copying a primary instance", attempts), self.machine.now, move || wake.look_again(), work);
        attachments.import = Some(ImportJob::new(job));
        Ok(())
    }
}

impl Seeding {
    async fn run(&self, progress: &Progress, stop: &CancellationToken) -> Result<(), JobFailure> {
        let taken = self.background.take_turn(stop, HELD_MB, self.take(progress, stop)).await;
        taken.unwrap_or_else(|| Err(of_pipeline(&PipelineError::Stopped)))
    }

    async fn take(&self, progress: &Progress, stop: &CancellationToken) -> Result<(), JobFailure> {
        self.clear_folder().await?;
        let request = TapRequest {
            address: SocketAddr::V4(self.tap),
            credentials: Some(self.credentials.clone()),
            format: TapFormat::Newest,
            limits: TapLimits::default(),
        };
        let mut told = 0;
        let add = |bytes: u64| {
            progress.add_bytes(bytes - told);
            told = bytes;
        };
        let placed = place_tap(&request, &snapshot_of(&self.home), stop, add).await;
        let (summary, point) = placed.map_err(|error| of_pipeline(&error))?;
        if !summary.slots.without(&self.slots).is_empty() || !summary.slots_importing.is_empty() {
            let detail = "slots moved in the primary instance while its data was taken".to_owned();
            return Err(JobFailure { kind: FaultKind::Transient, detail });
        }
        progress.add_keys(summary.keys);
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
