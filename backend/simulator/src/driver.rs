//! Runs the real reconciler over a simulated machine, turn by turn, through crashes of the daemon.

use std::fmt::Write;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use chrono::TimeDelta;
use valkyard_model::{Convergence, DesiredInstance, MoveWay, Plan, ShardIndex, Step};
use valkyard_planner::plan;
use valkyard_reconciler::{Look, Reconciler, Turn};

use crate::machine::Machine;
use crate::world::SimWorld;

/// Longest time that a daemon stays down after a crash, if it is started again at once.
const DOWNTIME_MILLIS_MAX: u64 = 400;
/// How long it stays down if a person has to start it: minutes to hours.
const LONG_DOWNTIME_SECS: std::ops::Range<u64> = 120..20_000;
/// Polls that one turn may take: 16 steps at once, and a yield now and then.
const POLLS_MAX: u32 = 10_000;

/// A machine and the daemon on it.
#[derive(Debug)]
pub struct Simulation {
    machine: Arc<Mutex<Machine>>,
    reconciler: Reconciler<SimWorld>,
    downtime: Downtime,
    turns: u32,
    crashes: u32,
    story: String,
}

/// How long a daemon that died stays down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Downtime {
    /// Until something starts it again at once.
    #[default]
    Short,
    /// Until somebody notices.
    Long,
}

/// How a turn ended.
#[derive(Debug)]
pub enum Outcome {
    /// The instance's record is gone.
    Gone,
    /// The instance was looked at.
    Looked(Box<Look>),
    /// The daemon died in the middle; another one runs now.
    Crashed,
}

impl Simulation {
    /// A daemon on a machine on which this instance was just accepted.
    #[must_use]
    pub fn new(record: DesiredInstance, seed: u64) -> Self {
        Self::on(Machine::new(record, seed))
    }

    /// A daemon that was just started on this machine.
    #[must_use]
    pub fn on(machine: Machine) -> Self {
        let machine = Arc::new(Mutex::new(machine));
        let reconciler = Reconciler::new(SimWorld::new(Arc::clone(&machine)));
        Self { machine, reconciler, downtime: Downtime::default(), turns: 0, crashes: 0, story: String::new() }
    }

    /// Sets how long a daemon that died stays down.
    pub fn set_downtime(&mut self, downtime: Downtime) {
        self.downtime = downtime;
    }

    /// The machine, to look at or to harm.
    pub fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Turns so far.
    #[must_use]
    pub fn turns(&self) -> u32 {
        self.turns
    }

    /// How often the daemon died.
    #[must_use]
    pub fn crashes(&self) -> u32 {
        self.crashes
    }

    /// What was done, for people who look for the cause of a failure.
    #[must_use]
    pub fn story(&self) -> &str {
        &self.story
    }

    /// One turn of the loop. Time does not pass, except while a dead daemon is down.
    ///
    /// # Panics
    /// When a plan breaks an invariant, when the machine objects to a step, or when the turn never ends.
    pub fn turn(&mut self) -> Outcome {
        self.turns += 1;
        let outcome = match self.poll_turn() {
            None => {
                self.restart_daemon();
                Outcome::Crashed
            }
            Some(Turn::Gone) => Outcome::Gone,
            Some(Turn::Looked(look)) => {
                self.tell(&look.plan);
                if !look.violations.is_empty() {
                    // The turn keeps to itself which steps it withheld.
                    let steps = plan(&look.desired, &look.observed, look.observed.at).steps;
                    let steps: Vec<String> = steps.iter().map(told).collect();
                    let summary = self.machine().summary();
                    panic!("invariants broken: {:?} by {}\n{summary}\n{}", look.violations, steps.join(", "), self.story);
                }
                Outcome::Looked(look)
            }
        };
        let objections = self.machine().objections().to_vec();
        assert!(objections.is_empty(), "{objections:?} after\n{}\n{}", self.machine().summary(), self.story);
        outcome
    }

    /// Asks for another primary of a shard, as an administrator does.
    pub fn request_handover(&mut self, shard: ShardIndex) {
        let primary = self.machine().serving_primary(shard);
        if let Some(primary) = primary {
            self.reconciler.request_handover(shard, primary);
        }
    }

    /// Lets time pass until the plan wants to look again, or a process ends.
    pub fn rest(&mut self, plan: &Plan) {
        let mut machine = self.machine();
        let time = TimeDelta::from_std(plan.look_again_in).expect("waits are seconds");
        let end = machine.now() + time;
        machine.pass_until(end);
    }

    /// The daemon dies between two turns and another one starts.
    pub fn restart_daemon(&mut self) {
        self.crashes += 1;
        let mut machine = self.machine();
        machine.lose_daemon();
        let downtime = i64::try_from(machine.random().below(DOWNTIME_MILLIS_MAX)).expect("below the maximum");
        let end = machine.now() + TimeDelta::milliseconds(downtime);
        while machine.now() < end {
            machine.pass_until(end);
        }
        if self.downtime == Downtime::Long {
            let secs = LONG_DOWNTIME_SECS.start + machine.random().below(LONG_DOWNTIME_SECS.end - LONG_DOWNTIME_SECS.start);
            machine.skip(TimeDelta::seconds(i64::try_from(secs).expect("hours")));
        }
        let now = machine.now();
        drop(machine);
        writeln!(self.story, "{now} the daemon was restarted").expect("writing to a string cannot fail");
        self.reconciler = Reconciler::new(SimWorld::new(Arc::clone(&self.machine)));
    }

