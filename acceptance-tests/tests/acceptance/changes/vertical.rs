//! `node_type`: nodes of another size take the place of those there are.

use std::cell::RefCell;

use acceptance_tests::info_of;

use super::apply_under_load;

fn grow_and_shrink(shards: u16, replicas: u16) {
    let step = |node_type: &str| format!("shard_count = {shards}\n  replica_count = {replicas}\n  node_type = \"{node_type}\"");
    let sizes = RefCell::new(Vec::new());
    let steps = [step("SHARED_CORE_NANO"), step("STANDARD_SMALL"), step("SHARED_CORE_NANO")];
    apply_under_load(&steps.each_ref().map(String::as_str), |scene, _| {
        let node = &scene.primaries()[0].listed.address;
        sizes.borrow_mut().push(info_of(node, "memory", "maxmemory").expect("it answers").parse::<u64>().expect("bytes"));
    });
    let sizes = sizes.into_inner();
    assert!(sizes[1] > sizes[0] && sizes[2] < sizes[1], "{sizes:?}");
}

#[test]
fn nodes_grow_and_shrink_under_load() {
    grow_and_shrink(3, 1);
}

#[test]
fn nodes_without_replicas_grow_and_shrink_under_load() {
    grow_and_shrink(2, 0);
}
