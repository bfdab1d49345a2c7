use std::collections::BTreeMap;

use proptest::prelude::*;
use valkyard_model::{
    Access, MigrationDirection, MigrationState, OpenSlot, PeerHealth, ReplicationPoint, Slot, SlotSet, Timestamp,
};

use super::*;

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const CLUSTER_INFO: &str =
    "cluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_current_epoch:9\r\ncluster_my_epoch:7\r\n";
const PRIMARY_INFO: &str = "# Server\r\nredis_version:7.2.4\r\nvalkey_version:9.1.2\r\n\r\n# Persistence\r\nloading:0\r\nasync_loading:0\r\n\
    rdb_bgsave_in_progress:1\r\nrdb_last_bgsave_status:err\r\n\
    rdb_last_load_keys_expired:2\r\nrdb_last_load_keys_loaded:13\r\naof_enabled:1\r\naof_rewrite_in_progress:0\r\n\
    aof_rewrite_scheduled:1\r\naof_last_bgrewrite_status:ok\r\naof_last_write_status:err\r\n\r\n\
    # Replication\r\nrole:master\r\nconnected_slaves:1\r\nmaster_repl_offset:4242\r\n\
    master_replid:0123456789abcdef0123456789abcdef01234567\r\nmaster_replid2:76543210fedcba9876543210fedcba9876543210\r\n\
    second_repl_offset:101\r\nrepl_backlog_active:1\r\n# Memory\r\nused_memory:9000\r\n\
    used_memory_startup:2000\r\nmem_replication_backlog:1000\r\nmem_clients_slaves:300\r\nmem_clients_normal:30\r\n\
    mem_cluster_links:3\r\nnumber_of_libraries:2\r\n# Keyspace\r\ndb0:keys=11,expires=1,avg_ttl=0\r\ndb3:keys=4,expires=0\r\n";

/// Reports of a node that is told nothing by its settings and migrations.
fn read(nodes: &str, cluster_info: &str, info: &str) -> Result<EngineSeen, ReportError> {
    engine_seen(Reports {
        nodes,
        cluster_info,
        info,
        settings: told_settings(),
        access: Access::ReadWrite,
        migrations: Vec::new(),
    })
}

fn told_settings() -> Vec<(String, String)> {
    EngineConfigKey::ALL
        .map(|key| (key.as_str().to_owned(), if key.as_str().starts_with("notify") { "AKE" } else { "7" }.to_owned()))
        .into_iter()
        .chain(
            [("appendonly", "yes"), ("appendfsync", "always"), ("rdb-del-sync-files", "no")]
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        )
        .collect()
}

fn id(text: &str) -> NodeId {
    text.parse().expect("an id")
}

fn replica_info(link: &str, syncing: u8, loading: u8) -> String {
    format!(
        "valkey_version:8.0.1\r\nloading:{loading}\r\nrole:slave\r\nmaster_link_status:{link}\r\n\
         master_sync_in_progress:{syncing}\r\nslave_read_repl_offset:90\r\nslave_repl_offset:77\r\nmaster_repl_offset:90\r\n\
         master_replid:0123456789abcdef0123456789abcdef01234567\r\nmaster_replid2:0000000000000000000000000000000000000000\r\n\
         second_repl_offset:-1\r\nrepl_backlog_active:0\r\nused_memory:9\r\nused_memory_startup:10\r\n\
         mem_replication_backlog:1\r\nmem_clients_slaves:3\r\nmem_clients_normal:30\r\nmem_cluster_links:3\r\nnumber_of_libraries:0\r\n\
         rdb_bgsave_in_progress:0\r\nrdb_last_bgsave_status:ok\r\n\
         rdb_last_load_keys_expired:0\r\nrdb_last_load_keys_loaded:0\r\naof_enabled:0\r\naof_rewrite_in_progress:0\r\n\
         aof_rewrite_scheduled:0\r\naof_last_bgrewrite_status:ok\r\naof_last_write_status:ok\r\n"
    )
}

fn line(text: &str) -> NodeLine {
    NodeLine::parse(text).unwrap_or_else(|| panic!("not read: {text}"))
}

