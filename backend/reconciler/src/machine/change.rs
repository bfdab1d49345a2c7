//! Doing what changes a running node: slots, functions, settings, roles by agreement, whom it knows.

use std::net::SocketAddrV4;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::timeout;
use tracing::debug;
use valkyard_engine::{LinkError, NodeLink, SlotsByKeys};
use valkyard_host::{NodeHome, drop_data, files_seen, rewrite};
use valkyard_model::{
    Admission, DataSource, DesiredInstance, FaultKind, LiveSettings, MoveTarget, MoveWay, NodeSerial, NodeSettings, SlotSet, Step,
};

use super::MachineWorld;
use super::execute::{acl_file, allocation, blocking};
use super::links::LinkInUse;
use crate::memory::error_chain;
use crate::world::StepError;

/// Longest wait for a link to a witness: as much as the whole step should take.
const WITNESS_TIME_MAX: Duration = Duration::from_millis(100);

/// A step that names an address where no node is allocated: the planner never makes one.
#[derive(Debug, thiserror::Error)]
#[error("no node of the instance listens at {0}")]
struct NobodysAddress(SocketAddrV4);

impl MachineWorld {
    /// Carries out the steps of this module; there is nothing to do for others.
    pub(super) async fn change_node(&self, desired: &DesiredInstance, step: &Step) -> Result<(), StepError> {
        match step {
            Step::FailOver { node } => self.link(desired, *node).await?.fail_over().await?,
            Step::MoveSlots { node, target, slots, way } => self.move_slots(desired, *node, target, slots, way).await?,
            Step::ClaimSlots { node, slots } => {
                let me = &allocation(desired, *node)?.id;
                self.link(desired, *node).await?.claim_slots(me, slots).await?;
            }
            Step::CopyFunctions { node, source } => {
                let functions = self.link_at(desired, *source).await?.dump_functions().await?;
                self.link(desired, *node).await?.restore_functions(&functions).await?;
            }
            Step::Configure { node, settings, surplus } => self.configure(desired, *node, settings, surplus).await?,
            Step::SaveSnapshot { node } => self.link(desired, *node).await?.save_snapshot().await?,
            Step::Forget { node, peers } => self.link(desired, *node).await?.forget(peers).await?,
            Step::AllocateNodes { .. }
            | Step::PrepareNode { .. }
            | Step::StartProcess { .. }
            | Step::StopProcess { .. }
            | Step::ShutDownEngine { .. }
            | Step::RemoveFiles { .. }
            | Step::TakeOver { .. }
            | Step::Replicate { .. }
            | Step::Meet { .. }
            | Step::RetireNodes { .. }
            | Step::ReleaseNodes { .. }
            | Step::EnsureLink { .. }
            | Step::EndLink { .. }
            | Step::SetReseeding { .. }
            | Step::ClearPoint { .. }
            | Step::RecordDetached { .. }
            | Step::SwitchOver(_)
            | Step::RecordDataLoss { .. }
            | Step::BeginBackup { .. }
            | Step::StopBackup
            | Step::RecordBackup { .. }
            | Step::AbandonBackup { .. }
            | Step::BeginImport { .. }
            | Step::StopImport
            | Step::ConfirmImport { .. }
            | Step::ForgetImport { .. }
            | Step::AbandonUpdate { .. }
            | Step::OpenDiscovery { .. }
            | Step::CloseDiscovery
            | Step::RecordConverged { .. }
            | Step::AbandonCreate { .. }
            | Step::RemoveInstance => {}
        }
        Ok(())
    }

