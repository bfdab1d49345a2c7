//! Steps that change records only: one transaction each, and a word to the loop of the instance it concerns.

use std::collections::BTreeMap;
use std::sync::Arc;

use valkyard_model::{
    AdminSecret, BackupName, BackupOrigin, DesiredInstance, InstanceName, Keeping, OperationId, OperationState, ProjectId,
    SCRATCH_PROJECT, Timestamp, Uid, scratch_name,
};
use valkyard_planner::{KeepingStep, SCRATCH_LABEL};
use valkyard_store::{
    BackUpInstance, CreateInstance, DatabaseError, DeleteError, DeleteInstance, InstanceOrder, Scope, Store, VerifyBackup,
};

use crate::{KeepingError, Surroundings};

/// Scratch instances read at once. There is one, or a few that are being deleted.
const SCRATCHES_MAX: u32 = 1_000;

/// The database and what its transactions need.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    pub(crate) store: Store,
    pub(crate) surroundings: Arc<dyn Surroundings>,
}

/// The backup stays, since somebody needs it.
#[derive(Debug, thiserror::Error)]
#[error("the backup is needed by an instance or an operation")]
struct InUse;

impl Records {
    pub(crate) async fn keeping(&self) -> Result<Keeping, DatabaseError> {
        self.store.keeping().await
    }

    /// Instances that were made for verifications.
    pub(crate) async fn scratches(&self) -> Result<Vec<DesiredInstance>, DatabaseError> {
        let project: ProjectId = SCRATCH_PROJECT.parse().expect("a project's name");
        let scope = Scope { project: Some(project), location: None };
        let mut found = self.store.instances(&scope, InstanceOrder::Name { after: None }, SCRATCHES_MAX).await?;
        found.retain(|instance| instance.spec.labels.contains_key(SCRATCH_LABEL));
        Ok(found)
    }

    /// How far the creations of scratch instances are, by the operation of the verification.
    pub(crate) async fn creations(&self, keeping: &Keeping) -> Result<BTreeMap<OperationId, OperationState>, DatabaseError> {
        let mut creations = BTreeMap::new();
        for order in &keeping.verifications {
            if let Some(creation) = self.store.operation(&order.creation()).await? {
                creations.insert(order.operation.clone(), creation.state);
            }
        }
        Ok(creations)
    }

    fn operation_id(&self) -> (OperationId, Timestamp) {
        let now = self.surroundings.now();
        (OperationId::new(now, self.surroundings.random_uuid()), now)
    }

    /// Carries out a step that is about records; the others are their world's.
    pub(crate) async fn execute(&self, step: &KeepingStep) -> Result<(), KeepingError> {
        let now = self.surroundings.now();
        match step {
            KeepingStep::BackUp { instance, due, expire_time } => self.back_up(instance, *due, *expire_time).await,
            KeepingStep::Expire { backup } => {
                let failed = |error: DatabaseError| KeepingError::of("record that a backup has expired")(error);
                let is_leaving = self.store.expire_backup(*backup).await.map_err(failed)?;
                if is_leaving { Ok(()) } else { Err(KeepingError::of("let an expired backup go")(InUse)) }
            }
            KeepingStep::RemoveRecord { backup } => {
                let removed = self.store.remove_backup(*backup, now).await;
                removed.map_err(KeepingError::of("remove the record of a backup"))
            }
            KeepingStep::FinishExport { operation, backup, outcome } => {
                let finished = self.store.finish_export(operation, *backup, outcome.clone(), now).await;
                finished.map_err(KeepingError::of("record the end of an export"))
            }
            KeepingStep::CreateScratch { .. } => self.create_scratch(step).await,
            KeepingStep::FinishVerification { backup, outcome, failure } => {
                let finished = self.store.finish_verification(*backup, outcome.clone(), failure.clone(), now).await;
                finished.map_err(KeepingError::of("record the end of a verification"))
            }
            KeepingStep::DeleteScratch { instance } => self.delete_scratch(instance).await,
            KeepingStep::Verify { backup } => self.verify(backup).await,
            KeepingStep::BeginDeletion { .. }
            | KeepingStep::BeginExport(_)
            | KeepingStep::BeginComparison { .. }
            | KeepingStep::BeginSweep { .. }
            | KeepingStep::EndJob(_) => Ok(()),
        }
    }

    async fn back_up(&self, instance: &InstanceName, due: Timestamp, expire_time: Timestamp) -> Result<(), KeepingError> {
        let (operation_id, now) = self.operation_id();
        let accepted = BackUpInstance {
            name: instance.clone(),
            backup: None,
            uid: Uid(self.surroundings.random_uuid()),
            collection_uid: Uid(self.surroundings.random_uuid()),
            origin: BackupOrigin::Automated { due },
            create_time: self.surroundings.calendar(),
            expire_time,
            operation_id,
            request: None,
            now,
        };
        self.store.back_up_instance(accepted).await.map_err(KeepingError::of("begin an automated backup"))?;
        self.surroundings.look_again(instance.clone()).await;
        Ok(())
    }

    async fn create_scratch(&self, step: &KeepingStep) -> Result<(), KeepingError> {
        let KeepingStep::CreateScratch { order, spec, maxmemory } = step else { return Ok(()) };
        let create = CreateInstance {
            name: order.scratch.clone(),
            uid: Uid(self.surroundings.random_uuid()),
            spec: (**spec).clone(),
            maxmemory: *maxmemory,
            secret: AdminSecret::from_random(self.surroundings.random()),
            address_plan: self.surroundings.address_plan(),
            operation_id: order.creation(),
            request: None,
            at: self.surroundings.calendar(),
            now: self.surroundings.now(),
            follow: None,
        };
        let surroundings = Arc::clone(&self.surroundings);
        let created = self.store.create_instance(create, move |address| surroundings.address_is_free(address)).await;
        created.map_err(KeepingError::of("create an instance to verify a backup with"))?;
        self.surroundings.look_again(order.scratch.clone()).await;
        Ok(())
    }

    async fn delete_scratch(&self, instance: &InstanceName) -> Result<(), KeepingError> {
        let (operation_id, now) = self.operation_id();
        let delete = DeleteInstance { name: instance.clone(), operation_id, request: None, now };
        match self.store.delete_instance(delete).await {
            Ok(_) | Err(DeleteError::NotFound { .. } | DeleteError::AlreadyDeleting { .. }) => {
                self.surroundings.look_again(instance.clone()).await;
                Ok(())
            }
            Err(error) => Err(KeepingError::of("delete an instance that a backup was verified with")(error)),
        }
    }

    async fn verify(&self, backup: &BackupName) -> Result<(), KeepingError> {
        let (operation_id, now) = self.operation_id();
        let scratch = scratch_name(&backup.collection.location, self.surroundings.random_uuid());
        let verify = VerifyBackup { name: backup.clone(), scratch, operation_id, at: self.surroundings.calendar(), now };
        self.store.verify_backup(verify).await.map_err(KeepingError::of("begin to verify an automated backup"))?;
        Ok(())
    }
}
