//! The links that this daemon holds for a secondary: started and ended by steps, looked at with everything else.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;

use futures::future::join_all;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};
use valkyard_model::{
    AdminSecret, DesiredInstance, FaultKind, InstanceName, LinkSeen, NodeSerial, Observation, ReplicationPoint, ReplicationSeen,
    Role, RoleSeen, SeedLack, Seen, ShardIndex, StreamState, Switchover,
};
use valkyard_planner::source_seen;
use valkyard_replicator::{
    Distance, Endpoint, Link, LinkRequest, LinkState, LinkStatus, SeedReason, TargetAbilities, clear_checkpoint, read_checkpoint,
    write_checkpoint,
};

use valkyard_store::LocationDistance;

use super::MachineWorld;
use super::execute::allocation;
use crate::memory::error_chain;
use crate::supervisor::Wake;
use crate::world::StepError;

/// A link is asked for by an instance that follows nobody, or whose primary is not there: it has changed since it was looked at.
#[derive(Debug, thiserror::Error)]
#[error("there is no primary instance to read from")]
struct NoPrimary;

/// A running link and between whom it is.
#[derive(Debug)]
pub(super) struct Stream {
    source: SocketAddrV4,
    target: NodeSerial,
    link: Link,
    /// Wakes the loop when the link changes its state.
    _watch: AbortOnDropHandle<()>,
}

impl Stream {
    fn start(source: SocketAddrV4, target: NodeSerial, request: LinkRequest, wake: Wake, shard: ShardIndex) -> Self {
        let link = Link::start(request);
        let watching = tell_changes(link.watch(), wake, shard);
        Self { source, target, link, _watch: AbortOnDropHandle::new(tokio::spawn(watching)) }
    }

    fn seen(&self) -> LinkSeen {
        let LinkStatus { state, applied, source_offset, lag_bytes, lag, synced_at } = self.link.status();
        let state = stream_state(&state);
        LinkSeen { source: self.source, target: self.target, state, applied, source_offset, lag_bytes, lag, synced_at }
    }
}

fn stream_state(state: &LinkState) -> StreamState {
    match state {
        LinkState::Connecting => StreamState::Connecting,
        LinkState::Streaming => StreamState::Streaming,
        LinkState::SourceResharding => StreamState::SourceResharding,
        LinkState::NeedsSeed { reason } => {
            let lack = match reason {
                SeedReason::NoPoint => SeedLack::Point,
                SeedReason::HistoryGone { .. } | SeedReason::Diverged { .. } => SeedLack::History,
            };
            StreamState::NeedsSeed { lack, reason: error_chain(reason) }
        }
        LinkState::Broken { fault } => StreamState::Broken { reason: error_chain(fault) },
    }
}

/// Logs each new state once, however often the status behind it changes.
async fn tell_changes(mut status: watch::Receiver<LinkStatus>, wake: Wake, shard: ShardIndex) {
    let mut last = None;
    loop {
        let state = stream_state(&status.borrow_and_update().state);
        if last.as_ref() != Some(&state) {
            match &state {
                StreamState::Connecting | StreamState::Streaming => info!(%shard, ?state, "a link has a new state"),
                StreamState::SourceResharding | StreamState::NeedsSeed { .. } | StreamState::Broken { .. } => {
                    warn!(%shard, ?state, "a link does not stream");
                }
            }
            last = Some(state);
            wake.look_again();
        }
        if status.changed().await.is_err() {
            return;
        }
    }
}

pub(super) fn step_error(error: impl std::error::Error + Send + Sync + 'static) -> StepError {
    StepError { kind: FaultKind::Transient, source: Box::new(error) }
}

impl MachineWorld {
    /// The secret of the instance that this one follows.
    pub(super) async fn primary_secret(&self, desired: &DesiredInstance) -> Result<AdminSecret, StepError> {
        let primary = desired.replication.role.primary().ok_or_else(|| step_error(NoPrimary))?;
        let found = self.machine.store.instance(&primary.name).await.map_err(step_error)?;
        let found = found.filter(|instance| instance.uid == primary.uid).ok_or_else(|| step_error(NoPrimary))?;
        Ok(found.secret)
    }

    pub(super) async fn ensure_stream(
        &self,
        desired: &DesiredInstance,
        shard: ShardIndex,
        source: SocketAddrV4,
        target: NodeSerial,
    ) -> Result<(), StepError> {
        let is_it = |stream: &mut Stream| {
            (stream.source, stream.target) == (source, target) && !stream_state(&stream.link.status().state).stands_still()
        };
        if self.attachments().streams.get_mut(&shard).is_some_and(is_it) {
            return Ok(());
        }
        let source_secret = self.primary_secret(desired).await?;
        let endpoint = self.endpoint(desired, target)?;
        let engine = desired.nodes.get(&target).map(|node| node.kind.engine_version);
        let build = engine.and_then(|version| self.machine.catalogue.build_for(version));
        self.end_stream(shard).await;
        let request = LinkRequest {
            source: Endpoint { address: source, secret: source_secret },
            target: endpoint,
            start: None,
            distance: self.distance.subscribe(),
            target_can: build.map_or(TargetAbilities { imports: false }, |build| build.version.into()),
        };
        let stream = Stream::start(source, target, request, self.wake.clone(), shard);
        self.attachments().streams.insert(shard, stream);
        Ok(())
    }

