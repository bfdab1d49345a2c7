//! Two shards of which one follows the other.

use tokio::sync::watch;
use valkyard_model::ReplicationPoint;
use valkyard_replicator::{Distance, Endpoint, Link, LinkRequest, LinkState, TargetAbilities};

use crate::engine::{Engine, Shard};
use crate::wait::status;

/// A source and its copy.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) source: Shard,
    pub(crate) target: Shard,
    /// Where the copy began.
    pub(crate) start: ReplicationPoint,
    pub(crate) distance: watch::Sender<Distance>,
}

/// How many replicas the two have.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Replicas {
    pub(crate) source: u16,
    pub(crate) target: u16,
}

impl Pair {
    pub(crate) async fn new(engine: &Engine, replicas: Replicas, settings: &[&str]) -> Self {
        Self::with(engine, replicas, settings, |_source| ()).await
    }

    /// A copy of what `fill` put into the source.
    pub(crate) async fn with(engine: &Engine, replicas: Replicas, settings: &[&str], fill: impl FnOnce(&Shard)) -> Self {
        let source = engine.shard(replicas.source, None, settings).await;
        fill(&source);
        let (file, start) = source.seed(0).await;
        let mut imports = settings.to_vec();
        if engine.version.imports() {
            imports.extend(["--import-mode", "yes"]);
        }
        let target = engine.shard(replicas.target, Some(&file), &imports).await;
        Self::of(source, target, start)
    }

    pub(crate) fn of(source: Shard, target: Shard, start: ReplicationPoint) -> Self {
        Self { source, target, start, distance: watch::Sender::new(Distance::default()) }
    }

    /// A link between two of the nodes.
    pub(crate) fn link(&self, source: usize, target: usize) -> Link {
        self.link_by(self.source.endpoint(source), self.target.endpoint(target))
    }

    pub(crate) fn link_by(&self, source: Endpoint, target: Endpoint) -> Link {
        self.link_from(Some(self.start.clone()), source, target)
    }

    pub(crate) fn link_from(&self, start: Option<ReplicationPoint>, source: Endpoint, target: Endpoint) -> Link {
        Link::start(LinkRequest {
            source,
            target,
            start,
            distance: self.distance.subscribe(),
            target_can: TargetAbilities::from(self.target.engine.version),
        })
    }

    /// Waits until the target has everything that the source has, which takes no writes meanwhile.
    pub(crate) async fn drained(&self, link: &Link, source: usize) {
        let offset = self.source.offset(source);
        status(link, "the target to have everything", |status| {
            status.state == LinkState::Streaming && status.applied.as_ref().is_some_and(|point| point.offset >= offset)
        })
        .await;
    }

    /// Waits likewise, and compares all data.
    pub(crate) async fn same(&self, link: &Link, source: usize, target: usize) {
        self.drained(link, source).await;
        assert_eq!(self.target.digest(target), self.source.digest(source), "the target is no copy of the source");
    }
}
