use valkyard_model::{NodeSerial, ShardIndex, StepKind};

use super::*;

fn slots(from: u16, to: u16, count: u16) -> WaitingOn {
    WaitingOn::SlotsToMove { from: ShardIndex(from), to: ShardIndex(to), count }
}

#[test]
fn one_reason_is_told_as_it_is() {
    assert_eq!(joined(&told(&[slots(0, 3, 812)], &[], Amounts::Inside)), "moving 812 slots from shard s0 to shard s3");
    assert_eq!(joined(&told(&[], &[], Amounts::Inside)), "in progress");
}

#[test]
fn reasons_of_a_kind_are_told_together_and_what_is_stuck_comes_first() {
    let waiting = [
        WaitingOn::NodeToLeave(NodeSerial(1)),
        slots(0, 3, 812),
        WaitingOn::Replacement(ShardIndex(1)),
        slots(1, 3, 400),
        slots(0, 3, 7),
        WaitingOn::Replacement(ShardIndex(2)),
        WaitingOn::RoomIn(ShardIndex(3)),
    ];
    assert_eq!(
        joined(&told(&waiting, &[], Amounts::Inside)),
        "shard s3 has no room for the keys it should get; moving 1219 slots (819 from s0 to s3, 400 from s1 to s3); \
         replacing the nodes of shards s1, s2; waiting for node n1 to leave"
    );
}

#[test]
fn a_message_stays_within_two_lines_and_counts_what_it_leaves_out() {
    let nodes = |make: fn(NodeSerial) -> WaitingOn| (100..150).map(move |serial| make(NodeSerial(serial)));
    let waiting: Vec<WaitingOn> = nodes(WaitingOn::NodeToAnswer)
        .chain(nodes(WaitingOn::ReplicaToSync))
        .chain(nodes(WaitingOn::ProcessToExit))
        .chain((0..125).map(|shard| slots(shard, 125 + shard, 65)))
        .collect();
    let retry = WaitingOn::Retry { step: StepKind::StartProcess, node: Some(NodeSerial(7)), kind: FaultKind::DiskFull };
    let message = joined(&told(&[waiting, vec![retry]].concat(), &[Condition::ShardDown(ShardIndex(0))], Amounts::Inside));
    assert!(message.starts_with("will try again to start process (node n7): the disk is full; moving 8125 slots ("), "{message}");
    assert!(message.ends_with("; and 4 more"), "{message}");
    assert!(message.len() <= MESSAGE_CHARS_MAX, "{}: {message}", message.len());
}

#[test]
fn work_in_the_background_says_how_far_it_is() {
    let reason = |waiting: WaitingOn| joined(&told(&[waiting], &[], Amounts::Inside));
    assert_eq!(
        reason(WaitingOn::BackupToBeTaken { shards: 3, bytes: 512 << 20 }),
        "taking the data of 3 shards (512 MiB so far)"
    );
    assert_eq!(reason(WaitingOn::BackupToBeTaken { shards: 1, bytes: 0 }), "taking the data of 1 shard (0 B so far)");
    assert_eq!(
        reason(WaitingOn::DataToImport { bytes: 12 << 20, bytes_total: 96 << 20 }),
        "putting the first data in place (12 MiB of 96 MiB, 12 %)"
    );
    assert_eq!(reason(WaitingOn::DataToImport { bytes: 7, bytes_total: 0 }), "putting the first data in place (7 B so far)");
    let import = WaitingOn::DataToImport { bytes: 12 << 20, bytes_total: 96 << 20 };
    let beside = told(&[WaitingOn::BackupToBeTaken { shards: 3, bytes: 512 << 20 }, import], &[], Amounts::Beside);
    assert_eq!(beside, ["putting the first data in place", "taking the data of 3 shards"]);
    assert_eq!(
        reason(WaitingOn::BackupSourceOf(ShardIndex(2))),
        "waiting for a node of shard s2 that a backup can be taken from"
    );
    let twice = [
        WaitingOn::WorkToStop,
        WaitingOn::BackupSourceOf(ShardIndex(0)),
        WaitingOn::BackupSourceOf(ShardIndex(1)),
        WaitingOn::WorkToStop,
    ];
    assert_eq!(
        joined(&told(&twice, &[], Amounts::Inside)),
        "waiting for nodes of shards s0, s1 that a backup can be taken from; waiting for other work on its data to stop"
    );
    let retry = WaitingOn::Retry { step: StepKind::BeginImport, node: None, kind: FaultKind::BadData };
    assert!(reason(retry).ends_with(": the data cannot be used"));
}
