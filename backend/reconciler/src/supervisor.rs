//! One task per instance, started for every accepted instance and ended when its record is gone.
//!
//! `Supervisor::run` owns all of them; everybody else holds a [`SupervisorHandle`], which can only say "look again".

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info, info_span, warn};
use valkyard_model::{
    Condition, DesiredInstance, Generation, InstanceName, NodeSerial, Observation, ShardIndex, Timestamp, WaitingOn,
};

use crate::memory::error_chain;
use crate::turn::{Look, Reconciler, Turn};
use crate::world::World;

/// Requests waiting for the supervisor: each is a name or a reply slot, handled within microseconds.
const REQUESTS_MAX: usize = 1_024;
/// Wishes for other primaries waiting for a loop's next turn: one for each shard of a large instance.
const HANDOVERS_MAX: usize = 256;
/// Pause after a turn that could not read the desired state: a busy disk.
const AFTER_FAILURE: Duration = Duration::from_millis(500);
/// How often the list of accepted instances is read again. A wake-up can be lost with its sender; this bounds the delay that
/// costs, and gives a loop that ended by a bug another start. One short query.
const ROSTER_INTERVAL: Duration = Duration::from_secs(5);

/// Reads the names of all accepted instances; nothing when they cannot be read.
type Roster = Box<dyn Fn() -> BoxFuture<'static, Vec<InstanceName>> + Send + Sync>;

/// The wake-up signal of one instance's loop. Cheap to clone; signals that come before anyone waits are kept.
#[derive(Clone, Debug, Default)]
pub struct Wake {
    inner: Arc<WakeInner>,
}

#[derive(Debug, Default)]
struct WakeInner {
    notify: Notify,
    /// Whether somebody asked for a look since the last turn began.
    asked: AtomicBool,
}

impl Wake {
    /// Says "look again".
    pub fn look_again(&self) {
        self.inner.asked.store(true, Ordering::Release);
        self.inner.notify.notify_one();
    }

    fn begin_turn(&self) {
        self.inner.asked.store(false, Ordering::Release);
    }

    fn was_asked(&self) -> bool {
        self.inner.asked.load(Ordering::Acquire)
    }

    async fn asked(&self) {
        self.inner.notify.notified().await;
    }
}

/// What the loop of an instance found last.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceView {
    /// The generation it worked for.
    pub generation: Generation,
    /// When it looked.
    pub at: Timestamp,
    /// What should be.
    pub desired: Arc<DesiredInstance>,
    /// What it saw.
    pub observed: Arc<Observation>,
    /// Why convergence is not complete.
    pub waiting_on: Vec<WaitingOn>,
    /// What a person should know.
    pub conditions: Vec<Condition>,
}

#[derive(Debug)]
enum Request {
    LookAgain(InstanceName),
    View(InstanceName, oneshot::Sender<Option<InstanceView>>),
    Handover(InstanceName, Handover),
}

/// A wish that `shard` gets another primary than `from`.
#[derive(Clone, Copy, Debug)]
struct Handover {
    shard: ShardIndex,
    from: NodeSerial,
}

/// Wakes loops and shows what they found.
#[derive(Clone, Debug)]
pub struct SupervisorHandle {
    requests: mpsc::Sender<Request>,
}

impl SupervisorHandle {
    /// Says that an instance's desired state changed. Lost only when the supervisor has ended, which reads everything
    /// again when it starts.
    pub async fn look_again(&self, name: InstanceName) {
        if self.requests.send(Request::LookAgain(name)).await.is_err() {
            warn!("the supervisor has ended; the next start of the daemon picks this up");
        }
    }

    /// Asks for another primary of a shard than `from`, which leads it now. Tried for a minute, and dropped when another node
    /// leads; what became of it is seen in the view. Lost with the daemon, and where no such instance is.
    pub async fn request_handover(&self, name: InstanceName, shard: ShardIndex, from: NodeSerial) {
        if self.requests.send(Request::Handover(name, Handover { shard, from })).await.is_err() {
            warn!("the supervisor has ended; nobody is left to hand over");
        }
    }

    /// What the loop of this instance found last; nothing before its first turn.
    pub async fn view(&self, name: InstanceName) -> Option<InstanceView> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request::View(name, reply)).await.ok()?;
        answer.await.ok().flatten()
    }
}

#[derive(Debug)]
struct Entry {
    wake: Wake,
    view: watch::Receiver<Option<InstanceView>>,
    handovers: mpsc::Sender<Handover>,
}

/// Runs the loops of all instances.
pub struct Supervisor<F> {
    new_world: F,
    roster: Option<Roster>,
    requests: mpsc::Receiver<Request>,
    entries: BTreeMap<InstanceName, Entry>,
    names: BTreeMap<Id, InstanceName>,
    loops: JoinSet<()>,
    stop: CancellationToken,
}

impl<F> fmt::Debug for Supervisor<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor").field("instances", &self.entries.keys()).finish_non_exhaustive()
    }
}

