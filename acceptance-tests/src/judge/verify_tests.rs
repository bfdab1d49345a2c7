use super::super::key::{Key, Kind};
use super::super::moment::Moment;
use super::super::record::{Action, ClientKind, Event, Outcome, Record};
use super::Held;

fn record(kind: Kind, steps: &[(Action, Outcome)]) -> Record {
    let events = steps.iter().zip(0_u64..).map(|((action, outcome), time)| Event {
        key: 0,
        action: *action,
        outcome: outcome.clone(),
        sent: Moment(time * 10),
        done: Moment(time * 10 + 5),
    });
    let key = Key { name: "k".to_owned(), kind, client: 0 };
    Record { keys: vec![key], clients: vec![ClientKind::Rust], events: events.collect() }
}

fn held(values: &[u64]) -> Vec<Held> {
    vec![Held { values: values.to_vec(), expires: true }]
}

fn failed(value: u64) -> (Action, Outcome) {
    (Action::Write(value), Outcome::Failed("gone".to_owned()))
}

fn written(value: u64) -> (Action, Outcome) {
    (Action::Write(value), Outcome::Acknowledged)
}

fn found(value: u64) -> (Action, Outcome) {
    (Action::Read, Outcome::Found(Some(value)))
}

#[test]
fn a_register_holds_the_last_acknowledged_value_or_a_later_attempt() {
    let record = record(Kind::Expiring, &[written(1), written(2), failed(3)]);
    for (value, lost) in [(1, 1), (2, 0), (3, 0)] {
        assert_eq!(record.judge(&held(&[value])).lost.len(), lost, "{value}");
    }
    assert_eq!(record.judge(&held(&[4])).altered.len(), 1, "nobody wrote 4");
    assert_eq!(record.judge(&held(&[])).lost.len(), 1, "a key that is gone");
    let unexpiring = vec![Held { values: vec![2], expires: false }];
    assert_eq!(record.judge(&unexpiring).altered.len(), 1, "a life that was lost");
}

#[test]
fn a_loss_that_was_written_over_is_still_seen_by_a_look_in_between() {
    for look in [found(1), (Action::Write(3), Outcome::Replaced(Some(1)))] {
        let record = record(Kind::Register, &[written(1), written(2), found(2), look, written(4)]);
        let report = record.judge(&held(&[4]));
        assert_eq!(report.lost.iter().map(|write| write.value).collect::<Vec<_>>(), [2]);
    }
    let repeated = record(Kind::Register, &[written(1), (Action::Write(2), Outcome::Replaced(Some(2)))]);
    assert!(repeated.judge(&held(&[2])).flawless().is_ok(), "a repeated write is none of the server's faults");
}

#[test]
fn a_log_holds_every_acknowledged_value_in_order() {
    let record = record(Kind::List, &[written(1), written(2), failed(3), written(4)]);
    assert!(record.judge(&held(&[1, 2, 4])).lost.is_empty());
    let repeated = record.judge(&held(&[1, 2, 2, 3, 4]));
    assert_eq!((repeated.lost.len(), repeated.altered.len(), repeated.repeated), (0, 0, 1));
    assert_eq!(record.judge(&held(&[1, 4])).lost.len(), 1);
    assert_eq!(record.judge(&held(&[1, 4, 2])).altered.len(), 1, "out of order");
    assert_eq!(record.judge(&held(&[1, 2, 4, 9])).altered.len(), 1, "nobody wrote 9");
}

#[test]
fn a_read_that_misses_a_write_which_is_there_is_stale() {
    let record = record(Kind::Stream, &[written(1), written(2), found(1)]);
    let report = record.judge(&held(&[1, 2]));
    assert_eq!((report.lost.len(), report.stale.len()), (0, 1));
}

#[test]
fn errors_and_latencies_are_counted() {
    let report = record(Kind::Hash, &[written(1), failed(2)]).judge(&held(&[1, 2]));
    assert_eq!((report.acknowledged, report.errors.len()), (1, 1));
    assert!(report.flawless().is_err());
    assert_eq!(
        report.to_string().lines().next().unwrap_or_default().split(';').next(),
        Some("1 acknowledged, 0 lost, 1 errors, worst 0.0 ms, p99 0.0 ms")
    );
}
