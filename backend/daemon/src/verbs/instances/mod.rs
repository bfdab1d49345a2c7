//! `valkyard instances …`, one verb per file.

mod failover;
mod list;
mod topology;

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::InstancesCommand;
use crate::verbs::ask::block_on;
pub(crate) use topology::loss_text;

pub(crate) fn run(command: &InstancesCommand) -> Result<ExitCode> {
    match command {
        InstancesCommand::List(options) => block_on(list::list(options)),
        InstancesCommand::Topology(options) => block_on(topology::topology(options)),
        InstancesCommand::Failover(options) => block_on(failover::failover(options)),
    }
}
