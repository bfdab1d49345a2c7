//! The judge itself: that it sees nothing where nothing happens, and sees what is done behind its back.

use std::time::Duration;

use acceptance_tests::judge::{DataSet, HotKeys, Load, LoadOptions};
use acceptance_tests::{Daemon, DaemonOptions, Leavers, check_invariants, kill_9, listing_of, node_processes, wait_until};
use serde_json::json;

const CREATE_LIMIT: Duration = Duration::from_secs(30);

#[test]
fn an_instance_that_nobody_touches_is_flawless_and_a_wiped_one_is_not() {
    let daemon = Daemon::start(DaemonOptions::default());
    let body = json!({"shardCount": 2, "replicaCount": 1, "nodeType": "SHARED_CORE_NANO"});
    let instance = daemon.api().create_and_wait("judged", &body, CREATE_LIMIT);
    let data = DataSet::write(&instance, 10);
    data.is_intact(&instance).expect("nothing happened");
    let hot = HotKeys::start(&instance, &["hot:1".to_owned(), "hot:2".to_owned()]);
    let load = Load::start(&instance, &LoadOptions::default());
    load.wait_for_more(100);
    let record = load.stop();
    let operations = hot.check().expect("one register explains it");
    assert!(operations > 100, "{operations}");
    let report = record.verify(&instance);
    println!("{report}; {operations} operations on hot keys");
    report.flawless().expect("nothing happened");
    check_invariants(&daemon.data_dir(), &instance, Leavers::Gone).expect("nothing happened");

    let address = acceptance_tests::discovery_address(&instance);
    for node in listing_of(&address).expect("it answers").into_iter().filter(|node| node.primary.is_none()) {
        acceptance_tests::ask(&node.address, &["FLUSHALL"]).expect("a client may flush");
    }
    let report = record.verify(&instance);
    assert!(report.lost.len() > 100, "{report}");
    data.is_intact(&instance).expect_err("everything was flushed");

    kill_9(node_processes(&daemon.data_dir())[0].pid);
    wait_until("a broken invariant", CREATE_LIMIT, || match check_invariants(&daemon.data_dir(), &instance, Leavers::Gone) {
        Ok(()) => Err("none".to_owned()),
        Err(_) => Ok(()),
    });
}
