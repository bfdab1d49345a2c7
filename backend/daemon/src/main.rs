//! `valkyard`: runs and manages sharded, replicated valkey-server clusters and answers to the Memorystore for Valkey API.
//!
//! This binary wires the crates together: configuration, telemetry, listening, shutdown, and the verbs of its command
//! line. It decides nothing about instances.

mod calendar;
mod cli;
mod client;
mod config;
mod health;
mod listen;
mod output;
mod platform;
mod surroundings;
mod telemetry;
mod verbs;

use std::process::ExitCode;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::read();
    let outcome = match cli.command {
        Command::Serve(options) => verbs::serve::run(options),
        Command::Down(options) => verbs::down::run(&options),
        Command::Status(options) => verbs::status::run(&options),
        Command::Instances(command) => verbs::instances::run(&command),
        Command::Nodes(command) => verbs::nodes::run(&command),
        Command::Operations(command) => verbs::operations::run(&command),
        Command::Backups(command) => verbs::backups::run(&command),
        Command::Replication(command) => verbs::replication::run(&command),
        Command::Zones(command) => verbs::zones::run(&command),
        Command::Env(options) => verbs::env::run(&options),
        Command::Version(options) => verbs::version::run(&options),
    };
    match outcome {
        Ok(code) => code,
        Err(error) if error.is::<output::NobodyReads>() => ExitCode::SUCCESS,
        Err(error) => {
            output::warn(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