    /// Ends a link between two batches; there is nothing to do where none runs.
    pub(super) async fn end_stream(&self, shard: ShardIndex) {
        let stream = self.attachments().streams.remove(&shard);
        if let Some(stream) = stream {
            let ended = stream.link.stop().await;
            info!(%shard, applied = ?ended.applied, "a link has ended");
        }
    }

    pub(super) async fn write_point(
        &self,
        desired: &DesiredInstance,
        node: NodeSerial,
        point: &ReplicationPoint,
    ) -> Result<(), StepError> {
        write_checkpoint(&self.endpoint(desired, node)?, point).await.map_err(step_error)
    }

    pub(super) async fn clear_point(&self, desired: &DesiredInstance, node: NodeSerial) -> Result<(), StepError> {
        clear_checkpoint(&self.endpoint(desired, node)?).await.map_err(step_error)
    }

    pub(super) fn endpoint(&self, desired: &DesiredInstance, node: NodeSerial) -> Result<Endpoint, StepError> {
        let address = SocketAddrV4::new(desired.address.ip, allocation(desired, node)?.port.0);
        Ok(Endpoint { address, secret: desired.secret.clone() })
    }

    /// Everything about the replication that can be seen from here.
    pub(super) async fn replication_seen(&self, desired: &DesiredInstance, observed: &Observation) -> ReplicationSeen {
        match &desired.replication.role {
            Role::Primary { .. } => self.machine.sources.tell(&desired.name, source_seen(desired, observed)),
            Role::None | Role::Secondary { .. } | Role::Leaving => self.machine.sources.forget(&desired.name),
        }
        self.follow_distance(desired).await;
        let links = self.attachments().streams.iter().map(|(shard, stream)| (*shard, stream.seen())).collect();
        let source = desired.replication.role.primary().and_then(|primary| self.source_of(&primary.name));
        let points = match (&desired.replication.role, &desired.replication.switchover) {
            (Role::Leaving, _) | (_, Some(Switchover::Opening { .. } | Switchover::Clearing | Switchover::TakingOver { .. })) => {
                self.points_seen(desired, observed).await
            }
            (Role::None, _) if !desired.replication.uncleared.is_empty() => self.points_seen(desired, observed).await,
            (
                Role::None | Role::Primary { .. } | Role::Secondary { .. },
                None | Some(Switchover::Draining { .. } | Switchover::AwaitingPoints { .. }),
            ) => BTreeMap::new(),
        };
        ReplicationSeen { source, links, points }
    }

    /// Hands on what lies between the primary instance's location and this one's.
    async fn follow_distance(&self, desired: &DesiredInstance) {
        let Some(primary) = desired.replication.role.primary() else { return };
        let found = self.machine.store.distance(&primary.name.location, &desired.name.location).await;
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                warn!(cause = error_chain(&error), "the distance cannot be read; links keep the one they have");
                return;
            }
        };
        let LocationDistance { round_trip, bandwidth, is_cut, .. } = found;
        let distance = Distance { rtt: round_trip, bandwidth_bytes_per_s: bandwidth, is_cut };
        self.distance.send_if_modified(|present| std::mem::replace(present, distance) != distance);
    }

    fn source_of(&self, primary: &InstanceName) -> Option<valkyard_model::SourceSeen> {
        self.machine.sources.of(primary)
    }

    async fn points_seen(
        &self,
        desired: &DesiredInstance,
        observed: &Observation,
    ) -> BTreeMap<NodeSerial, Seen<ReplicationPoint>> {
        let leads = |serial: &NodeSerial| {
            let engine = observed.nodes.get(serial).and_then(|node| node.engine.known());
            engine.is_some_and(|engine| engine.role == RoleSeen::Primary && !engine.loading)
        };
        let asking = desired.nodes.keys().copied().filter(leads).map(async |serial| {
            let Ok(endpoint) = self.endpoint(desired, serial) else { return (serial, Seen::Unknown) };
            let seen = match read_checkpoint(&endpoint).await {
                Ok(Some(point)) => Seen::Known(point),
                Ok(None) => Seen::Absent,
                Err(error) => {
                    tracing::debug!(node = %serial, cause = error_chain(&error), "a node does not tell its point");
                    Seen::Unknown
                }
            };
            (serial, seen)
        });
        join_all(asking).await.into_iter().collect()
    }
}

/// The distance that a new instance's links begin with: none.
pub(super) fn no_distance() -> watch::Sender<Distance> {
    watch::Sender::new(Distance::default())
}
