//! Doing what moves whole data sets: backups out of an instance, first data into one.

use valkyard_host::{drop_data, forget_import, note_import, rewrite};
use valkyard_model::{
    Admission, BackupRun, DesiredInstance, FilesSeen, ImportRun, ImportSeen, ImportSource, NodeSerial, Seen, Step, Timestamp,
};

use super::MachineWorld;
use super::execute::{acl_file, blocking};
use crate::world::StepError;

impl MachineWorld {
    /// Carries out the steps of this module; there is nothing to do for others.
    pub(super) async fn move_data(&self, desired: &DesiredInstance, step: &Step) -> Result<(), StepError> {
        let (store, name, uid) = (&self.machine.store, &self.name, desired.uid);
        match step {
            Step::BeginBackup { order, sources } => self.begin_backup(desired, order, sources),
            Step::StopBackup => self.stop_backup(),
            Step::RecordBackup { backup, content } => {
                store.record_backup(name, uid, *backup, content.clone(), (self.machine.now)()).await?;
            }
            Step::AbandonBackup { backup, failure } => {
                store.abandon_backup(name, uid, *backup, failure.clone(), (self.machine.now)()).await?;
            }
            Step::BeginImport { source: ImportSource::Primary(_), targets } => self.begin_seeding(desired, targets).await?,
            Step::BeginImport { source, targets } => self.begin_import(desired, source, targets),
            Step::EnsureLink { shard, source, target } => self.ensure_stream(desired, *shard, *source, *target).await?,
            Step::EndLink { shard } => self.end_stream(*shard).await,
            Step::SetReseeding { shards } => store.set_reseeding(name, uid, shards.clone(), (self.machine.now)()).await?,
            Step::ClearPoint { node } => self.clear_point(desired, *node).await?,
            Step::RecordDetached { rest } => store.record_detached(name, uid, rest.clone()).await?,
            Step::SwitchOver(step) => self.switch_over(desired, step).await?,
            Step::StopImport => self.stop_import(),
            Step::ConfirmImport { node } => self.confirm_import(desired, *node).await?,
            Step::ForgetImport { node, surplus } => {
                let (home, surplus) = (self.home(desired, *node), surplus.clone());
                let forgetting = move || {
                    surplus.iter().try_for_each(|source| drop_data(&home, *source))?;
                    forget_import(&home)
                };
                blocking(forgetting).await?;
            }
            Step::AllocateNodes { .. }
            | Step::PrepareNode { .. }
            | Step::StartProcess { .. }
            | Step::StopProcess { .. }
            | Step::ShutDownEngine { .. }
            | Step::RemoveFiles { .. }
            | Step::TakeOver { .. }
            | Step::Replicate { .. }
            | Step::Meet { .. }
            | Step::FailOver { .. }
            | Step::MoveSlots { .. }
            | Step::ClaimSlots { .. }
            | Step::CopyFunctions { .. }
            | Step::Configure { .. }
            | Step::SaveSnapshot { .. }
            | Step::Forget { .. }
            | Step::RetireNodes { .. }
            | Step::ReleaseNodes { .. }
            | Step::RecordDataLoss { .. }
            | Step::AbandonUpdate { .. }
            | Step::OpenDiscovery { .. }
            | Step::CloseDiscovery
            | Step::RecordConverged { .. }
            | Step::AbandonCreate { .. }
            | Step::RemoveInstance => {}
        }
        Ok(())
    }

    /// How far the work in the background is.
    pub(super) fn jobs_seen(&self, now: Timestamp) -> (Option<BackupRun>, Option<ImportRun>) {
        let attachments = self.attachments();
        let backup = attachments.backup.as_ref().map(|backup| backup.seen(now));
        (backup, attachments.import.as_ref().map(|import| import.seen(now)))
    }

    /// The note goes last: without it all of this is done again. A node that ends meanwhile comes back with the new file.
    async fn confirm_import(&self, desired: &DesiredInstance, node: NodeSerial) -> Result<(), StepError> {
        let (home, file) = (self.home(desired, node), acl_file(desired, desired.replication.part(), Admission::Clients));
        let admitting = {
            let home = home.clone();
            move || rewrite(&home, &file)
        };
        blocking(admitting).await?;
        self.link(desired, node).await?.load_acl().await?;
        let seen = valkyard_host::files_seen(&home);
        if let Seen::Known(FilesSeen { import: Some(import), .. }) = seen {
            // The point first: a node that counts as complete carries it.
            if let Some(point) = &import.point {
                self.write_point(desired, node, point).await?;
            }
            blocking(move || note_import(&home, &ImportSeen { is_counted: true, ..import })).await?;
        }
        Ok(())
    }
}
