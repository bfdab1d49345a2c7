//! What must never be, looked at after each round, and what must be in the end.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use valkyard_model::SCRATCH_PROJECT;
use valkyard_model::{
    Backup, BackupName, BackupOrigin, BackupState, Lifecycle, Operation, OperationId, OperationState, Scheduled, Timestamp, Uid,
    Verb, Verification,
};
use valkyard_planner::DUE_ATTEMPTS_MAX;
use valkyard_store::Scope;

use super::Calendar;
use super::ground::{Files, Ground};
use crate::Surroundings;
use crate::testing::Clients;

#[derive(Debug, Default)]
pub(super) struct Oracle {
    /// Every due time that ever had a complete backup, with that backup.
    served: BTreeMap<(Uid, Timestamp), Uid>,
    /// Operations that ended well or not.
    ended: BTreeMap<OperationId, bool>,
}

fn due(backup: &Backup) -> Option<Timestamp> {
    match backup.origin {
        BackupOrigin::OnDemand => None,
        BackupOrigin::Automated { due } => Some(due),
    }
}

impl Oracle {
    pub(super) async fn look(&mut self, seed: u64, calendar: Calendar, clients: &Clients, ground: &Ground) {
        let keeping = clients.store.keeping().await.expect("reads");
        let mut served = BTreeSet::new();
        for backup in &keeping.backups {
            let files = ground.lock().own.get(&backup.name).copied();
            if backup.is_active() {
                assert!(files.is_some_and(|files| files.is_complete), "seed {seed}: {} is half there: {files:?}", backup.name);
            }
            let counts = backup.content().is_some() || backup.state == BackupState::Creating;
            if let Some(due) = due(backup).filter(|_| counts) {
                let key = (backup.instance_uid, due);
                assert!(served.insert(key), "seed {seed}: two backups for {due}");
                if backup.content().is_some() {
                    let first = *self.served.entry(key).or_insert(backup.uid);
                    let is_again = calendar == Calendar::Forward && first != backup.uid;
                    assert!(!is_again, "seed {seed}: another backup for {due}");
                }
            }
            let is_under_way = matches!(backup.verification, Verification::Running { .. });
            let has_row = keeping.verifications.iter().any(|order| order.backup == backup.uid);
            assert_eq!(is_under_way, has_row, "seed {seed}: {}", backup.name);
        }
        for operation in self.operations(clients).await {
            self.look_at_operation(seed, &operation, ground);
        }
    }

    async fn operations(&self, clients: &Clients) -> Vec<Operation> {
        clients.store.operations(&Scope::default(), None, 10_000).await.expect("reads")
    }

    /// What ended stays as it ended, and an export that succeeded left a complete copy somewhere.
    fn look_at_operation(&mut self, seed: u64, operation: &Operation, ground: &Ground) {
        let is_well = match &operation.state {
            OperationState::Running => {
                assert!(!self.ended.contains_key(&operation.id), "seed {seed}: {} ran again", operation.id);
                return;
            }
            OperationState::Succeeded { .. } => true,
            OperationState::Failed { .. } => false,
        };
        let before = *self.ended.entry(operation.id.clone()).or_insert(is_well);
        assert_eq!(before, is_well, "seed {seed}: {} ended twice", operation.id);
        if operation.verb == Verb::Export && is_well {
            let name = operation.target.to_string();
            let is_there =
                ground.lock().others.iter().any(|((_, backup), files)| files.is_complete && backup.to_string() == name);
            assert!(is_there, "seed {seed}: {name} was exported to nowhere");
        }
    }

    /// What is not as it must be once nobody asks for anything and nothing fails.
    pub(super) async fn unfinished(&self, clients: &Clients, ground: &Ground) -> Option<String> {
        let keeping = clients.store.keeping().await.expect("reads");
        let calendar = clients.surroundings.calendar();
        let lingers = |backup: &&Backup| !backup.is_active() || backup.expire_time <= calendar;
        let lingering = keeping.backups.iter().find(lingers).map(|backup| format!("{backup:?} lingers"));
        let running = self.operations(clients).await.into_iter().find(|operation| operation.state == OperationState::Running);
        let running = running.map(|operation| format!("{operation:?} goes on"));
        let names = clients.store.all_names().await.expect("reads");
        let scratch =
            names.into_iter().find(|name| name.project.as_str() == SCRATCH_PROJECT).map(|name| format!("{name} is there"));
        let is_left = |(name, files): &(&BackupName, &Files)| {
            !files.is_complete && !keeping.backups.iter().any(|backup| backup.name == **name)
        };
        let leftover = ground.lock().own.iter().find(is_left).map(|(name, _)| format!("{name} was left"));
        let unserved = keeping.scheduled.iter().find(|scheduled| !self.is_served(scheduled, calendar));
        let unserved = unserved.map(|scheduled| format!("{} has no backup: {:?}", scheduled.instance.name, scheduled.record));
        lingering.or(running).or(scratch).or(leftover).or(unserved)
    }

    /// Whether the last due time has its backup, had it, or gets none.
    fn is_served(&self, scheduled: &Scheduled, calendar: Timestamp) -> bool {
        let (instance, record) = (&scheduled.instance, &scheduled.record);
        let Some((last, _)) = instance.spec.automated_backups.last_due(calendar) else { return true };
        let had_one = self.served.contains_key(&(instance.uid, last));
        let is_before = record.since.is_some_and(|since| since >= last);
        let is_given_up = record.last_due == Some(last) && record.attempts >= DUE_ATTEMPTS_MAX;
        // A clock that was set back by a day at most: nothing before the last begun due time is made.
        let is_past = record.last_due.is_some_and(|due| due > last && due - last <= TimeDelta::days(1));
        had_one || is_before || is_given_up || is_past || instance.lifecycle != Lifecycle::Present
    }
}