#[test]
fn a_primary_with_its_peers_is_read() {
    let nodes = format!(
        "{A} 127.20.0.1:11000@21000,,tls-port=0,shard-id={B} myself,master - 0 0 7 connected 0-99 200 [300->-{B}] [301-<-{B}]\n\
         {B} 127.20.0.1:11001@21001,,tls-port=0,shard-id={B} slave {A} 0 1795360020234 7 connected\n"
    );
    let seen = read(&nodes, CLUSTER_INFO, PRIMARY_INFO).expect("readable");
    let peer = PeerSeen {
        address: "127.20.0.1:11001".parse().expect("an address"),
        health: PeerHealth::Ok,
        replica_of: Some(id(A)),
        epoch: ConfigEpoch(7),
        slots: SlotSet::default(),
    };
    let expected = EngineSeen {
        id: id(A),
        version: "9.1.2".parse().expect("a version"),
        role: RoleSeen::Primary,
        cluster_ok: true,
        loading: false,
        epoch: ConfigEpoch(7),
        current_epoch: ConfigEpoch(9),
        slots: seen.slots.clone(),
        replication_offset: 4242,
        history: HistoryNames {
            replication_id: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            former: Some(ReplicationPoint { replication_id: "76543210fedcba9876543210fedcba9876543210".to_owned(), offset: 100 }),
            is_kept: true,
        },
        keys: 15,
        data: ByteSize(5_667),
        libraries: 2,
        settings: seen.settings.clone(),
        persistence: PersistenceSeen {
            fsync: Some(AppendFsync::Always),
            keeps_copies: true,
            is_logging: true,
            is_rewriting: true,
            rewrite_ok: true,
            write_ok: false,
            is_saving: true,
            save_ok: false,
            loaded: LoadedSeen { keys: 13, keys_expired: 2 },
        },
        migrations: Vec::new(),
        open_slots: BTreeMap::from([(slot(300), OpenSlot::MigratingTo(id(B))), (slot(301), OpenSlot::ImportingFrom(id(B)))]),
        peers: BTreeMap::from([(id(B), peer)]),
        part: valkyard_model::PartSeen::default(),
    };
    assert_eq!(seen, expected);
    assert_eq!(seen.slots.to_string(), "0-99 200");
    assert_eq!(seen.settings.value(EngineConfigKey::NotifyKeyspaceEvents), Some("$EKdeghlstxz"));
    assert_eq!(seen.settings.number(EngineConfigKey::Maxclients), Some(7));
}

fn slot(number: u16) -> Slot {
    Slot::new(number).expect("a slot")
}

