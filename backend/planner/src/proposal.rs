//! A plan in the making: collects steps, holds back those whose last failure is too recent, and notes why.
//!
//! Written by every planning module through `propose` and `wait`; `plan` turns it into a [`Plan`]. Its invariant: a step
//! that `retry` holds back never gets in, whoever proposes it.

use std::time::Duration;

use valkyard_model::{Condition, FaultKind, NodeSerial, Observation, Plan, ShardIndex, Step, StepKind, Timestamp, WaitingOn};

use crate::cluster::Shard;
use crate::retry;

#[derive(Debug)]
pub(crate) struct Proposal<'a> {
    pub(crate) observed: &'a Observation,
    pub(crate) now: Timestamp,
    steps: Vec<Step>,
    waiting_on: Vec<WaitingOn>,
    conditions: Vec<Condition>,
    next_retry: Option<Duration>,
}

impl<'a> Proposal<'a> {
    pub(crate) fn new(observed: &'a Observation, now: Timestamp) -> Self {
        Self { observed, now, steps: Vec::new(), waiting_on: Vec::new(), conditions: Vec::new(), next_retry: None }
    }

    /// Adds a step, unless it failed too recently.
    pub(crate) fn propose(&mut self, step: Step) {
        let (kind, node) = (step.kind(), step.node());
        match retry::after_fault(self.observed, kind, node, self.now) {
            None => self.steps.push(step),
            Some((fault, remaining)) => self.hold(kind, node, fault, remaining),
        }
    }

    /// Notes a step that has to wait this long before it may be tried again.
    pub(crate) fn hold(&mut self, step: StepKind, node: Option<NodeSerial>, kind: FaultKind, remaining: Duration) {
        self.wait(WaitingOn::Retry { step, node, kind });
        self.next_retry = Some(self.next_retry.map_or(remaining, |earliest| earliest.min(remaining)));
    }

    pub(crate) fn wait(&mut self, reason: WaitingOn) {
        if !self.waiting_on.contains(&reason) {
            self.waiting_on.push(reason);
        }
    }

    pub(crate) fn note(&mut self, condition: Condition) {
        self.conditions.push(condition);
    }

    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    pub(crate) fn waiting_on(&self) -> &[WaitingOn] {
        &self.waiting_on
    }

    /// Whether a step concerns this node already.
    pub(crate) fn is_busy(&self, node: NodeSerial) -> bool {
        self.steps.iter().any(|step| step.node() == Some(node))
    }

    /// Whether a step ends, promotes or copies a node of this shard, or its primary is about to change.
    pub(crate) fn disturbs(&self, shard: &Shard<'_>) -> bool {
        self.takes_over(shard.index) || self.touches(shard)
    }

    /// Whether a step ends, promotes or copies a node of this shard.
    pub(crate) fn touches(&self, shard: &Shard<'_>) -> bool {
        let disturbs = |step: &Step| match step.kind() {
            StepKind::StartProcess
            | StepKind::StopProcess
            | StepKind::ShutDownEngine
            | StepKind::TakeOver
            | StepKind::FailOver
            | StepKind::Replicate => step.node().is_some_and(|serial| shard.nodes.iter().any(|node| node.serial() == serial)),
            StepKind::MoveSlots
            | StepKind::AllocateNodes
            | StepKind::PrepareNode
            | StepKind::RemoveFiles
            | StepKind::Meet
            | StepKind::ClaimSlots
            | StepKind::CopyFunctions
            | StepKind::Configure
            | StepKind::SaveSnapshot
            | StepKind::BeginBackup
            | StepKind::StopBackup
            | StepKind::RecordBackup
            | StepKind::AbandonBackup
            | StepKind::BeginImport
            | StepKind::StopImport
            | StepKind::ConfirmImport
            | StepKind::ForgetImport
            | StepKind::EnsureLink
            | StepKind::EndLink
            | StepKind::SetReseeding
            | StepKind::ClearPoint
            | StepKind::RecordDetached
            | StepKind::SwitchOver
            | StepKind::Forget
            | StepKind::RetireNodes
            | StepKind::ReleaseNodes
            | StepKind::RecordDataLoss
            | StepKind::AbandonUpdate
            | StepKind::OpenDiscovery
            | StepKind::CloseDiscovery
            | StepKind::RecordConverged
            | StepKind::AbandonCreate
            | StepKind::RemoveInstance => false,
        };
        self.steps.iter().any(disturbs)
    }

    /// When the earliest held step is due.
    pub(crate) fn next_retry(&self) -> Option<Duration> {
        self.next_retry
    }

    /// Whether there is nothing to do and nothing to wait for.
    pub(crate) fn is_quiet(&self) -> bool {
        self.steps.is_empty() && self.waiting_on.is_empty()
    }

    /// Whether a shard is in the middle of a failover as far as this plan goes.
    pub(crate) fn takes_over(&self, shard: ShardIndex) -> bool {
        self.waiting_on.contains(&WaitingOn::FailoverToSettle(shard))
    }

    pub(crate) fn finish(self, look_again_in: Duration) -> Plan {
        Plan { steps: self.steps, waiting_on: self.waiting_on, conditions: self.conditions, look_again_in }
    }
}
