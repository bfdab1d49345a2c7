//! A link and what it is started with.

use std::net::SocketAddrV4;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use valkyard_model::{AdminSecret, BinaryVersion, ReplicationPoint};

use crate::distance::Distance;
use crate::ends::{End, note_divergence};
use crate::progress::Progress;
use crate::session;
use crate::status::{LinkState, LinkStatus, SeedReason};

/// First pause before another attempt: a node that takes over is there within milliseconds.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// Longest pause, while attempts come to nothing.
const PAUSE_MAX: Duration = Duration::from_secs(3);

/// A primary, and how to log in there as the daemon's user.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Where it listens.
    pub address: SocketAddrV4,
    /// The secret of its instance.
    pub secret: AdminSecret,
}

/// What the engine of a target can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetAbilities {
    /// Whether it leaves expiry and eviction to its source; its node must run with `import-mode yes` then.
    pub imports: bool,
}

impl From<BinaryVersion> for TargetAbilities {
    fn from(version: BinaryVersion) -> Self {
        Self { imports: version.imports() }
    }
}

/// What a link is to do.
#[derive(Clone, Debug)]
pub struct LinkRequest {
    /// The primary of a shard of the source.
    pub source: Endpoint,
    /// The primary of the same shard of the target. Its slots must not move while the link runs.
    pub target: Endpoint,
    /// The point of the data that the target was seeded with. It counts as long as the target carries no point that descends
    /// from it, so it must be given up, durably, as soon as a status shows something applied: a node that started empty again
    /// cannot be told from one that was seeded with nothing.
    pub start: Option<ReplicationPoint>,
    /// What lies between the two; may change at any time.
    pub distance: watch::Receiver<Distance>,
    /// What the target's engine can do.
    pub target_can: TargetAbilities,
}

/// A running link. Dropping it ends it at once, in the middle of a batch too, of which nothing is applied then.
#[derive(Debug)]
pub struct Link {
    status: watch::Receiver<LinkStatus>,
    stop: CancellationToken,
    task: Task,
}

/// The task of a link, which does not outlive it.
#[derive(Debug)]
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Link {
    /// Starts a link. It needs a running tokio runtime.
    #[must_use]
    pub fn start(request: LinkRequest) -> Self {
        let (progress, status) = Progress::new();
        let stop = CancellationToken::new();
        let span = tracing::info_span!("link", source = %request.source.address, target = %request.target.address);
        let keeping = keep_up(request, progress, stop.clone()).instrument(span);
        Self { status, stop, task: Task(tokio::spawn(keeping)) }
    }

    /// What it knows now.
    #[must_use]
    pub fn status(&self) -> LinkStatus {
        self.status.borrow().clone()
    }

    /// What it knows, as it changes.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<LinkStatus> {
        self.status.clone()
    }

    /// Ends it at a boundary of batches, and says where that was. Takes some milliseconds, or seconds when an end is silent or a
    /// command of the source is incomplete: then the batch that it is in is not applied.
    pub async fn stop(mut self) -> LinkStatus {
        self.stop.cancel();
        if let Err(error) = (&mut self.task.0).await {
            tracing::error!(error = &error as &dyn std::error::Error, "a link's task failed");
        }
        self.status()
    }
}

/// Streams, and begins again whenever something passing ended it.
async fn keep_up(request: LinkRequest, progress: Progress, stop: CancellationToken) {
    let mut pause = PAUSE_MIN;
    let mut applied = None;
    loop {
        let fault = match session::run(&request, &progress, &stop).await {
            End::Stopped => return,
            End::Resharding => {
                tracing::warn!("slots of the source move; the link stands still");
                progress.is_now(LinkState::SourceResharding);
                return stop.cancelled().await;
            }
            End::Seed(reason) => {
                tracing::warn!(%reason, "the target has to be seeded; the link stands still");
                progress.is_now(LinkState::NeedsSeed { reason });
                return stop.cancelled().await;
            }
            End::Diverged { message } => return diverge(&request, &progress, &stop, message).await,
            End::Fault(fault) => fault,
        };
        // One line for each interruption, not for each attempt.
        if !progress.is_broken() {
            tracing::warn!(%fault, "the link is interrupted");
        }
        progress.is_now(LinkState::Broken { fault });
        let now_applied = progress.applied_point();
        pause = if now_applied == applied { (pause * 2).min(PAUSE_MAX) } else { PAUSE_MIN };
        applied = now_applied;
        tokio::select! {
            () = sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Notes on the target that it is no copy, so that nobody goes on from there, and stands still.
async fn diverge(request: &LinkRequest, progress: &Progress, stop: &CancellationToken, message: String) {
    tracing::error!(message, "the target failed to carry out what its source had; it has to be seeded anew");
    let noting = async {
        while let Err(error) = note_divergence(&request.target, &message).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "failed to note it on the target");
            sleep(PAUSE_MAX).await;
        }
        std::future::pending::<()>().await;
    };
    progress.is_now(LinkState::NeedsSeed { reason: SeedReason::Diverged { message: message.clone() } });
    tokio::select! {
        () = noting => {}
        () = stop.cancelled() => {}
    }
}
