//! The command surface of clients, as the engine itself judges it.

use std::collections::{BTreeMap, BTreeSet};

use valkyard_model::NodeSerial;

use crate::builds::real_builds;
use crate::cluster::Cluster;
use crate::raw::RawClient;

/// The engine's categories whose commands are all data-type commands, messages, transactions or scripts.
const DATA_CATEGORIES: &[&str] = &[
    "bitmap",
    "geo",
    "hash",
    "hyperloglog",
    "list",
    "pubsub",
    "scripting",
    "set",
    "sortedset",
    "stream",
    "string",
    "transaction",
];

/// In these categories by the engine's word, but for debugging the engine itself.
const INTERNAL: &[&str] = &["pfdebug", "pfselftest"];

/// The product's other commands, by name; a name with `|*` stands for every subcommand.
const OFFERED: &[&str] = &[
    // Keys of any type; CLUSTERSCAN, since 9.1, belongs to the SCAN family.
    "clusterscan copy del dbsize dump exists expire expireat expiretime flushall flushdb keys move object|* persist pexpire pexpireat",
    "pexpiretime pttl randomkey rename renamenx restore scan sort sort_ro touch ttl type unlink",
    // Connections and the server. ECHO, PING and QUIT are on nobody's list, but no client does without.
    "auth command command|* echo hello info latency|* lolwut memory|* monitor ping quit reset role select time wait",
    "client|caching client|getname client|getredir client|help client|id client|info client|kill client|list client|reply",
    "client|setname client|tracking client|trackinginfo config|help module|help slowlog|help",
    // Not on the product's list; client libraries send it when they connect.
    "client|setinfo",
    // Messages: the category has what sends and receives them.
    "pubsub|*",
    // The cluster, to read.
    "asking cluster|count-failure-reports cluster|countkeysinslot cluster|getkeysinslot cluster|help cluster|info",
    "cluster|keyslot cluster|links cluster|myid cluster|nodes cluster|replicas cluster|shards cluster|slots readonly readwrite",
];

/// What the engine says of one of its commands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Allowed,
    Denied,
}

/// Every command and subcommand of an engine, with its verdict for clients. Containers are left out: alone they do nothing.
fn verdicts(admin: &mut RawClient) -> BTreeMap<String, Verdict> {
    let names: BTreeSet<String> = admin.call(&["COMMAND", "LIST"]).split(' ').map(str::to_owned).collect();
    let containers: BTreeSet<&str> = names.iter().filter_map(|name| Some(name.split_once('|')?.0)).collect();
    // The one container that does something by itself.
    let judged = names.iter().filter(|name| *name == "command" || !containers.contains(name.as_str()));
    judged.map(|name| (name.clone(), verdict(admin, name))).collect()
}

fn verdict(admin: &mut RawClient, name: &str) -> Verdict {
    let info = admin.call(&["COMMAND", "INFO", name]);
    let arity: i64 = info.split(' ').nth(1).and_then(|arity| arity.parse().ok()).expect("name and arity");
    let mut words = vec!["ACL", "DRYRUN", "default"];
    words.extend(name.split('|'));
    let name_words = name.split('|').count();
    let missing = usize::try_from(arity.abs()).expect("positive").saturating_sub(name_words);
    words.extend(std::iter::repeat_n("1", missing));
    match admin.call(&words).as_str() {
        "OK" => Verdict::Allowed,
        denial if denial.contains("has no permissions to run") => Verdict::Denied,
        other => panic!("{words:?}: {other}"),
    }
}

/// What the product offers of these commands.
fn offered(admin: &mut RawClient, names: impl Iterator<Item = String>) -> BTreeSet<String> {
    let data: Vec<String> = DATA_CATEGORIES.iter().map(|category| admin.call(&["ACL", "CAT", category])).collect();
    let data: BTreeSet<&str> = data.iter().flat_map(|names| names.split(' ')).filter(|name| !INTERNAL.contains(name)).collect();
    let listed: BTreeSet<&str> = OFFERED.iter().flat_map(|line| line.split(' ')).collect();
    let is_offered = |name: &String| {
        let whole = name.split_once('|').map(|(container, _)| format!("{container}|*"));
        data.contains(name.as_str()) || listed.contains(name.as_str()) || whole.is_some_and(|all| listed.contains(all.as_str()))
    };
    names.filter(is_offered).collect()
}

