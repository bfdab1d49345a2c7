//! The chaos run by hand: see `chaos.sh` beside this folder.

use std::time::Duration;

use acceptance_tests::chaos::{ChaosOptions, run};
use clap::Parser;

const SECONDS_PER_MINUTE: f64 = 60.0;

/// Random changes and blows under load, then the invariants and the judge.
#[derive(Debug, Parser)]
struct Arguments {
    /// Decides every choice.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long changes go on.
    #[arg(long, default_value_t = 2.0)]
    minutes: f64,
}

fn main() {
    let arguments = Arguments::parse();
    let length = Duration::from_secs_f64(arguments.minutes * SECONDS_PER_MINUTE);
    println!("{}", run(ChaosOptions { seed: arguments.seed, length }));
}