    async fn move_slots(
        &self,
        desired: &DesiredInstance,
        node: NodeSerial,
        target: &MoveTarget,
        slots: &SlotSet,
        way: &MoveWay,
    ) -> Result<(), StepError> {
        let mut source = self.link(desired, node).await?;
        let witnesses = match way {
            MoveWay::Atomic => return Ok(source.migrate_slots(slots, &target.id).await?),
            MoveWay::ByKeys { witnesses } => witnesses,
        };
        let mut target_link = self.link_at(desired, target.address).await?;
        let mut witnesses = self.witnesses(desired, witnesses).await;
        let moving = SlotsByKeys {
            source: &mut source,
            source_id: &allocation(desired, node)?.id,
            target: &mut target_link,
            target_id: &target.id,
            target_address: target.address,
            witnesses: witnesses.iter_mut().map(|witness| &mut **witness as &mut NodeLink).collect(),
            secret: &desired.secret,
        };
        Ok(moving.move_some(slots).await?)
    }

    /// Links to those that answer; the others hear of new owners by gossip.
    async fn witnesses(&self, desired: &DesiredInstance, addresses: &[SocketAddrV4]) -> Vec<LinkInUse<'_>> {
        let opening = addresses.iter().map(|address| timeout(WITNESS_TIME_MAX, self.link_at(desired, *address)));
        let mut opened = Vec::with_capacity(addresses.len());
        for result in join_all(opening).await {
            match result {
                Ok(Ok(link)) => opened.push(link),
                Ok(Err(error)) => debug!(cause = error_chain(&error), "a witness of moved slots cannot be told"),
                Err(_elapsed) => debug!("a witness of moved slots does not answer"),
            }
        }
        opened
    }

    async fn configure(
        &self,
        desired: &DesiredInstance,
        node: NodeSerial,
        settings: &NodeSettings,
        surplus: &[DataSource],
    ) -> Result<(), StepError> {
        self.link(desired, node).await?.set_persistence(settings.persistence).await?;
        // What is refused now is not worth the rest: the file has to have all when the node starts again.
        let outcome = self.set_settings(desired, node, settings).await;
        let home = self.home(desired, node);
        let files = [self.config_file(desired, settings)?, acl_file(desired, settings.part, self.admission(desired, &home))];
        blocking(move || files.iter().try_for_each(|file| rewrite(&home, file))).await?;
        // After its files: a node that dies now begins with them.
        let version = self.build(settings.engine)?.version;
        self.link(desired, node).await?.set_part(settings, version).await?;
        let home = self.home(desired, node);
        let surplus = surplus.to_vec();
        blocking(move || surplus.iter().try_for_each(|source| drop_data(&home, *source))).await?;
        outcome
    }

    /// Who may use the node as it is: nobody but the daemon before its first data was counted.
    fn admission(&self, desired: &DesiredInstance, home: &NodeHome) -> Admission {
        if desired.importing().is_none() {
            return Admission::Clients;
        }
        match files_seen(home).known().map(|files| files.import.as_ref().is_none_or(|import| import.is_counted)) {
            Some(true) => Admission::Clients,
            Some(false) | None => Admission::DaemonOnly,
        }
    }

    async fn set_settings(&self, desired: &DesiredInstance, node: NodeSerial, settings: &NodeSettings) -> Result<(), StepError> {
        let wanted = LiveSettings::wanted(settings);
        let pick = |is_tolerated: bool| -> LiveSettings {
            let picked = wanted.iter().filter(|(key, _)| settings.configs.tolerates_less(*key) == is_tolerated);
            picked.map(|(key, value)| (key, value.to_owned())).collect()
        };
        match self.link(desired, node).await?.set_settings(&pick(true)).await {
            Err(LinkError::Engine { message, .. }) => debug!(%node, message, "less than the node type has by default"),
            outcome => outcome?,
        }
        Ok(self.link(desired, node).await?.set_settings(&pick(false)).await?)
    }

    /// A link to the node of this instance that listens there.
    async fn link_at(&self, desired: &DesiredInstance, address: SocketAddrV4) -> Result<LinkInUse<'_>, StepError> {
        let missing = || StepError { kind: FaultKind::Transient, source: Box::new(NobodysAddress(address)) };
        let listening = |port| SocketAddrV4::new(desired.address.ip, port);
        let node = desired.nodes.values().find(|node| listening(node.port.0) == address).ok_or_else(missing)?;
        self.link(desired, node.serial).await
    }
}