#[tokio::test]
async fn clients_have_the_products_commands_and_no_others() {
    for build in real_builds().await {
        let cluster = Cluster::start(&build, 1, 0).await;
        cluster.converged().await;
        let mut admin = RawClient::admin(cluster.address(NodeSerial(1)), cluster.secret());
        let verdicts = verdicts(&mut admin);
        let with = |wanted| verdicts.iter().filter(move |(_, is)| **is == wanted).map(|(name, _)| name.clone());
        let offered = offered(&mut admin, verdicts.keys().cloned());
        let is_allowed: BTreeSet<String> = with(Verdict::Allowed).collect();
        let too_many: Vec<_> = is_allowed.difference(&offered).collect();
        let too_few: Vec<_> = offered.difference(&is_allowed).collect();
        assert!(too_many.is_empty() && too_few.is_empty(), "{}: not offered {too_many:?}, kept back {too_few:?}", build.version);
        assert!(offered.len() > 200 && !offered.contains("waitaof"), "{offered:?}");
        // The complement, where it is known, so that a newer engine's additions are read by a person.
        let line = build.version.api().to_string();
        if ["VALKEY_8_0", "VALKEY_9_1"].contains(&line.as_str()) {
            let denied: Vec<String> = with(Verdict::Denied).collect();
            insta::assert_snapshot!(format!("denied_{line}"), denied.join("\n"));
        }
    }
}

#[tokio::test]
async fn client_libraries_can_connect_and_work() {
    for build in real_builds().await {
        let cluster = Cluster::start(&build, 1, 0).await;
        cluster.converged().await;
        let address = cluster.address(NodeSerial(1));
        let mut client = RawClient::anyone(address);
        let handshake: [&[&str]; 8] = [
            &["HELLO", "2"],
            &["CLIENT", "SETINFO", "LIB-NAME", "test"],
            &["CLIENT", "SETNAME", "test"],
            &["COMMAND", "COUNT"],
            &["COMMAND", "DOCS", "get"],
            &["CLUSTER", "SLOTS"],
            &["CLUSTER", "SHARDS"],
            &["INFO", "server"],
        ];
        for command in handshake {
            let reply = client.call(command);
            assert!(!reply.contains("NOPERM") && !reply.starts_with("ERR"), "{command:?} on {}: {reply}", build.version);
        }
        assert!(client.call(&["CLUSTER", "SLOTS"]).contains(&format!("0 16383 {} {}", address.ip(), address.port())));
        let work: [(&[&str], &str); 9] = [
            (&["SET", "key", "value"], "OK"),
            (&["GET", "key"], "value"),
            (&["EVAL", "return redis.call('GET', KEYS[1])", "1", "key"], "value"),
            (&["MULTI"], "OK"),
            (&["HSET", "hash", "field", "1"], "QUEUED"),
            (&["EXEC"], "1"),
            (&["PUBLISH", "channel", "message"], "0"),
            (&["SELECT", "0"], "OK"),
            (&["FLUSHALL"], "OK"),
        ];
        for (command, expected) in work {
            assert_eq!(client.call(command), expected, "{command:?} on {}", build.version);
        }
        for command in [&["CONFIG", "GET", "primaryauth"][..], &["ACL", "LIST"], &["SHUTDOWN"], &["DEBUG", "SLEEP", "0"]] {
            let reply = client.call(command);
            assert!(reply.starts_with("NOPERM"), "{command:?} on {}: {reply}", build.version);
        }
        let reply = client.call(&["EVAL", "return redis.call('LASTSAVE')", "0"]);
        assert!(reply.contains("ACL failure"), "scripts are no way around: {reply}");
    }
}