    /// Turns until the instance is complete and nothing more happens, or its record is gone.
    ///
    /// # Panics
    /// When that takes more turns than this.
    pub fn run(&mut self, turns_max: u32) {
        let limit = self.turns + turns_max;
        let mut last = None;
        while self.turns < limit {
            match self.turn() {
                Outcome::Gone => return,
                Outcome::Crashed => {}
                Outcome::Looked(look) if is_at_rest(&look) => return,
                Outcome::Looked(look) => {
                    self.rest(&look.plan);
                    last = Some(look);
                }
            }
        }
        let waits = last.map(|look| (look.plan.waiting_on, look.plan.conditions, look.observed.faults));
        panic!("not at rest after {turns_max} turns; waiting on {waits:?}\n{}\n{}", self.machine().summary(), self.story);
    }

    /// Polls a turn until it ends, or nothing when the daemon died.
    fn poll_turn(&mut self) -> Option<Turn> {
        let machine = Arc::clone(&self.machine);
        let mut turn = pin!(self.reconciler.turn());
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..POLLS_MAX {
            match turn.as_mut().poll(&mut context) {
                Poll::Ready(turn) => return Some(turn.expect("a simulated record can be read")),
                Poll::Pending if machine.lock().unwrap_or_else(PoisonError::into_inner).has_crashed => return None,
                Poll::Pending => {}
            }
        }
        panic!("a turn did not end after {POLLS_MAX} polls");
    }

    fn tell(&mut self, plan: &Plan) {
        if !plan.steps.is_empty() {
            let now = self.machine().now();
            let steps: Vec<String> = plan.steps.iter().map(told).collect();
            writeln!(self.story, "{now} {}", steps.join(", ")).expect("writing to a string cannot fail");
        }
    }
}

/// A step in a line of a story.
fn told(step: &Step) -> String {
    let node = step.node().map(|node| node.to_string()).unwrap_or_default();
    let more = match step {
        Step::MoveSlots { target, slots, way, .. } => format!(" {slots} to {:.6} {}", target.id.as_str(), told_way(way)),
        Step::ClaimSlots { slots, .. } => format!(" {slots}"),
        Step::Forget { peers, .. } => format!(" {}", peers.iter().map(|id| &id.as_str()[..6]).collect::<Vec<_>>().join(" ")),
        Step::Replicate { primary, .. } => format!(" {:.6}", primary.as_str()),
        Step::Meet { peers, .. } => format!(" {} peers", peers.len()),
        Step::AllocateNodes { nodes } => {
            nodes.iter().map(|node| format!(" {}={:.6} of {}", node.serial, node.id.as_str(), node.shard)).collect()
        }
        Step::RetireNodes { nodes } | Step::ReleaseNodes { nodes } => nodes.iter().map(|node| format!(" {node}")).collect(),
        Step::EnsureLink { shard, target, .. } => format!(" of {shard} to {target}"),
        Step::EndLink { shard } => format!(" of {shard}"),
        Step::SetReseeding { shards } => format!(" {shards:?}"),
        Step::AbandonUpdate { failure } | Step::AbandonCreate { failure } => format!(" {}", failure.message),
        Step::PrepareNode { .. }
        | Step::StartProcess { .. }
        | Step::StopProcess { .. }
        | Step::ShutDownEngine { .. }
        | Step::RemoveFiles { .. }
        | Step::TakeOver { .. }
        | Step::FailOver { .. }
        | Step::CopyFunctions { .. }
        | Step::SaveSnapshot { .. }
        | Step::BeginBackup { .. }
        | Step::StopBackup
        | Step::RecordBackup { .. }
        | Step::AbandonBackup { .. }
        | Step::BeginImport { .. }
        | Step::StopImport
        | Step::ConfirmImport { .. }
        | Step::ForgetImport { .. }
        | Step::ClearPoint { .. }
        | Step::RecordDetached { .. }
        | Step::SwitchOver(_)
        | Step::Configure { .. }
        | Step::RecordDataLoss { .. }
        | Step::OpenDiscovery { .. }
        | Step::CloseDiscovery
        | Step::RecordConverged { .. }
        | Step::RemoveInstance => String::new(),
    };
    format!("{} {node}{more}", step.kind())
}

fn told_way(way: &MoveWay) -> &'static str {
    match way {
        MoveWay::Atomic => "at once",
        MoveWay::ByKeys { .. } => "by keys",
    }
}

/// Whether a turn found the instance complete, with nothing to do and nothing to wait for.
fn is_at_rest(look: &Look) -> bool {
    let is_complete = match look.desired.convergence {
        Convergence::Never => false,
        Convergence::At { generation } => generation >= look.desired.generation,
    };
    is_complete && look.plan.steps.is_empty() && look.plan.waiting_on.is_empty()
}
