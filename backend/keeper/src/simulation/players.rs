//! The loops of instances, and clients who ask for this and that.

use valkyard_model::{
    Backup, BackupContent, BackupOrder, Convergence, DesiredInstance, Failure, FailureCode, Keeping, Lifecycle, OperationState,
};
use valkyard_store::{DeleteInstance, Scope};

use super::Calendar;
use super::ground::{Files, Ground};
use super::random::Random;
use crate::Surroundings;
use crate::testing::{Clients, instance_name};

/// Stores that backups are exported to; the last one takes nothing.
pub(super) const DESTINATIONS: [&str; 3] = ["s3://a", "s3://b", "s3://closed"];

const DAY_SECS: i64 = 24 * 3_600;

pub(super) struct Players<'r> {
    pub(super) clients: &'r Clients,
    pub(super) ground: &'r Ground,
    pub(super) random: &'r mut Random,
}

fn failure() -> Failure {
    Failure { code: FailureCode::Internal, message: "it broke".to_owned() }
}

impl Players<'_> {
    fn is_unlucky(&mut self) -> bool {
        !self.ground.lock().is_peaceful && self.random.below(5) == 0
    }

    /// Each loop takes a turn, or does not get to it.
    pub(super) async fn loops_turn(&mut self) {
        for name in self.clients.store.all_names().await.expect("reads") {
            if self.random.below(3) == 0 {
                continue;
            }
            let Some(instance) = self.clients.instance(&name).await else { continue };
            self.loop_turn(&instance).await;
        }
    }

    async fn loop_turn(&mut self, instance: &DesiredInstance) {
        let (store, now) = (&self.clients.store, self.clients.surroundings.now());
        match &instance.lifecycle {
            Lifecycle::Deleting | Lifecycle::Abandoned { .. } => {
                if let Some(order) = &instance.backup {
                    store.abandon_backup(&instance.name, instance.uid, order.uid, failure(), now).await.expect("is recorded");
                } else {
                    store.remove_instance(&instance.name, instance.uid, now).await.expect("is recorded");
                }
            }
            Lifecycle::Present if instance.convergence == Convergence::Never => {
                let store = store.clone();
                if self.is_unlucky() {
                    store.abandon_create(&instance.name, instance.uid, failure(), now).await.expect("is recorded");
                } else {
                    let recorded = store.record_converged(&instance.name, instance.uid, instance.generation, now).await;
                    recorded.expect("is recorded");
                }
            }
            Lifecycle::Present => {
                if let Some(order) = &instance.backup {
                    self.make(instance, order).await;
                }
            }
        }
    }

    /// One file, then the manifest, then the record; or it fails and leaves its file.
    async fn make(&mut self, instance: &DesiredInstance, order: &BackupOrder) {
        let (store, now) = (self.clients.store.clone(), self.clients.surroundings.now());
        if order.is_cancelled || self.is_unlucky() {
            store.abandon_backup(&instance.name, instance.uid, order.uid, failure(), now).await.expect("is recorded");
            return;
        }
        let is_complete = self.ground.lock().own.get(&order.name).map(|files| files.is_complete);
        match is_complete {
            Some(true) => {
                let content = BackupContent { finished_at: now, url: String::new(), digest: String::new(), files: Vec::new() };
                store.record_backup(&instance.name, instance.uid, order.uid, content, now).await.expect("is recorded");
            }
            Some(false) => drop(self.ground.lock().own.insert(order.name.clone(), Files { is_complete: true, changed_at: now })),
            None => drop(self.ground.lock().own.insert(order.name.clone(), Files { is_complete: false, changed_at: now })),
        }
    }

    /// Some request, or none.
    pub(super) async fn clients_turn(&mut self, calendar: Calendar) {
        let keeping = self.clients.store.keeping().await.expect("reads");
        let backup = self.random.pick(&keeping.backups).cloned();
        let name = instance_name(self.random.pick(&["cache", "sessions"]).expect("there are some"));
        match self.random.below(12) {
            0 => drop(self.clients.back_up(&name).await),
            1 => self.on_backup(backup).await,
            2 => self.cancel_something(&keeping).await,
            3 if self.clients.instance(&name).await.is_none() => self.clients.create(&name).await,
            4 if self.random.below(6) == 0 => {
                let delete =
                    DeleteInstance { name, operation_id: self.id(), request: None, now: self.clients.surroundings.now() };
                // Refused where it is being deleted.
                drop(self.clients.store.delete_instance(delete).await);
            }
            // Refused where the instance is gone.
            5 => drop(self.clients.store.set_verify(&name, self.random.below(2) == 0).await),
            6 => self.leave_something(),
            7 => {
                let days = i64::from(self.random.below(3));
                let is_back = calendar == Calendar::BackAndForth && self.random.below(2) == 0;
                let hours = i64::from(self.random.below(24)) * 3_600;
                let seconds = days * DAY_SECS + hours;
                self.clients.surroundings.advance_calendar(if is_back { -seconds } else { seconds });
            }
            _ => {}
        }
    }

    fn id(&self) -> valkyard_model::OperationId {
        let surroundings = &self.clients.surroundings;
        valkyard_model::OperationId::new(surroundings.now(), surroundings.random_uuid())
    }

    /// Each may be refused: the backup may be in any state.
    async fn on_backup(&mut self, backup: Option<Backup>) {
        let Some(backup) = backup else { return };
        let destination = self.random.pick(&DESTINATIONS).expect("there are some");
        match self.random.below(4) {
            0 => drop(self.clients.delete_backup(&backup.name).await),
            1 | 2 => drop(self.clients.export(&backup.name, destination).await),
            _ => drop(self.clients.verify(&backup.name).await),
        }
    }

    async fn cancel_something(&mut self, keeping: &Keeping) {
        let all = self.clients.store.operations(&Scope::default(), None, 1_000).await.expect("reads");
        let running: Vec<_> = all.into_iter().filter(|operation| operation.state == OperationState::Running).collect();
        let exports = keeping.exports.iter().map(|order| order.operation.clone());
        let candidates: Vec<_> = running.into_iter().map(|operation| operation.id).chain(exports).collect();
        if let Some(id) = self.random.pick(&candidates) {
            drop(self.clients.store.request_cancel(id, self.clients.surroundings.now()).await);
        }
    }

    /// A file of a backup that nobody has a record of, as a database that was lost leaves it.
    fn leave_something(&mut self) {
        let name = format!("projects/p/locations/us-central1/backupCollections/lost/backups/b{}", self.random.below(9));
        let files = Files { is_complete: self.random.below(4) == 0, changed_at: self.clients.surroundings.now() };
        self.ground.lock().own.entry(name.parse().expect("a name")).or_insert(files);
    }
}
