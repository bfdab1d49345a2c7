//! `shard_count`: slots move while they are read and written.

use acceptance_tests::engines;

use super::apply_under_load;

#[test]
fn shards_come_and_go_under_load() {
    for engine in engines() {
        println!("{}", engine.api_version);
        let step = |shards: u16| {
            format!(
                "shard_count = {shards}\n  replica_count = 0\n  node_type = \"SHARED_CORE_NANO\"\n  engine_version = \"{}\"",
                engine.api_version
            )
        };
        let steps = [step(3), step(5), step(2)];
        apply_under_load(&steps.each_ref().map(String::as_str), |_, _| {});
    }
}

#[test]
fn shards_with_replicas_come_and_go_under_load() {
    let step = |shards: u16| format!("shard_count = {shards}\n  replica_count = 1\n  node_type = \"SHARED_CORE_NANO\"");
    let steps = [step(1), step(2), step(1)];
    apply_under_load(&steps.each_ref().map(String::as_str), |_, _| {});
}
