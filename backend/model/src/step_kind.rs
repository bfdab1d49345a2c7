//! Steps by name.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A step without its content: what faults and logs name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// [`crate::Step::AllocateNodes`]
    AllocateNodes,
    /// [`crate::Step::PrepareNode`]
    PrepareNode,
    /// [`crate::Step::StartProcess`]
    StartProcess,
    /// [`crate::Step::StopProcess`]
    StopProcess,
    /// [`crate::Step::ShutDownEngine`]
    ShutDownEngine,
    /// [`crate::Step::RemoveFiles`]
    RemoveFiles,
    /// [`crate::Step::TakeOver`]
    TakeOver,
    /// [`crate::Step::Replicate`]
    Replicate,
    /// [`crate::Step::Meet`]
    Meet,
    /// [`crate::Step::FailOver`]
    FailOver,
    /// [`crate::Step::MoveSlots`]
    MoveSlots,
    /// [`crate::Step::ClaimSlots`]
    ClaimSlots,
    /// [`crate::Step::CopyFunctions`]
    CopyFunctions,
    /// [`crate::Step::Configure`]
    Configure,
    /// [`crate::Step::SaveSnapshot`]
    SaveSnapshot,
    /// [`crate::Step::BeginBackup`]
    BeginBackup,
    /// [`crate::Step::StopBackup`]
    StopBackup,
    /// [`crate::Step::RecordBackup`]
    RecordBackup,
    /// [`crate::Step::AbandonBackup`]
    AbandonBackup,
    /// [`crate::Step::BeginImport`]
    BeginImport,
    /// [`crate::Step::StopImport`]
    StopImport,
    /// [`crate::Step::ConfirmImport`]
    ConfirmImport,
    /// [`crate::Step::ForgetImport`]
    ForgetImport,
    /// [`crate::Step::EnsureLink`]
    EnsureLink,
    /// [`crate::Step::EndLink`]
    EndLink,
    /// [`crate::Step::SetReseeding`]
    SetReseeding,
    /// [`crate::Step::ClearPoint`]
    ClearPoint,
    /// [`crate::Step::RecordDetached`]
    RecordDetached,
    /// [`crate::Step::SwitchOver`]
    SwitchOver,
    /// [`crate::Step::Forget`]
    Forget,
    /// [`crate::Step::RetireNodes`]
    RetireNodes,
    /// [`crate::Step::ReleaseNodes`]
    ReleaseNodes,
    /// [`crate::Step::RecordDataLoss`]
    RecordDataLoss,
    /// [`crate::Step::AbandonUpdate`]
    AbandonUpdate,
    /// [`crate::Step::OpenDiscovery`]
    OpenDiscovery,
    /// [`crate::Step::CloseDiscovery`]
    CloseDiscovery,
    /// [`crate::Step::RecordConverged`]
    RecordConverged,
    /// [`crate::Step::AbandonCreate`]
    AbandonCreate,
    /// [`crate::Step::RemoveInstance`]
    RemoveInstance,
}

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AllocateNodes => "allocate nodes",
            Self::PrepareNode => "prepare node",
            Self::StartProcess => "start process",
            Self::StopProcess => "stop process",
            Self::ShutDownEngine => "shut down engine",
            Self::RemoveFiles => "remove files",
            Self::TakeOver => "take over",
            Self::Replicate => "replicate",
            Self::Meet => "meet",
            Self::FailOver => "fail over",
            Self::MoveSlots => "move slots",
            Self::ClaimSlots => "claim slots",
            Self::CopyFunctions => "copy functions",
            Self::Configure => "configure",
            Self::SaveSnapshot => "save snapshot",
            Self::BeginBackup => "begin the backup",
            Self::StopBackup => "stop the backup",
            Self::RecordBackup => "record the backup",
            Self::AbandonBackup => "abandon the backup",
            Self::BeginImport => "begin to import data",
            Self::StopImport => "stop importing data",
            Self::ConfirmImport => "confirm imported data",
            Self::ForgetImport => "remove import leftovers",
            Self::EnsureLink => "start the link",
            Self::EndLink => "end the link",
            Self::SetReseeding => "choose shards to seed anew",
            Self::ClearPoint => "clear the point",
            Self::RecordDetached => "record the detachment",
            Self::SwitchOver => "change places with the primary instance",
            Self::Forget => "forget",
            Self::RetireNodes => "retire nodes",
            Self::ReleaseNodes => "release nodes",
            Self::RecordDataLoss => "record data loss",
            Self::AbandonUpdate => "abandon update",
            Self::OpenDiscovery => "open discovery endpoint",
            Self::CloseDiscovery => "close discovery endpoint",
            Self::RecordConverged => "record convergence",
            Self::AbandonCreate => "abandon creation",
            Self::RemoveInstance => "remove instance",
        })
    }
}
