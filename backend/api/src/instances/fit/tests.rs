use valkyard_model::{SpecDraft, SpecLimits, validate};

use super::*;

const MIB: u64 = 1 << 20;
/// 0.8 × 16 GiB / 2 = 6.4 GiB of data at most on the nodes of one instance together.
const LAPTOP: MemoryPolicy = MemoryPolicy { scale: None, machine: ByteSize(16 << 30) };
const TRUE_SIZES: MemoryPolicy = MemoryPolicy { scale: Some(1.0), ..LAPTOP };

fn spec(shards: i32, replicas: i32, node_type: NodeType) -> InstanceSpec {
    let draft =
        SpecDraft { shard_count: shards, replica_count: Some(replicas), node_type: Some(node_type), ..SpecDraft::default() };
    let limits = SpecLimits { engine_versions: vec!["VALKEY_9_1".parse().expect("a version")], engine_hint: String::new() };
    validate(draft, &"us-central1".parse().expect("a region"), &limits).expect("a valid spec")
}

fn refusal(policy: MemoryPolicy, present: &InstanceSpec, wanted: &InstanceSpec, data: u64) -> Option<String> {
    let name = "projects/p/locations/us-central1/instances/cache".parse().expect("a name");
    let present_room = room(present.shard_count, maxmemory(&policy, present));
    let change = Change { name: &name, present_room, wanted, policy };
    change.refuse_if_too_small(ByteSize(data)).err().map(|error| error.to_string())
}

#[test]
fn a_shape_too_small_is_refused_with_the_nearest_that_would_do() {
    let (present, wanted) = (spec(5, 0, NodeType::StandardSmall), spec(2, 0, NodeType::StandardSmall));
    let text = refusal(TRUE_SIZES, &present, &wanted, 12_000 * MIB).expect("12000 MiB do not fit into two");
    assert_eq!(
        text,
        "the data of 'projects/p/locations/us-central1/instances/cache' is 12000.0 MiB, and 2 shards of STANDARD_SMALL can hold \
         9318.3 MiB (7/8 of their memory for data, the rest is for what is written meanwhile): 3 shards of STANDARD_SMALL or 2 \
         shards of HIGHMEM_MEDIUM would do"
    );
    assert_eq!(refusal(TRUE_SIZES, &present, &spec(3, 0, NodeType::StandardSmall), 12_000 * MIB), None);
}

#[test]
fn smaller_nodes_are_refused_like_fewer() {
    let (present, wanted) = (spec(3, 0, NodeType::HighmemMedium), spec(3, 0, NodeType::SharedCoreNano));
    let text = refusal(TRUE_SIZES, &present, &wanted, 4_000 * MIB).expect("4000 MiB do not fit into three nanos");
    assert!(text.ends_with("4 shards of SHARED_CORE_NANO or 3 shards of STANDARD_SMALL would do"), "{text}");
}

#[test]
fn more_replicas_take_room_where_the_machine_is_the_limit() {
    let (present, wanted) = (spec(3, 0, NodeType::HighmemMedium), spec(3, 1, NodeType::HighmemMedium));
    assert_eq!(refusal(LAPTOP, &present, &wanted, 1_000 * MIB), None);
    let text = refusal(LAPTOP, &present, &wanted, 4_000 * MIB).expect("copies halve the room");
    assert!(text.ends_with("no shape of these replicas would do on this machine: remove data first"), "{text}");
}

#[test]
fn a_full_cache_may_change_where_it_loses_no_room() {
    let present = spec(3, 0, NodeType::StandardSmall);
    let full = room(3, maxmemory(&TRUE_SIZES, &present)).0;
    for wanted in [spec(3, 2, NodeType::StandardSmall), spec(4, 0, NodeType::StandardSmall), spec(3, 0, NodeType::HighmemMedium)]
    {
        assert_eq!(refusal(TRUE_SIZES, &present, &wanted, full), None, "{wanted:?}");
    }
}
