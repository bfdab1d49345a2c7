use super::*;

/// A history out of lines `from..to w VALUE`, `from..? w VALUE` and `from..to r VALUE`, where `-` is no value.
fn check(text: &str) -> Result<(), Violation> {
    let operations: Vec<Operation> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (from, to) = words[0].split_once("..").expect("two moments");
            let value = words[2].parse::<u64>().ok();
            let access = if words[1] == "w" { Access::Write(value.expect("a value")) } else { Access::Read(value) };
            let moment = |text: &str| text.parse().ok().map(Moment);
            Operation { access, called: moment(from).expect("a moment"), returned: moment(to) }
        })
        .collect();
    check_register(&operations)
}

#[test]
fn one_after_the_other_reads_see_the_last_write() {
    assert_eq!(check("0..1 r -\n 2..3 w 1\n 4..5 r 1\n 6..7 w 2\n 8..9 r 2"), Ok(()));
}

#[test]
fn a_read_after_a_later_write_cannot_see_the_earlier_one() {
    let violation = check("0..1 w 1\n 2..3 w 2\n 4..5 r 1").expect_err("a stale read");
    assert_eq!(violation.explained, 2);
    assert_eq!(violation.stuck_at.iter().map(|operation| operation.access).collect::<Vec<_>>(), [Access::Read(Some(1))]);
}

#[test]
fn a_write_that_was_read_cannot_vanish() {
    assert!(check("0..1 w 1\n 2..3 r 1\n 4..5 r -").is_err());
}

#[test]
fn an_acknowledged_write_that_nobody_sees_is_lost() {
    assert!(check("0..1 w 1\n 2..3 w 2\n 4..5 w 3\n 6..7 r 2").is_err());
}

#[test]
fn concurrent_operations_may_fall_in_any_order() {
    assert_eq!(check("0..10 w 1\n 0..10 w 2\n 11..12 r 1"), Ok(()));
    assert_eq!(check("0..10 w 1\n 0..10 w 2\n 11..12 r 2"), Ok(()));
    assert_eq!(check("0..10 w 1\n 1..2 r -\n 3..4 r 1"), Ok(()));
}

#[test]
fn reads_agree_on_the_order_of_concurrent_writes() {
    assert!(check("0..10 w 1\n 0..10 w 2\n 11..12 r 1\n 13..14 r 2").is_err());
    assert!(check("0..10 w 1\n 1..2 r 1\n 3..4 r -").is_err(), "back in time");
}

#[test]
fn a_write_without_an_answer_takes_effect_at_any_later_time_or_never() {
    assert_eq!(check("0..1 w 1\n 2..? w 2\n 3..4 r 1\n 5..6 r 2"), Ok(()));
    assert_eq!(check("0..1 w 1\n 2..? w 2\n 3..4 r 1"), Ok(()));
    assert!(check("0..1 w 1\n 2..? w 2\n 3..4 r 2\n 5..6 r 1").is_err(), "it cannot be undone");
    assert!(check("0..1 r 2\n 2..? w 2").is_err(), "it cannot be seen before it was called");
}

#[test]
fn long_histories_with_much_concurrency_are_decided() {
    let mut history = Vec::new();
    for round in 0..2_000_u64 {
        let begin = round * 10;
        for client in 0..4 {
            let value = round * 4 + client + 1;
            let times = (Moment(begin + client), Some(Moment(begin + 8 + client)));
            history.push(Operation { access: Access::Write(value), called: times.0, returned: times.1 });
        }
        let last = Access::Read(Some(round * 4 + 2));
        history.push(Operation { access: last, called: Moment(begin + 9), returned: Some(Moment(begin + 12)) });
    }
    // Overlaps reach into the next round, where other writes are under way.
    let seen = check_register(&history);
    assert_eq!(seen, Ok(()));
    history.push(Operation { access: Access::Read(Some(1)), called: Moment(30_000), returned: Some(Moment(30_001)) });
    assert!(check_register(&history).is_err());
}
