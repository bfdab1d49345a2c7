//! The chaos run: random changes of an instance while its nodes and the daemon are killed, stopped and continued and zones
//! are taken away; then the invariants and the judge.
//!
//! Seeded: the choices follow from the seed, their moments from the machine. Blows only strike shards that have a replica
//! in sync, one at a time, so that whatever is lost is lost by replication's nature and within its lag.

mod blow;
mod change;

use std::fmt;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::judge::{DataSet, Incident, Load, LoadOptions, Report, check_losses};
use crate::random::Random;
use crate::scene::Scene;
use crate::wait::let_pass;

/// Keys of each type that nobody touches.
const DATA_COPIES: usize = 40;
/// Longest change, blows included, on a busy machine.
const CHANGE_LIMIT: Duration = Duration::from_secs(120);
/// Replicas confirm several times a second what they have.
const LOSS_AGE_MAX: Duration = Duration::from_millis(1_500);
/// Errors of clients may come so long after a blow: a hung node is suspected after two seconds, and clients try for longer.
const ERROR_SPAN: Duration = Duration::from_secs(15);
/// Longest pause between a change's begin and a blow, and between two blows: changes take some seconds.
const CHANGE_MILLIS_MAX: u64 = 1_500;
/// google.rpc.Code of a cancelled operation.
const CANCELLED: i64 = 1;

/// How long, and which choices.
#[derive(Clone, Copy, Debug)]
pub struct ChaosOptions {
    /// Decides every choice.
    pub seed: u64,
    /// No new change is begun after this.
    pub length: Duration,
}

/// What happened, and the verdict.
#[derive(Clone, Debug)]
pub struct ChaosReport {
    /// Changes that were asked for.
    pub changes: usize,
    /// Blows to nodes, the daemon and zones.
    pub blows: usize,
    /// The judge's.
    pub report: Report,
    /// Losses: of how many writes, how old the oldest, with the lag in bytes just before the blow.
    pub losses: Vec<(usize, Duration, u64)>,
}

impl fmt::Display for ChaosReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} changes, {} blows; {}", self.changes, self.blows, self.report)?;
        for (lost, oldest, lag) in &self.losses {
            write!(f, "\n  a blow lost {lost} writes, the oldest {oldest:.1?} before it; the replica was {lag} bytes behind")?;
        }
        Ok(())
    }
}

/// A run under way.
#[derive(Debug)]
struct Chaos {
    scene: Scene,
    random: Random,
    begun: Instant,
    changes: usize,
    blows: usize,
    incidents: Vec<Incident>,
    /// Whether the change under way moves slots.
    moves_slots: bool,
}

/// Runs it.
///
/// # Panics
/// When an invariant is broken, a change fails, a client sees an error that no blow explains, or a write is lost that no
/// blow explains; with what happened until then on standard output.
#[must_use]
pub fn run(options: ChaosOptions) -> ChaosReport {
    println!("chaos: seed {}, {:?}", options.seed, options.length);
    let scene = Scene::create(&json!({"shardCount": 2, "replicaCount": 1, "engineVersion": "VALKEY_8_0"}));
    let data = DataSet::write(&scene.instance(), DATA_COPIES);
    let load = Load::start(&scene.instance(), &LoadOptions::default());
    let random = Random::seeded(options.seed);
    let mut chaos =
        Chaos { scene, random, begun: Instant::now(), changes: 0, blows: 0, incidents: Vec::new(), moves_slots: false };
    while chaos.begun.elapsed() < options.length {
        chaos.turn();
        chaos.scene.wait_until_sound();
        // Data that was written long ago is never within a replica's lag: a loss of it is told at once, beside its cause.
        data.is_intact(&chaos.scene.instance()).unwrap_or_else(|difference| panic!("old data is not intact: {difference}"));
    }
    chaos.scene.wait_until_at_rest();
    let report = load.stop().verify(&chaos.scene.instance());
    chaos.judge(report)
}

impl Chaos {
    fn tell(&self, what: &str) {
        println!("chaos {:7.2} s: {what}", self.begun.elapsed().as_secs_f64());
    }

    fn turn(&mut self) {
        if self.random.percent(60) {
            self.change();
        } else if self.random.percent(20) && self.replicas() > 0 {
            self.take_a_zone();
        } else {
            self.blow();
        }
    }

    fn replicas(&self) -> u64 {
        self.scene.instance()["replicaCount"].as_u64().unwrap_or_default()
    }

    /// A change, with up to two blows or a cancellation on its way.
    fn change(&mut self) {
        let instance = self.scene.instance();
        let body = change::choose(&mut self.random, &instance);
        self.tell(&format!("change {body}"));
        self.changes += 1;
        self.moves_slots = body.get("shardCount").is_some();
        let operation = self.scene.begin(&body);
        let cancels = self.random.percent(10);
        for _ in 0..self.random.below(3) {
            self.pass(CHANGE_MILLIS_MAX);
            self.blow();
        }
        if cancels {
            self.tell("cancel it");
            // Refused when the operation has ended meanwhile.
            self.scene.api().call("POST", &format!("/v1/{operation}:cancel"), "{}");
        }
        let ended = self.scene.api().wait(&operation, CHANGE_LIMIT);
        let code = ended["error"]["code"].as_i64();
        assert!(code.is_none() || cancels && code == Some(CANCELLED), "{body}: {ended}");
        self.tell(&format!("ended: {}", if code.is_none() { "done" } else { "cancelled" }));
    }

    /// Lets less than this pass.
    fn pass(&mut self, millis_max: u64) {
        let_pass(Duration::from_millis(self.random.below(millis_max)));
    }

    fn judge(self, report: Report) -> ChaosReport {
        let losses = check_losses(&report, &self.incidents, LOSS_AGE_MAX).unwrap_or_else(|loss| panic!("{loss}\n{report}"));
        assert!(report.altered.is_empty() && report.stale.is_empty(), "{report}");
        for error in &report.errors {
            let explained = |incident: &Incident| incident.at <= error.at && error.at <= incident.at.plus(ERROR_SPAN);
            assert!(self.incidents.iter().any(explained), "no blow explains {error:?}\n{report}");
        }
        let losses = losses.into_iter().map(|(index, (lost, oldest))| (lost, oldest, self.incidents[index].lag_bytes));
        ChaosReport { changes: self.changes, blows: self.blows, losses: losses.collect(), report }
    }
}

/// The number under this name in an instance.
fn number_of(instance: &Value, name: &str) -> u64 {
    instance[name].as_u64().unwrap_or_default()
}
