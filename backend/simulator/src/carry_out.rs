//! Steps as the machine carries them out, wholly or halfway, with the faults in force.

use valkyard_model::{DataLoss, DiscoverySeen, FaultKind, MoveWay, NodeSerial, Step, SwitchoverStep};
use valkyard_reconciler::StepError;

use crate::by_keys::{KeyMove, MoveEnd};
use crate::machine::Machine;

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refusal(&'static str);

pub(crate) fn refuse(kind: FaultKind, reason: &'static str) -> Result<(), StepError> {
    Err(StepError { kind, source: Box::new(Refusal(reason)) })
}

pub(crate) fn transient(result: Result<(), &'static str>) -> Result<(), StepError> {
    result.or_else(|reason| refuse(FaultKind::Transient, reason))
}

/// The reply of a step whose daemon died: nobody hears it, a refusal neither.
fn lose(reply: Result<(), StepError>) {
    drop(reply);
}

impl Machine {
    pub(crate) fn carry_out(&mut self, step: &Step) -> Result<(), StepError> {
        if self.random.chance(self.chaos.transient_percent) {
            return refuse(FaultKind::Transient, "it happens");
        }
        match step {
            Step::AllocateNodes { nodes } => self.allocate(nodes),
            Step::PrepareNode { node, settings, seed, admission: _ } => return self.prepare(*node, settings, seed),
            Step::StartProcess { node, engine, seed, load } => return self.start(*node, *engine, seed.as_ref(), *load),
            Step::StopProcess { node, manner } => self.stop(*node, *manner),
            Step::ShutDownEngine { node } => return self.shut_down(*node),
            Step::RemoveFiles { node } => self.remove_files(*node),
            Step::TakeOver { node } => return self.take_over(*node),
            Step::Replicate { node, primary } => return transient(self.attach(*node, primary)),
            Step::Meet { node, peers } => {
                let addresses: Vec<_> = peers.iter().map(|peer| peer.client).collect();
                return transient(self.meet(*node, &addresses));
            }
            Step::FailOver { node } => return transient(self.begin_handover(*node)),
            Step::MoveSlots { .. } => return transient(self.move_slots(step, MoveEnd::TimeUp)),
            Step::ClaimSlots { node, slots } => return transient(self.claim_slots(*node, slots, MoveEnd::TimeUp)),
            Step::CopyFunctions { node, source } => return transient(self.copy_functions(*node, *source)),
            Step::Configure { node, settings, surplus } => {
                transient(self.set_live(*node, settings, surplus))?;
                return self.write_settings(*node, settings);
            }
            Step::SaveSnapshot { node } => return transient(self.save_snapshot(*node)),
            Step::BeginBackup { order, sources } => self.begin_backup(order, sources),
            Step::StopBackup => self.stop_backup(),
            Step::RecordBackup { backup, .. } => self.record_backup(*backup),
            Step::AbandonBackup { backup, .. } => self.abandon_backup(*backup),
            Step::BeginImport { targets, .. } => self.begin_import(targets),
            Step::StopImport => self.stop_import(),
            Step::ConfirmImport { node } => return transient(self.confirm_import(*node)),
            Step::EnsureLink { shard, source, target } => self.ensure_link(*shard, *source, *target),
            Step::EndLink { shard } => self.end_link(*shard),
            Step::SetReseeding { shards } => self.set_reseeding(shards),
            Step::ClearPoint { node } => return transient(self.clear_point(*node)),
            Step::RecordDetached { rest } => self.record_detached(rest),
            Step::SwitchOver(step) => return transient(self.switch_over(step)),
            Step::ForgetImport { node, surplus } => self.forget_import(*node, surplus),
            Step::Forget { node, peers } => return transient(self.forget(*node, peers)),
            Step::RetireNodes { nodes } => self.retire(nodes),
            Step::ReleaseNodes { nodes } => self.release(nodes),
            Step::RecordDataLoss { shard, at, restored_to } => {
                self.record_loss(DataLoss { shard: *shard, at: *at, restored_to: *restored_to });
            }
            Step::AbandonUpdate { failure } => self.abandon_update(failure),
            Step::OpenDiscovery { backends } => self.discovery = Some(DiscoverySeen { backends: backends.clone() }),
            Step::CloseDiscovery => self.discovery = None,
            Step::RecordConverged { generation } => self.record_converged(*generation),
            Step::AbandonCreate { failure } => self.abandon_create(failure),
            Step::RemoveInstance => self.remove_instance(),
        }
        Ok(())
    }

    /// As much of a step as a dying daemon leaves behind: transactions nothing, folders a part, signals everything.
    pub(crate) fn carry_out_half(&mut self, step: &Step) {
        match step {
            Step::PrepareNode { .. } => self.leftovers += 1,
            Step::RemoveFiles { node } => {
                self.remove_files(*node);
                self.leftovers += 1;
            }
            Step::RemoveInstance => self.leftovers = 0,
            Step::AllocateNodes { .. }
            | Step::RetireNodes { .. }
            | Step::ReleaseNodes { .. }
            | Step::RecordDataLoss { .. }
            | Step::RecordBackup { .. }
            | Step::AbandonBackup { .. }
            | Step::ConfirmImport { .. }
            | Step::SetReseeding { .. }
            | Step::RecordDetached { .. }
            | Step::SwitchOver(
                SwitchoverStep::RecordDrained { .. }
                | SwitchoverStep::TurnOver { .. }
                | SwitchoverStep::GiveUp { .. }
                | SwitchoverStep::RecordPoints { .. }
                | SwitchoverStep::Finish,
            )
            | Step::EnsureLink { .. }
            | Step::EndLink { .. }
            | Step::AbandonUpdate { .. }
            | Step::OpenDiscovery { .. }
            | Step::CloseDiscovery
            | Step::RecordConverged { .. }
            | Step::AbandonCreate { .. } => {}
            Step::Configure { node, settings, .. } => lose(transient(self.set_live(*node, settings, &[]))),
            Step::ForgetImport { node, surplus } => self.drop_data(*node, surplus),
            Step::MoveSlots { .. } => lose(transient(self.move_slots(step, MoveEnd::Death))),
            Step::ClaimSlots { node, slots } => lose(transient(self.claim_slots(*node, slots, MoveEnd::Death))),
            Step::Forget { node, peers } => lose(transient(self.forget(*node, &peers[..peers.len() / 2]))),
            Step::Meet { node, peers } => {
                let addresses: Vec<_> = peers.iter().take(peers.len() / 2).map(|peer| peer.client).collect();
                lose(transient(self.meet(*node, &addresses)));
            }
            Step::StartProcess { .. }
            | Step::StopProcess { .. }
            | Step::ShutDownEngine { .. }
            | Step::TakeOver { .. }
            | Step::Replicate { .. }
            | Step::FailOver { .. }
            | Step::CopyFunctions { .. }
            | Step::BeginBackup { .. }
            | Step::StopBackup
            | Step::BeginImport { .. }
            | Step::StopImport
            | Step::ClearPoint { .. }
            | Step::SwitchOver(SwitchoverStep::KeepHistory { .. } | SwitchoverStep::TakePoint { .. })
            | Step::SaveSnapshot { .. } => lose(self.carry_out(step)),
        }
    }

    fn move_slots(&mut self, step: &Step, end: MoveEnd) -> Result<(), &'static str> {
        let Step::MoveSlots { node, target, slots, way } = step else { return Err("it moves no slots") };
        let source: NodeSerial = *node;
        match way {
            MoveWay::Atomic => self.begin_migration(source, &target.id, slots),
            MoveWay::ByKeys { witnesses } => self.move_by_keys(KeyMove { source, target: &target.id, slots, witnesses, end }),
        }
    }
}
