//! The real keeper over a real database and made-up files, with a crash at any step: what must never be, and what must come.
//!
//! Nodes and stores are made up: files come and go in pieces, so that a crash leaves half of them; loops of instances make
//! backups, restore them or fail to.

mod ground;
mod oracle;
mod players;
mod random;
mod world;

use crate::testing::{Clients, instance_name};
use crate::{Keeper, handle};
use ground::Ground;
use oracle::Oracle;
use players::Players;
use random::Random;
use world::SimulatedWorld;

/// Runs of each test, some seconds altogether.
const SEEDS: u64 = 6;
/// Rounds of requests, faults and crashes.
const ROUNDS: u32 = 120;
/// Seconds that a round takes at most; one in eight is longer, so that all of them together take more than a day, after which
/// leftovers are removed.
const ROUND_SECS_MAX: u32 = 300;
/// Seconds that a long round takes at most.
const LONG_ROUND_SECS_MAX: u32 = 4 * 3_600;
/// Rounds in peace until everything must be done: two days, in which every backoff is over, and the youngest leftover is a day
/// old when a sweep is due.
const ROUNDS_OF_PEACE: u32 = 600;
/// Seconds of a round in peace.
const PEACEFUL_ROUND_SECS: i64 = 300;

/// What a run may do to the clock of schedules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Calendar {
    /// It only goes forward.
    Forward,
    /// It is set in both directions.
    BackAndForth,
}

struct Run {
    seed: u64,
    calendar: Calendar,
    clients: Clients,
    ground: Ground,
    random: Random,
    oracle: Oracle,
    keeper: Keeper<SimulatedWorld>,
}

impl Run {
    async fn begin(seed: u64, calendar: Calendar) -> Self {
        let (clients, ground, mut random) = (Clients::new(), Ground::default(), Random::new(seed));
        clients.create(&instance_name("cache")).await;
        clients.create(&instance_name("sessions")).await;
        let keeper = keeper(&clients, &ground, &mut random);
        Self { seed, calendar, clients, ground, random, oracle: Oracle::default(), keeper }
    }

    async fn round(&mut self) {
        let mut players = Players { clients: &self.clients, ground: &self.ground, random: &mut self.random };
        players.loops_turn().await;
        players.clients_turn(self.calendar).await;
        let longest = if self.random.below(8) == 0 { LONG_ROUND_SECS_MAX } else { ROUND_SECS_MAX };
        self.clients.surroundings.pass(i64::from(self.random.below(longest)));
        let turn = self.keeper.turn().await;
        assert!(turn.is_ok() || self.keeper.world().is_crashed(), "seed {}: {turn:?}", self.seed);
        if self.keeper.world().is_crashed() || self.random.below(12) == 0 {
            self.keeper = keeper(&self.clients, &self.ground, &mut self.random);
        }
        self.oracle.look(self.seed, self.calendar, &self.clients, &self.ground).await;
    }

    /// No more requests, no more faults: everything that was begun must end.
    async fn settle(&mut self) {
        self.ground.lock().is_peaceful = true;
        let mut unfinished = String::new();
        for _ in 0..ROUNDS_OF_PEACE {
            let mut players = Players { clients: &self.clients, ground: &self.ground, random: &mut self.random };
            players.loops_turn().await;
            self.clients.surroundings.pass(PEACEFUL_ROUND_SECS);
            self.keeper.turn().await.expect("nothing fails any more");
            self.oracle.look(self.seed, self.calendar, &self.clients, &self.ground).await;
            match self.oracle.unfinished(&self.clients, &self.ground).await {
                Some(what) => unfinished = what,
                None => return,
            }
        }
        panic!("seed {}: {unfinished}", self.seed);
    }
}

fn keeper(clients: &Clients, ground: &Ground, random: &mut Random) -> Keeper<SimulatedWorld> {
    let (_, ends) = handle();
    Keeper::new(SimulatedWorld::new(clients, ground, Random::new(random.next())), ends)
}

async fn run(seeds: std::ops::Range<u64>, calendar: Calendar) {
    let mut swept_amid_faults = 0;
    for seed in seeds {
        let mut run = Run::begin(seed, calendar).await;
        for _ in 0..ROUNDS {
            run.round().await;
        }
        swept_amid_faults += run.ground.lock().swept;
        run.settle().await;
    }
    assert!(swept_amid_faults > 0, "no sweep had anything to remove");
}

#[tokio::test]
async fn whatever_crashes_everything_ends_and_nothing_is_lost() {
    run(0..SEEDS, Calendar::Forward).await;
}

#[tokio::test]
async fn a_clock_that_is_set_in_both_directions_gives_no_due_time_two_backups() {
    run(1_000..1_000 + SEEDS, Calendar::BackAndForth).await;
}
