//! What goes wrong in a simulated machine, and when the daemon dies.

use std::collections::BTreeSet;

use valkyard_model::NodeSerial;

/// Faults in force. None by default.
#[derive(Clone, Debug, Default)]
pub struct Chaos {
    /// Folders cannot be made.
    pub is_disk_full: bool,
    /// Nodes whose folders cannot be made.
    pub full_disks: BTreeSet<NodeSerial>,
    /// How many atomic migrations in a hundred fail shortly before their end.
    pub migration_failure_percent: u64,
    /// Folders may not be made.
    pub is_read_only: bool,
    /// Nodes whose port somebody else has.
    pub taken_ports: BTreeSet<NodeSerial>,
    /// What a key takes of an engine's memory.
    pub bytes_per_key: u64,
    /// Engines exit as soon as they are started.
    pub is_engine_broken: bool,
    /// No engine can be executed.
    pub is_engine_missing: bool,
    /// How many steps in a hundred fail for no reason.
    pub transient_percent: u64,
    /// Processes do not react to SIGTERM.
    pub is_stubborn: bool,
    /// Snapshots fail.
    pub saves_fail: bool,
    /// The backup store cannot be reached.
    pub store_fails: bool,
    /// When the daemon dies.
    pub crash: Option<CrashPoint>,
}

/// A step, counted over the life of the machine, at which the daemon dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashPoint {
    /// The step's number, from 0.
    pub step: u32,
    /// When, as seen from its effect.
    pub moment: Moment,
}

/// A moment of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Nothing has happened.
    Before,
    /// Half of it has.
    During,
    /// All of it has, and nobody was told.
    After,
}

impl Moment {
    /// Every moment.
    pub const ALL: [Self; 3] = [Self::Before, Self::During, Self::After];
}
