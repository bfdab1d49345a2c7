//! A short chaos run; `chaos.sh` makes longer ones.

use std::time::Duration;

use acceptance_tests::chaos::{ChaosOptions, run};

/// Long enough for a change of each kind.
const LENGTH: Duration = Duration::from_secs(75);
const SEED: u64 = 3;

#[test]
fn an_instance_survives_a_minute_of_changes_and_blows() {
    println!("{}", run(ChaosOptions { seed: SEED, length: LENGTH }));
}
