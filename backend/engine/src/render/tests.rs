use std::collections::BTreeMap;

use valkyard_model::{
    Access, AdminSecret, Admission, BinaryVersion, ByteSize, ClusterSeed, ConfigEpoch, EngineConfigs, LocationId, NodeId,
    NodeSerial, NodeSettings, NodeType, Part, Persistence, Port, SeedNode, SeedRole, ShardId, ShardIndex, Uid, Zone, even_shares,
};

use super::*;

fn version(text: &str) -> BinaryVersion {
    text.parse().expect("a version")
}

fn secret() -> AdminSecret {
    AdminSecret::from_random([7; 32])
}

fn settings(version: &str, configs: &[(&str, &str)]) -> NodeSettings {
    let configs: BTreeMap<String, String> = configs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let location: LocationId = "us-central1".parse().expect("a region");
    let [zone, ..] = Zone::all_of(&location);
    NodeSettings {
        ip: "127.20.0.1".parse().expect("an address"),
        port: Port(11_000),
        bus_port: Port(21_000),
        engine: self::version(version).api(),
        zone,
        node_type: NodeType::StandardSmall,
        maxmemory: ByteSize(1 << 30),
        configs: EngineConfigs::validate(&configs, NodeType::StandardSmall).expect("valid"),
        persistence: Persistence::Disabled,
        part: Part::None,
        backlog: Part::None.backlog(ByteSize(1 << 30)),
    }
}

fn render(version: &str, configs: &[(&str, &str)]) -> String {
    config(&settings(version, configs), self::version(version), &secret(), &NodeFileNames::default())
}

#[test]
fn the_configuration_of_a_node_is_this() {
    insta::assert_snapshot!(render("9.1.2", &[]));
}

#[test]
fn older_versions_are_not_told_what_they_do_not_know() {
    assert!(!render("8.0.1", &[]).contains("cluster-config-save-behavior"));
    let oldest = render("7.2.5", &[]);
    assert!(oldest.contains("masteruser \"valkyard-admin\"\n") && !oldest.contains("primaryuser"), "{oldest}");
    assert!(!oldest.contains("availability-zone"), "{oldest}");
}

/// The engine takes the last line of a name.
fn effective<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines().rev().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
}

#[test]
fn what_the_user_set_overrides_the_defaults_but_memory_stays_scaled() {
    let configs = [
        ("maxmemory", "5gb"),
        ("maxmemory-policy", "noeviction"),
        ("maxclients", "1000"),
        ("maxmemory-clients", "0"),
        ("notify-keyspace-events", ""),
        ("slowlog-log-slower-than", "-1"),
    ];
    let text = render("9.1.2", &configs);
    assert_eq!(effective(&text, "maxmemory"), Some("\"1073741824\""));
    assert_eq!(effective(&text, "maxmemory-policy"), Some("\"noeviction\""));
    assert_eq!(effective(&text, "maxclients"), Some("\"1000\""));
    assert_eq!(effective(&text, "maxmemory-clients"), Some("\"0\""));
    assert_eq!(effective(&text, "notify-keyspace-events"), Some("\"\""));
    assert_eq!(effective(&text, "slowlog-log-slower-than"), Some("\"-1\""));
}

#[test]
fn file_names_cannot_add_directives() {
    let files =
        NodeFileNames { acl: "a\"\nport 1", cluster: "c\\", log: "l\rx\0", append_folder: "f\"\nport 2", snapshot: "s\n" };
    let text = config(&settings("9.1.2", &[]), version("9.1.2"), &secret(), &files);
    assert_eq!(effective(&text, "port"), Some("\"11000\""));
    assert_eq!(effective(&text, "aclfile"), Some(r#""a\"\x0aport 1""#));
    assert_eq!(effective(&text, "cluster-config-file"), Some(r#""c\\""#));
    assert_eq!(effective(&text, "logfile"), Some(r#""l\x0dx\x00""#));
}

#[test]
fn the_acl_names_two_users_and_no_password() {
    let text = acl(&secret(), Access::ReadWrite, Admission::Clients);
    assert_eq!(text.lines().count(), 2);
    assert!(!text.contains(secret().expose()));
    insta::assert_snapshot!(text);
    let shut = acl(&secret(), Access::ReadWrite, Admission::DaemonOnly);
    assert_eq!(shut, text.replacen("user default on ", "user default off ", 1));
}

#[test]
fn clients_of_a_copy_have_no_command_that_writes_whatever_else_they_were_given() {
    let text = acl(&secret(), Access::ReadOnly, Admission::Clients);
    let (client, admin) = text.split_once('\n').expect("two users");
    assert!(client.ends_with(" -@write"), "{client}");
    assert_eq!(
        client.trim_end_matches(" -@write"),
        acl(&secret(), Access::ReadWrite, Admission::Clients).lines().next().expect("a user")
    );
    assert!(admin.contains("+@all") && !admin.contains(" -"), "the daemon writes on: {admin}");
}

#[test]
fn nodes_conf_tells_the_whole_cluster_and_who_one_is() {
    let uid = Uid(uuid::Uuid::from_u128(1));
    let id = |serial| NodeId::derive(uid, NodeSerial(serial));
    let node = |serial: u32, shard: u16, role| SeedNode {
        id: id(serial),
        address: format!("127.20.0.1:{}", 11_000 + serial).parse().expect("an address"),
        bus_port: Port(21_000 + u16::try_from(serial).expect("small")),
        shard: ShardId::derive(uid, ShardIndex(shard)),
        role,
    };
    let shares = even_shares(2);
    let primary =
        |index: usize, epoch| SeedRole::Primary { slots: [shares[index]].into_iter().collect(), epoch: ConfigEpoch(epoch) };
    let seed = ClusterSeed {
        current_epoch: ConfigEpoch(2),
        nodes: vec![node(1, 0, primary(0, 1)), node(2, 1, primary(1, 2)), node(3, 1, SeedRole::Replica { of: id(2) })],
    };
    let (first, third) = (nodes_conf(&seed, &id(1)), nodes_conf(&seed, &id(3)));
    assert_eq!(first.replace("myself,", ""), third.replace("myself,", ""));
    insta::assert_snapshot!(third);
}
