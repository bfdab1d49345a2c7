//! Doing: one arm per step, no choices left.

use std::ffi::OsString;
use std::net::SocketAddrV4;
use std::path::PathBuf;
use std::sync::Arc;

use valkyard_engine::{EngineBuild, render};
use valkyard_host::{
    Forwarder, NodeFile, NodeHome, ProcessSpec, has_log_manifest, keep_only, prepare, process_seen, remove, remove_leftovers,
    rewrite, signal, spawn,
};
use valkyard_model::{
    Admission, DataLoss, DataSource, DesiredInstance, EngineVersion, FaultKind, NodeAllocation, NodeSerial, NodeSettings, Part,
    Pid, Step,
};

use super::MachineWorld;
use super::failure::EngineMissing;
use super::links::LinkInUse;
use crate::world::StepError;

/// A step for a node that is not allocated: the planner never makes one.
#[derive(Debug, thiserror::Error)]
#[error("node {0} is not allocated")]
struct NotAllocated(NodeSerial);

/// A log of writes that the engine would take for none.
#[derive(Debug, thiserror::Error)]
#[error(
    "the log of writes in {} has lost its manifest, so the engine would begin with nothing; put the manifest back, or remove \
     that folder to begin without the data", .folder.display()
)]
struct NoManifest {
    folder: PathBuf,
}

/// A log is loaded only where one is wanted, and a snapshot only where no log is, whatever the configuration says of later.
fn arguments(load: Option<DataSource>) -> Vec<OsString> {
    let appendonly: &[&str] = match load {
        Some(DataSource::Log) => &["--appendonly", "yes"],
        Some(DataSource::Snapshot) => &["--appendonly", "no"],
        None => &[],
    };
    std::iter::once(NodeHome::CONFIG_FILE).chain(appendonly.iter().copied()).map(OsString::from).collect()
}

impl MachineWorld {
    pub(super) async fn carry_out(&self, desired: &DesiredInstance, step: &Step) -> Result<(), StepError> {
        let (store, name, uid) = (&self.machine.store, &self.name, desired.uid);
        match step {
            Step::AllocateNodes { nodes } => store.allocate_nodes(name, uid, nodes.clone()).await?,
            Step::PrepareNode { .. } => self.prepare_node(desired, step).await?,
            Step::StartProcess { .. } => self.start_process(desired, step).await?,
            Step::StopProcess { node, manner } => {
                let (home, manner) = (self.home(desired, *node), *manner);
                blocking(move || signal(&home, manner)).await?;
            }
            Step::ShutDownEngine { node } => self.link(desired, *node).await?.shut_down().await?,
            Step::RemoveFiles { node } => {
                let home = self.home(desired, *node);
                blocking(move || remove(&home)).await?;
            }
            Step::TakeOver { node } => self.link(desired, *node).await?.take_over().await?,
            Step::Replicate { node, primary } => self.link(desired, *node).await?.replicate(primary).await?,
            Step::Meet { node, peers } => self.link(desired, *node).await?.meet(peers).await?,
            Step::OpenDiscovery { backends } => self.open_discovery(desired, backends).await?,
            Step::CloseDiscovery => self.close_discovery().await,
            Step::RecordConverged { generation } => store.record_converged(name, uid, *generation, (self.machine.now)()).await?,
            Step::AbandonCreate { failure } => store.abandon_create(name, uid, failure.clone(), (self.machine.now)()).await?,
            Step::FailOver { .. }
            | Step::MoveSlots { .. }
            | Step::ClaimSlots { .. }
            | Step::CopyFunctions { .. }
            | Step::Configure { .. }
            | Step::SaveSnapshot { .. }
            | Step::Forget { .. } => self.change_node(desired, step).await?,
            Step::BeginBackup { .. }
            | Step::StopBackup
            | Step::RecordBackup { .. }
            | Step::AbandonBackup { .. }
            | Step::BeginImport { .. }
            | Step::StopImport
            | Step::ConfirmImport { .. }
            | Step::ForgetImport { .. }
            | Step::EnsureLink { .. }
            | Step::EndLink { .. }
            | Step::SetReseeding { .. }
            | Step::ClearPoint { .. }
            | Step::RecordDetached { .. }
            | Step::SwitchOver(_) => self.move_data(desired, step).await?,
            Step::RetireNodes { nodes } => store.retire_nodes(name, uid, nodes.clone()).await?,
            Step::ReleaseNodes { nodes } => store.release_nodes(name, uid, nodes.clone()).await?,
            Step::RecordDataLoss { shard, at, restored_to } => {
                let loss = DataLoss { shard: *shard, at: *at, restored_to: *restored_to };
                store.record_data_loss(name, uid, loss).await?;
            }
            Step::AbandonUpdate { failure } => store.abandon_update(name, uid, failure.clone(), (self.machine.now)()).await?,
            Step::RemoveInstance => {
                let data_dir = Arc::clone(&self.machine.data_dir);
                blocking(move || remove_leftovers(&data_dir, uid)).await?;
                store.remove_instance(name, uid, (self.machine.now)()).await?;
            }
        }
        Ok(())
    }

