//! The command surface of clients, as the engine itself judges it.

use valkyard_model::NodeSerial;

use crate::builds::real_builds;
use crate::cluster::Cluster;
use crate::raw::RawClient;

/// Every command and subcommand that the engine denies to clients. Bare containers, which do nothing, are always denied.
fn denied(admin: &mut RawClient) -> Vec<String> {
    let mut names: Vec<String> = admin.call(&["COMMAND", "LIST"]).split(' ').map(str::to_owned).collect();
    names.sort();
    names.retain(|name| {
        let info = admin.call(&["COMMAND", "INFO", name]);
        let arity: i64 = info.split(' ').nth(1).and_then(|arity| arity.parse().ok()).expect("name and arity");
        let mut words = vec!["ACL", "DRYRUN", "default"];
        words.extend(name.split('|'));
        let name_words = name.split('|').count();
        let missing = usize::try_from(arity.abs()).expect("positive").saturating_sub(name_words);
        words.extend(std::iter::repeat_n("1", missing));
        admin.call(&words) != "OK"
    });
    names
}

#[tokio::test]
async fn clients_have_the_products_commands_and_no_others() {
    for build in real_builds().await {
        let cluster = Cluster::start(&build, 1, 0).await;
        cluster.converged().await;
        let mut admin = RawClient::admin(cluster.address(NodeSerial(1)), cluster.secret());
        let denied = denied(&mut admin);
        let blocked = [
            "acl|whoami",
            "acl|setuser",
            "bgrewriteaof",
            "bgsave",
            "client|no-evict",
            "client|pause",
            "cluster|addslots",
            "cluster|failover",
            "cluster|forget",
            "cluster|meet",
            "cluster|replicate",
            "cluster|reset",
            "cluster|setslot",
            "config|get",
            "config|resetstat",
            "config|rewrite",
            "config|set",
            "debug",
            "failover",
            "migrate",
            "module|list",
            "module|load",
            "module|unload",
            "psync",
            "replicaof",
            "save",
            "shutdown",
            "slaveof",
            "slowlog|get",
            "slowlog|len",
            "slowlog|reset",
            "swapdb",
            "sync",
        ];
        for command in blocked {
            assert!(denied.iter().any(|name| name == command), "{command} is allowed on {}", build.version);
        }
        // The whole list, where it is known; other versions are covered by the commands above.
        let line = build.version.api().to_string();
        if ["VALKEY_8_0", "VALKEY_9_1"].contains(&line.as_str()) {
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
