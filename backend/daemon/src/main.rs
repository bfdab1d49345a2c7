//! `valkyard`: runs and manages sharded, replicated valkey-server clusters and answers to the Memorystore for Valkey API.
//!
//! This binary wires the crates together: configuration, telemetry, listening, shutdown, and the verbs of its command
//! line. It decides nothing about instances.

mod cli;
mod config;
mod health;
mod listen;
mod platform;
mod telemetry;
mod verbs;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Serve(options) => verbs::serve::run(options),
        Command::Down(options) => verbs::down::run(&options),
        Command::Status(options) => verbs::status::run(&options),
        Command::Env(options) => verbs::env::run(&options),
        Command::Version(options) => verbs::version::run(&options),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            // Where nobody can read it, the exit code has to do: `eprintln!` would panic instead.
            let _ = writeln!(std::io::stderr(), "valkyard: {error:#}");
            ExitCode::FAILURE
        }
    }
}