impl<W, F> Supervisor<F>
where
    W: World + 'static,
    F: Fn(InstanceName, Wake) -> W,
{
    /// A supervisor that makes worlds with `new_world` and ends when `stop` is cancelled.
    pub fn new(new_world: F, stop: CancellationToken) -> (Self, SupervisorHandle) {
        let (sender, requests) = mpsc::channel(REQUESTS_MAX);
        let supervisor = Self {
            new_world,
            roster: None,
            requests,
            entries: BTreeMap::new(),
            names: BTreeMap::new(),
            loops: JoinSet::new(),
            stop,
        };
        (supervisor, SupervisorHandle { requests: sender })
    }

    /// Also reads the names of all instances from time to time, and starts the loops that are missing.
    #[must_use]
    pub fn with_roster<R>(mut self, roster: impl Fn() -> R + Send + Sync + 'static) -> Self
    where
        R: Future<Output = Vec<InstanceName>> + Send + 'static,
    {
        self.roster = Some(Box::new(move || Box::pin(roster())));
        self
    }

    /// Starts a loop for every known instance, then follows requests until stopped; ends when every loop has.
    pub async fn run(mut self, known: Vec<InstanceName>) {
        for name in known {
            self.start(name);
        }
        let stop = self.stop.clone();
        let mut roster_due = tokio::time::interval(ROSTER_INTERVAL);
        roster_due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(request) = self.requests.recv() => self.handle(request),
                Some(ended) = self.loops.join_next_with_id() => self.ended(ended),
                _ = roster_due.tick() => self.start_missing().await,
            }
        }
        while let Some(ended) = self.loops.join_next().await {
            if let Err(error) = ended {
                error!(cause = error_chain(&error), "a loop ended by a bug");
            }
        }
    }

    async fn start_missing(&mut self) {
        let Some(roster) = &self.roster else { return };
        for name in roster().await {
            if !self.entries.contains_key(&name) {
                self.start(name);
            }
        }
    }

    fn handle(&mut self, request: Request) {
        match request {
            Request::LookAgain(name) => match self.entries.get(&name) {
                Some(entry) => entry.wake.look_again(),
                None => self.start(name),
            },
            Request::Handover(name, handover) => {
                let Some(entry) = self.entries.get(&name) else { return };
                match entry.handovers.try_send(handover) {
                    Ok(()) => entry.wake.look_again(),
                    Err(_) => warn!(instance = %name, "too many handovers were asked for at once"),
                }
            }
            Request::View(name, reply) => {
                let view = self.entries.get(&name).and_then(|entry| entry.view.borrow().clone());
                // The asker may have gone away; then nobody misses the answer.
                drop(reply.send(view));
            }
        }
    }

    fn start(&mut self, name: InstanceName) {
        let wake = Wake::default();
        let (publish, view) = watch::channel(None);
        let (handovers, asked) = mpsc::channel(HANDOVERS_MAX);
        let world = (self.new_world)(name.clone(), wake.clone());
        let span = info_span!("loop", instance = %name);
        let ends = LoopEnds { wake: wake.clone(), handovers: asked, publish };
        let work = run_instance(Reconciler::new(world), ends, self.stop.clone()).instrument(span);
        let id = self.loops.spawn(work).id();
        self.names.insert(id, name.clone());
        self.entries.insert(name, Entry { wake, view, handovers });
    }

    fn ended(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match &ended {
            Ok((id, ())) => *id,
            Err(error) => {
                error!(cause = error_chain(error), "a loop ended by a bug; it starts again with the next roster");
                error.id()
            }
        };
        let Some(name) = self.names.remove(&id) else { return };
        let Some(entry) = self.entries.remove(&name) else { return };
        // A new instance of this name may have been accepted after the loop's last look.
        if !self.stop.is_cancelled() && ended.is_ok() && entry.wake.was_asked() {
            self.start(name);
        }
    }
}

/// A loop's ends of what connects it with its supervisor.
struct LoopEnds {
    wake: Wake,
    handovers: mpsc::Receiver<Handover>,
    publish: watch::Sender<Option<InstanceView>>,
}

/// The loop of one instance. Stops between turns, or within one at an await: steps are idempotent.
async fn run_instance<W: World>(mut reconciler: Reconciler<W>, ends: LoopEnds, stop: CancellationToken) {
    let LoopEnds { wake, mut handovers, publish } = ends;
    loop {
        wake.begin_turn();
        while let Ok(Handover { shard, from }) = handovers.try_recv() {
            reconciler.request_handover(shard, from);
        }
        let Some(turn) = until_stopped(&stop, reconciler.turn()).await else { return };
        let pause = match turn {
            Ok(Turn::Gone) => {
                info!("the instance is gone");
                return;
            }
            Ok(Turn::Looked(look)) => {
                let pause = look.plan.look_again_in;
                let before = publish.send_replace(Some(view_of(*look)));
                tell_changes(before.as_ref(), publish.borrow().as_ref());
                pause
            }
            Err(error) => {
                error!(cause = error_chain(&error), "cannot read the desired state");
                AFTER_FAILURE
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = wake.asked() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn until_stopped<T>(stop: &CancellationToken, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        () = stop.cancelled() => None,
        result = work => Some(result),
    }
}

/// Logs conditions that a person should know of when they come, and their end.
fn tell_changes(before: Option<&InstanceView>, after: Option<&InstanceView>) {
    let of = |view: Option<&InstanceView>| view.map(|view| view.conditions.clone()).unwrap_or_default();
    let (before, after) = (of(before), of(after));
    for condition in after.iter().filter(|condition| !before.contains(condition)) {
        warn!(?condition, "the instance is not well");
    }
    for condition in before.iter().filter(|condition| !after.contains(condition)) {
        info!(?condition, "this condition is over");
    }
}

fn view_of(look: Look) -> InstanceView {
    InstanceView {
        generation: look.desired.generation,
        at: look.observed.at,
        desired: Arc::new(look.desired),
        observed: Arc::new(look.observed),
        waiting_on: look.plan.waiting_on,
        conditions: look.plan.conditions,
    }
}
