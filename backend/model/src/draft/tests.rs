use super::*;

fn limits() -> SpecLimits {
    let engine_versions = ["VALKEY_8_0", "VALKEY_9_1"].map(|v| v.parse().expect("a version")).to_vec();
    SpecLimits { engine_versions, engine_hint: "install it".to_owned() }
}

fn draft() -> SpecDraft {
    SpecDraft { shard_count: 3, ..SpecDraft::default() }
}

fn check(draft: SpecDraft) -> Result<InstanceSpec, Vec<FieldViolation>> {
    validate(draft, &"us-central1".parse().expect("a region"), &limits())
}

fn fields(draft: SpecDraft) -> Vec<String> {
    check(draft).expect_err("should be refused").into_iter().map(|violation| violation.field).collect()
}

#[test]
fn defaults_are_the_products() {
    let spec = check(draft()).expect("valid");
    assert_eq!((spec.shard_count, spec.replica_count), (3, 0));
    assert_eq!(spec.node_type, NodeType::HighmemMedium);
    assert_eq!(spec.engine_version.to_string(), "VALKEY_9_1");
    assert_eq!(spec.zones, ZoneDistribution::MultiZone);
    assert!(!spec.deletion_protection);
}

#[test]
fn shapes_are_bounded_by_the_node_count() {
    let shape = |shard_count, replica_count| SpecDraft { shard_count, replica_count: Some(replica_count), ..draft() };
    assert!(check(shape(250, 0)).is_ok() && check(shape(41, 5)).is_ok());
    for (shards, replicas) in [(0, 0), (-1, 0), (251, 0), (126, 1), (42, 5)] {
        assert_eq!(fields(shape(shards, replicas)), ["instance.shard_count"], "{shards} x {replicas}");
    }
    for replicas in [-1, 6] {
        assert_eq!(fields(shape(3, replicas)), ["instance.replica_count"]);
    }
}

#[test]
fn a_version_that_is_not_installed_says_which_are_and_how_to_get_it() {
    for text in ["VALKEY_9_0", "valkey-9"] {
        let violations = check(SpecDraft { engine_version: text.to_owned(), ..draft() }).expect_err("not installed");
        assert!(violations[0].description.contains("VALKEY_8_0, VALKEY_9_1"), "{violations:?}");
    }
    let violations = check(SpecDraft { engine_version: "VALKEY_9_0".to_owned(), ..draft() }).expect_err("not installed");
    assert!(violations[0].description.ends_with("install it"), "{violations:?}");
}

#[test]
fn a_single_zone_must_be_one_of_the_region() {
    let single = |zone: &str| SpecDraft { zones: ZoneDraft::SingleZone { zone: zone.to_owned() }, ..draft() };
    assert!(check(single("us-central1-b")).is_ok());
    for zone in ["", "us-central1-d", "europe-west1-a"] {
        assert_eq!(fields(single(zone)), ["instance.zone_distribution_config.zone"]);
    }
}

#[test]
fn every_wrong_field_is_reported_at_once() {
    let wrong = SpecDraft {
        shard_count: 0,
        node_type: Some(NodeType::CustomPico),
        labels: BTreeMap::from([("Bad".to_owned(), "x".to_owned())]),
        engine_configs: BTreeMap::from([("save".to_owned(), "1".to_owned())]),
        auto_connections: vec![AutoConnection { project: "p".to_owned(), network: "default".to_owned() }],
        ..draft()
    };
    let expected =
        ["instance.node_type", "instance.shard_count", "instance.engine_configs", "instance.labels", "instance.endpoints"];
    assert_eq!(fields(wrong), expected);
}
