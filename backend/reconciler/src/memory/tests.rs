//! What is remembered, and when it is forgotten.

use chrono::TimeDelta;
use valkyard_model::{EngineVersion, FaultKind, FilesSeen, NodeHistory, Pid, ProcessSeen, ProcessState, Seen};

use super::*;

const NODE: NodeSerial = NodeSerial(1);

fn uid(last: char) -> Uid {
    Uid(format!("00000000-0000-0000-0000-00000000000{last}").parse().expect("a uuid"))
}

fn look(at: Timestamp, node: NodeObservation) -> Observation {
    Observation {
        at,
        first_look: at,
        nodes: [(NODE, node)].into(),
        discovery: Seen::Absent,
        handovers: [].into(),
        faults: Vec::new(),
    }
}

fn node(files: Seen<FilesSeen>, process: Seen<ProcessSeen>) -> NodeObservation {
    NodeObservation { files, process, engine: Seen::Absent, history: NodeHistory::default() }
}

fn dead() -> NodeObservation {
    node(Seen::Known(FilesSeen {}), Seen::Absent)
}

fn folderless() -> NodeObservation {
    NodeObservation { engine: Seen::Unknown, ..node(Seen::Absent, Seen::Absent) }
}

fn completed(memory: &mut Memory, mut observation: Observation) -> Observation {
    memory.complete(&mut observation);
    observation
}

fn is_at_rest(memory: &mut Memory, node: NodeObservation) -> bool {
    completed(memory, look(Timestamp::UNIX_EPOCH, node)).nodes[&NODE].history.is_at_rest
}

#[test]
fn another_incarnation_is_met_without_memories() {
    let begin = Timestamp::UNIX_EPOCH;
    let later = begin + TimeDelta::hours(1);
    let mut memory = Memory::default();
    memory.belong_to(uid('1'));
    completed(&mut memory, look(begin, dead()));
    let failed = StepError { kind: FaultKind::Transient, source: "it happens".into() };
    memory.end(&Step::CloseDiscovery, Err(failed), begin);

    memory.belong_to(uid('1'));
    let same = completed(&mut memory, look(later, dead()));
    assert_eq!((same.first_look, same.faults.len()), (begin, 1));

    memory.belong_to(uid('2'));
    let other = completed(&mut memory, look(later, folderless()));
    assert_eq!((other.first_look, other.faults.len()), (later, 0));
    assert!(!other.nodes[&NODE].history.is_at_rest, "what is known of a node of the same number was kept");
}

#[test]
fn a_node_is_at_rest_from_the_end_of_its_process_until_it_is_started() {
    let version: EngineVersion = "VALKEY_9_1".parse().expect("valid");
    let mut memory = Memory::default();
    assert!(!is_at_rest(&mut memory, folderless()), "nothing is known of it");
    assert!(is_at_rest(&mut memory, dead()));
    assert!(is_at_rest(&mut memory, folderless()));
    memory.begin(&Step::StartProcess { node: NODE, engine: version }, Timestamp::UNIX_EPOCH);
    assert!(!is_at_rest(&mut memory, folderless()));
    assert!(is_at_rest(&mut memory, dead()));
    let process = Seen::Known(ProcessSeen { pid: Pid(7), state: ProcessState::Running });
    assert!(!is_at_rest(&mut memory, node(Seen::Known(FilesSeen {}), process)));
    assert!(!is_at_rest(&mut memory, folderless()));
}

#[test]
fn a_start_that_failed_counts_as_a_fault_and_not_as_a_start() {
    let now = Timestamp::UNIX_EPOCH;
    let start = Step::StartProcess { node: NODE, engine: "VALKEY_9_1".parse().expect("valid") };
    let mut memory = Memory::default();
    memory.begin(&start, now);
    memory.end(&start, Ok(()), now);
    memory.begin(&start, now);
    memory.end(&start, Err(StepError { kind: FaultKind::Transient, source: "it happens".into() }), now);
    let seen = completed(&mut memory, look(now, dead()));
    assert_eq!((seen.nodes[&NODE].history.starts, seen.faults.len()), (1, 1));
}