    pub(super) fn build(&self, version: EngineVersion) -> Result<&EngineBuild, EngineMissing> {
        let catalogue = &self.machine.catalogue;
        catalogue.build_for(version).ok_or_else(|| EngineMissing { version, hint: catalogue.install_hint() })
    }

    pub(super) fn config_file(&self, desired: &DesiredInstance, settings: &NodeSettings) -> Result<NodeFile, EngineMissing> {
        let version = self.build(settings.engine)?.version;
        let names = render::NodeFileNames {
            acl: NodeHome::ACL_FILE,
            cluster: NodeHome::CLUSTER_FILE,
            log: NodeHome::LOG_FILE,
            append_folder: NodeHome::LOG_OF_WRITES,
            snapshot: NodeHome::SNAPSHOT_FILE,
        };
        Ok(NodeFile::private(NodeHome::CONFIG_FILE, render::config(settings, version, &desired.secret, &names)))
    }

    async fn prepare_node(&self, desired: &DesiredInstance, step: &Step) -> Result<(), StepError> {
        let Step::PrepareNode { node, settings, seed, admission } = step else { return Ok(()) };
        let node = *node;
        let me = &allocation(desired, node)?.id;
        let files = vec![
            self.config_file(desired, settings)?,
            acl_file(desired, settings.part, *admission),
            NodeFile::private(NodeHome::CLUSTER_FILE, render::nodes_conf(seed, me)),
        ];
        let home = self.home(desired, node);
        blocking(move || prepare(&home, &files)).await?;
        Ok(())
    }

    async fn start_process(&self, desired: &DesiredInstance, step: &Step) -> Result<(), StepError> {
        let Step::StartProcess { node, engine, seed, load } = step else { return Ok(()) };
        let (node, load) = (*node, *load);
        let build = self.build(*engine)?;
        let allocation = allocation(desired, node)?;
        let ports = [allocation.port, allocation.bus_port];
        let spec = ProcessSpec {
            program: build.program.clone(),
            args: arguments(load),
            env: build.library_path().map(|path| ("LD_LIBRARY_PATH".into(), path)).into_iter().collect(),
            probe: ports.map(|port| SocketAddrV4::new(desired.address.ip, port.0)).to_vec(),
        };
        let home = self.home(desired, node);
        let told = seed.as_ref().map(|seed| NodeFile::private(NodeHome::CLUSTER_FILE, render::nodes_conf(seed, &allocation.id)));
        let starting = move || -> Result<Pid, StepError> {
            if load == Some(DataSource::Log) && !has_log_manifest(&home) {
                return Err(StepError {
                    kind: FaultKind::Transient,
                    source: Box::new(NoManifest { folder: home.path().join(NodeHome::LOG_OF_WRITES) }),
                });
            }
            // Another daemon may have started it: then nothing is taken from under it.
            if process_seen(&home).is_absent() {
                keep_only(&home, load)?;
            }
            if let Some(file) = &told {
                rewrite(&home, file)?;
            }
            Ok(spawn(&home, &spec)?)
        };
        let pid = blocking(starting).await?;
        self.attachments().ensure_watched(node, pid, &self.wake);
        Ok(())
    }

    /// A link to a node: the one that the last look left, or a new one.
    pub(super) async fn link(&self, desired: &DesiredInstance, node: NodeSerial) -> Result<LinkInUse<'_>, StepError> {
        let address = SocketAddrV4::new(desired.address.ip, allocation(desired, node)?.port.0);
        Ok(self.links.open(node, address, &desired.secret).await?)
    }

    async fn open_discovery(&self, desired: &DesiredInstance, backends: &[SocketAddrV4]) -> Result<(), StepError> {
        if let Some(open) = &self.attachments().discovery {
            open.point_at(backends.to_vec());
            return Ok(());
        }
        let opened = Forwarder::open(desired.address.discovery_endpoint(), backends.to_vec()).await?;
        self.attachments().discovery = Some(opened);
        Ok(())
    }

    async fn close_discovery(&self) {
        let open = self.attachments().discovery.take();
        if let Some(open) = open {
            open.close().await;
        }
    }
}

/// What clients may do there, and whether they may come in at all.
pub(super) fn acl_file(desired: &DesiredInstance, part: Part, admission: Admission) -> NodeFile {
    NodeFile::private(NodeHome::ACL_FILE, render::acl(&desired.secret, part.access(), admission))
}

pub(super) fn allocation(desired: &DesiredInstance, node: NodeSerial) -> Result<&NodeAllocation, StepError> {
    let missing = || StepError { kind: FaultKind::Transient, source: Box::new(NotAllocated(node)) };
    desired.nodes.get(&node).ok_or_else(missing)
}

/// Runs work that waits for the disk or walks through `/proc` off the threads that serve requests. It is done to its end even
/// if nobody waits for it any more.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        // Only a panic in `work` ends it early: the runtime outlives every world.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
