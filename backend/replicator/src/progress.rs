//! What a running link tells about itself. All of its parts report here; the status goes to whoever watches.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::Utc;
use tokio::sync::watch;
use tokio::time::Instant;
use valkyard_model::ReplicationPoint;

use crate::lag::Lag;
use crate::status::{LinkFault, LinkState, LinkStatus};

/// Where a link tells what it knows.
#[derive(Debug)]
pub(crate) struct Progress {
    status: watch::Sender<LinkStatus>,
    /// Locked for some instructions at a time, never across an await.
    lag: Mutex<Option<Lag>>,
}

impl Progress {
    pub(crate) fn new() -> (Self, watch::Receiver<LinkStatus>) {
        let nothing = LinkStatus {
            state: LinkState::Connecting,
            applied: None,
            source_offset: None,
            lag_bytes: None,
            lag: None,
            synced_at: None,
        };
        let (status, watching) = watch::channel(nothing);
        (Self { status, lag: Mutex::new(None) }, watching)
    }

    pub(crate) fn is_now(&self, state: LinkState) {
        self.status.send_modify(|status| status.state = state);
    }

    pub(crate) fn is_broken(&self) -> bool {
        matches!(self.status.borrow().state, LinkState::Broken { .. })
    }

    pub(crate) fn applied_point(&self) -> Option<ReplicationPoint> {
        self.status.borrow().applied.clone()
    }

    /// Nothing passes for as long as the link is cut.
    pub(crate) fn is_cut(&self) {
        self.is_now(LinkState::Broken { fault: LinkFault::Cut });
    }

    /// A cut, if there was one, is over. Nothing else is.
    pub(crate) fn is_not_cut(&self) {
        self.status.send_if_modified(|status| {
            let was_cut = status.state == LinkState::Broken { fault: LinkFault::Cut };
            if was_cut {
                status.state = LinkState::Streaming;
            }
            was_cut
        });
    }

    /// The target's point is known.
    pub(crate) fn found(&self, point: ReplicationPoint) {
        self.status.send_modify(|status| status.applied = Some(point));
    }

    /// The source goes on from the target's point, which is this one.
    pub(crate) fn streams(&self, point: ReplicationPoint) {
        let now = Instant::now();
        let mut lag = self.lag();
        match lag.as_mut() {
            Some(lag) => lag.applied(point.offset, now),
            None => *lag = Some(Lag::new(point.offset, now)),
        }
        drop(lag);
        self.status.send_modify(|status| {
            status.applied = Some(point);
            status.state = LinkState::Streaming;
        });
    }

    pub(crate) fn source_seen(&self, offset: u64) {
        let now = Instant::now();
        if let Some(lag) = self.lag().as_mut() {
            lag.source_seen(offset, now);
        }
    }

    pub(crate) fn applied(&self, point: ReplicationPoint) {
        let now = Instant::now();
        if let Some(lag) = self.lag().as_mut() {
            lag.applied(point.offset, now);
        }
        self.tell(now, |status| status.applied = Some(point));
    }

    /// Tells the figures as they are now, also when nothing happened.
    pub(crate) fn look(&self) {
        self.tell(Instant::now(), |_status| ());
    }

    fn tell(&self, now: Instant, change: impl FnOnce(&mut LinkStatus)) {
        let lag = self.lag();
        self.status.send_modify(|status| {
            change(status);
            let Some(lag) = lag.as_ref() else { return };
            status.source_offset = Some(lag.source_offset());
            status.lag_bytes = Some(lag.bytes());
            status.lag = lag.duration(now);
            let age = lag.synced_at().and_then(|at| chrono::TimeDelta::from_std(now.duration_since(at)).ok());
            status.synced_at = age.map(|age| Utc::now() - age);
        });
    }

    fn lag(&self) -> MutexGuard<'_, Option<Lag>> {
        // Nothing panics while it is held, and figures would be no reason to stop.
        self.lag.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
