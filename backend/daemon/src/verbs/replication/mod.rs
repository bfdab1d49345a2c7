//! `valkyard replication …`, one verb per file.

mod distance;
mod member;
mod status;

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::ReplicationCommand;
use crate::verbs::ask::block_on;

pub(crate) fn run(command: &ReplicationCommand) -> Result<ExitCode> {
    match command {
        ReplicationCommand::Status(options) => block_on(status::status(options)),
        ReplicationCommand::Switchover(options) => block_on(member::switchover(options)),
        ReplicationCommand::Detach(options) => block_on(member::detach(options)),
        ReplicationCommand::Distance(command) => block_on(distance::run(command)),
    }
}