/// As the engine tells it, without the fields that are not read.
fn row(operation: &str, source: &str, target: &str, slots: &str, state: &str, updated: u32) -> Vec<(String, String)> {
    let updated = updated.to_string();
    let fields = [
        ("operation", operation),
        ("slot_ranges", slots),
        ("target_node", target),
        ("source_node", source),
        ("last_update_time", &updated),
        ("state", state),
        ("message", if state == "failed" { "Connection lost to target" } else { "" }),
    ];
    fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

#[test]
fn migrations_under_way_are_all_told_and_of_ended_ones_the_newest() {
    let rows = vec![
        row("EXPORT", A, B, "5-9 11", "replicating", 40),
        row("EXPORT", A, B, "1-1", "waiting-to-snapshot", 39),
        row("EXPORT", A, B, "0-0", "failed", 38),
        row("EXPORT", A, B, "2-2", "success", 37),
        row("IMPORT", B, A, "3-3", "success", 36),
        row("IMPORT", B, A, "4-4", "cancelled", 35),
    ];
    let seen = migrations(rows).expect("readable");
    let told: Vec<_> = seen.iter().map(|one| (one.direction, one.slots.to_string(), one.state, one.message.as_str())).collect();
    let expected = [
        (MigrationDirection::Export, "5-9 11".to_owned(), MigrationState::Running, ""),
        (MigrationDirection::Export, "1".to_owned(), MigrationState::Running, ""),
        (MigrationDirection::Export, "0".to_owned(), MigrationState::Failed, "Connection lost to target"),
        (MigrationDirection::Import, "3".to_owned(), MigrationState::Succeeded, ""),
    ];
    assert_eq!(told, expected);
    assert!(seen.iter().all(|one| one.peer == id(B)));
    assert_eq!(seen[0].updated, Timestamp::from_timestamp(40, 0).expect("a time"));
}

#[test]
fn a_replica_that_follows_an_import_takes_no_part_in_it() {
    let mut followed = row("IMPORT", B, A, "3-3", "success", 36);
    followed.retain(|(field, _)| !field.ends_with("_node"));
    assert_eq!(migrations(vec![followed]), Ok(Vec::new()));
}

#[test]
fn migrations_that_cannot_be_read_say_where() {
    let error = |row| migrations(vec![row]).expect_err("unreadable");
    let bad = |field, value: &str| ReportError::Field { field, value: Some(value.to_owned()) };
    assert_eq!(error(row("MOVE", A, B, "1", "success", 1)), bad("operation", "MOVE"));
    assert_eq!(error(row("EXPORT", A, "x", "1", "success", 1)), bad("target_node", "x"));
    assert_eq!(error(row("IMPORT", A, B, "5-4", "success", 1)), bad("slot_ranges", "5-4"));
    assert_eq!(error(Vec::new()), ReportError::Field { field: "operation", value: None });
}

#[test]
fn what_an_empty_engine_uses_is_no_data() {
    let nodes = format!("{A} :1@2 myself,slave {B} 0 0 7 connected\n");
    let seen = read(&nodes, CLUSTER_INFO, &replica_info("up", 0, 0)).expect("readable");
    assert_eq!((seen.data, seen.keys), (ByteSize(0), 0));
}

#[test]
fn open_slots_of_another_form_are_refused() {
    for bad in ["[300->-x]", "[300]", "[70000->-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]", "[1-<-"] {
        assert_eq!(NodeLine::parse(&format!("{A} :1@2 myself,master - 0 0 7 connected 0-99 {bad}")), None, "{bad}");
    }
}

#[test]
fn a_replicas_link_and_offset_are_its_own() {
    let nodes = format!(
        "{A} 127.20.0.1:11000@21000 myself,slave {B} 0 0 7 connected\n{B} 127.20.0.1:11001@21001 master - 0 1 7 connected 0-16383\n"
    );
    let cases = [
        (replica_info("up", 0, 0), LinkState::Up),
        (replica_info("down", 0, 0), LinkState::Down),
        (replica_info("down", 1, 0), LinkState::Syncing),
        (replica_info("down", 0, 1), LinkState::Syncing),
    ];
    for (info, link) in cases {
        let seen = read(&nodes, CLUSTER_INFO, &info).expect("readable");
        assert_eq!(seen.role, RoleSeen::Replica { of: id(B), link }, "{info}");
        assert_eq!(seen.replication_offset, 77);
    }
}

#[test]
fn a_node_between_two_roles_has_no_link() {
    let nodes = format!("{A} 127.20.0.1:11000@21000 myself,slave {B} 0 0 7 connected\n");
    let seen = read(&nodes, CLUSTER_INFO, PRIMARY_INFO).expect("readable");
    assert_eq!(seen.role, RoleSeen::Replica { of: id(B), link: LinkState::Down });
}

#[test]
fn a_peers_health_follows_from_flags_and_link() {
    let cases = [
        ("master", "connected", PeerHealth::Ok),
        ("slave,nofailover", "connected", PeerHealth::Ok),
        ("master", "disconnected", PeerHealth::Doubtful),
        ("master,fail?", "connected", PeerHealth::Doubtful),
        ("handshake", "connected", PeerHealth::Doubtful),
        ("master,fail", "disconnected", PeerHealth::Failed),
        ("slave,fail?,fail", "connected", PeerHealth::Failed),
    ];
    for (flags, link, health) in cases {
        assert_eq!(line(&format!("{A} 127.0.0.1:1@2 {flags} - 0 0 0 {link}")).health, health, "{flags} {link}");
    }
}

#[test]
fn addresses_come_with_and_without_names_and_may_be_unknown() {
    let cases = [
        ("127.0.0.1:11000@21000", "master", Some("127.0.0.1:11000")),
        ("127.0.0.1:11000@21000,host.example", "master", Some("127.0.0.1:11000")),
        ("127.0.0.1:11000@21000,host.example,tls-port=0,shard-id=x", "master", Some("127.0.0.1:11000")),
        (":0@0", "master,noaddr", None),
        (":11000@21000", "master", None),
        ("127.0.0.1:11000@21000", "noaddr", None),
        ("::1:11000@21000", "master", None),
        ("127.0.0.1:0@0", "handshake", None),
    ];
    for (address, flags, expected) in cases {
        let seen = line(&format!("{A} {address} {flags} - 0 0 0 connected")).address;
        assert_eq!(seen.map(|address| address.to_string()).as_deref(), expected, "{address} {flags}");
    }
}

#[test]
fn peers_without_an_address_are_left_out() {
    let nodes = format!("{A} :11000@21000 myself,master - 0 0 7 connected\n{B} :0@0 master,noaddr - 0 0 7 disconnected\n");
    let seen = read(&nodes, CLUSTER_INFO, PRIMARY_INFO).expect("a node need not know its own address");
    assert_eq!(seen.peers, BTreeMap::new());
}

#[test]
fn reports_that_cannot_be_read_say_where() {
    let myself = format!("{A} :1@2 myself,master - 0 0 7 connected\n");
    let error = |nodes: &str, cluster: &str, info: &str| read(nodes, cluster, info).expect_err("unreadable");
    for bad in ["short line", "x :1@2 myself - 0 0 7 connected", "aa 1 2 3 4 5 6 7 8"] {
        assert_eq!(error(bad, CLUSTER_INFO, PRIMARY_INFO), ReportError::NodeLine { line: bad.to_owned() });
    }
    let bad_slots = format!("{A} :1@2 myself,master - 0 0 7 connected 5-4");
    assert_eq!(error(&bad_slots, CLUSTER_INFO, PRIMARY_INFO), ReportError::NodeLine { line: bad_slots.clone() });
    assert_eq!(error("", CLUSTER_INFO, PRIMARY_INFO), ReportError::Myself);
    assert_eq!(error(&myself, "", PRIMARY_INFO), ReportError::Field { field: "cluster_state", value: None });
    let no_version = PRIMARY_INFO.replace("valkey_version:9.1.2", "valkey_version:new");
    let wrong = ReportError::Field { field: "valkey_version", value: Some("new".to_owned()) };
    assert_eq!(error(&myself, CLUSTER_INFO, &no_version), wrong);
}

#[test]
fn an_offset_that_does_not_exist_yet_counts_as_none() {
    let nodes = format!("{A} :1@2 myself,master - 0 0 7 connected\n");
    let info = PRIMARY_INFO.replace("offset:4242", "offset:-1");
    assert_eq!(read(&nodes, CLUSTER_INFO, &info).map(|seen| seen.replication_offset), Ok(0));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(nodes in any::<String>(), cluster in any::<String>(), info in any::<String>()) {
        let refused = read(&nodes, &cluster, &info);
        prop_assert!(refused.is_err());
    }

    #[test]
    fn lines_of_almost_the_right_form_never_panic(
        address in "[0-9.:@,a-z=]{0,30}", flags in "[a-z,?]{0,20}", primary in "[-a-f0-9]{0,41}", slots in "[-0-9\\[\\]<> ]{0,40}",
    ) {
        let text = format!("{A} {address}x {flags}x {primary} 0 0 1 connected {slots}");
        if let Some(line) = NodeLine::parse(&text) {
            prop_assert_eq!(line.id, id(A));
        }
    }
}

#[test]
fn a_folder_remembers_the_nodes_own_line() {
    let conf = format!(
        "{B} 127.20.0.1:11001@21001,,tls-port=0,shard-id={B} slave {A} 0 1795360020234 7 connected\n\
         {A} 127.20.0.1:11000@21000,,tls-port=0,shard-id={B} myself,master - 0 0 7 connected 0-99\nvars currentEpoch 9 lastVoteEpoch 0\n"
    );
    let slots: SlotSet = [valkyard_model::SlotRange::new(0, 99).expect("a range")].into_iter().collect();
    let expected = ClusterMemory { is_replica: false, epoch: ConfigEpoch(7), current_epoch: ConfigEpoch(9), slots };
    assert_eq!(cluster_memory(&conf), Some(expected));
    assert_eq!(cluster_memory("vars currentEpoch 9 lastVoteEpoch 0\n"), None);
    assert_eq!(cluster_memory(conf.lines().next().expect("a line")), None, "torn");
}

#[test]
fn a_slot_that_goes_key_by_key_is_not_kept() {
    let id = |digit: &str| digit.repeat(40);
    let line = |of: &str, role: &str, rest: &str| format!("{} 127.0.0.1:1@2 {role} 0 0 1 connected {rest}\n", id(of));
    let other = line("b", "master -", "9");
    let me = line("a", "myself,master -", &format!("0-5 7 [3->-{}] [9-<-{}]", id("b"), id("b")));
    let kept = kept_slots(&format!("{other}{me}")).expect("reads").expect("a primary");
    assert_eq!(kept.to_string(), "0-2 4-5 7");
    let replica = line("a", &format!("myself,slave {}", id("b")), "");
    assert_eq!(kept_slots(&replica), Ok(None));
    assert_eq!(kept_slots(&other), Err(ReportError::Myself));
}

#[test]
fn a_node_that_is_about_to_end_is_told_from_one_that_is_not() {
    let info = "role:master\r\nmaster_replid:ab\r\nmaster_repl_offset:7\r\nrepl_backlog_active:1\r\n";
    let point = ReplicationPoint { replication_id: "ab".to_owned(), offset: 7 };
    let seen = HistorySeen { point, is_kept: true, is_ending: false };
    assert_eq!(history_seen(info), Ok(seen.clone()));
    assert_eq!(history_seen(&format!("{info}shutdown_in_milliseconds:900\r\n")), Ok(HistorySeen { is_ending: true, ..seen }));
}
