//! A client of the load that uses redis-rs's asynchronous cluster client as it comes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use tokio::time::{MissedTickBehavior, interval};

use super::key::{Key, Kind, values_in};
use super::load::{ClientPlan, Progress};
use super::moment::Moment;
use super::record::{Action, Event, Outcome};

/// Runs until `stop` is set; the last command ends first.
///
/// # Panics
/// When the instance cannot be reached at the start.
pub(super) fn run(plan: &ClientPlan, stop: &AtomicBool, progress: &Progress) -> Vec<Event> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime of one thread");
    runtime.block_on(work(plan, stop, progress))
}

async fn work(plan: &ClientPlan, stop: &AtomicBool, progress: &Progress) -> Vec<Event> {
    let client = ClusterClient::new(vec![plan.url.clone()]).expect("a discovery endpoint makes a client");
    let mut connection = client.get_async_connection().await.expect("the instance answers before the load");
    let mut pace = interval(Duration::from_secs(1) / plan.commands_per_second);
    // After a pause the pace goes on: writes that were due meanwhile are not made up for.
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut events = Vec::new();
    let mut values = vec![(0_u64, 0_u64); plan.keys.len()];
    for turn in 0_usize.. {
        pace.tick().await;
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let place = turn / plan.turns_per_read % plan.keys.len();
        let (index, key) = &plan.keys[place];
        let (attempted, acknowledged) = &mut values[place];
        let reads = turn % plan.turns_per_read == plan.turns_per_read - 1;
        let action = if reads {
            Action::Read
        } else {
            *attempted += 1;
            Action::Write(*attempted)
        };
        let sent = Moment::now();
        let outcome = act(&mut connection, key, action, *acknowledged).await;
        let event = Event { key: *index, action, outcome, sent, done: Moment::now() };
        if let Some(value) = event.acknowledged() {
            *acknowledged = value;
            progress.count_one();
        }
        events.push(event);
    }
    events
}

async fn act(connection: &mut ClusterConnection, key: &Key, action: Action, newest: u64) -> Outcome {
    let command = match action {
        Action::Write(value) => key.write(value),
        Action::Read => key.read(newest),
    };
    let answer: Result<redis::Value, _> = command.query_async(connection).await;
    match (answer, action) {
        (Err(error), _) => Outcome::Failed(error.to_string()),
        (Ok(answer), Action::Read) => Outcome::Found(values_in(&answer).last().copied()),
        (Ok(answer), Action::Write(_)) if key.kind == Kind::Register => Outcome::Replaced(values_in(&answer).last().copied()),
        (Ok(_), Action::Write(_)) => Outcome::Acknowledged,
    }
}
