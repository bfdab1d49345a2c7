//! A short chaos run; `chaos.sh` makes longer ones.

use std::time::Duration;

use acceptance_tests::chaos::{ChaosOptions, run};

/// Long enough for several changes and blows; whoever works on failover or scaling runs `chaos.sh` for minutes.
const LENGTH: Duration = Duration::from_secs(25);
const SEED: u64 = 3;

#[test]
fn an_instance_survives_changes_and_blows() {
    println!("{}", run(ChaosOptions { seed: SEED, length: LENGTH }));
}
