//! What a living cluster is told while it is changed, slots apart: other settings, other roles, functions, whom to forget.

use std::collections::BTreeMap;

use valkyard_engine::LinkError;
use valkyard_model::{ByteSize, EngineConfigKey, EngineConfigs, LiveSettings, NodeSerial, NodeType, RoleSeen};

use crate::builds::real_builds;
use crate::cluster::{Cluster, until};
use crate::is_replica_in_sync;
use crate::raw::RawClient;
use crate::writer::Writer;

const FIRST: NodeSerial = NodeSerial(1);
const SECOND: NodeSerial = NodeSerial(2);

#[tokio::test]
async fn settings_change_while_a_node_runs_and_are_told_in_the_spelling_they_are_wanted_in() {
    let cases: [&[(&str, &str)]; 5] = [
        &[],
        &[("notify-keyspace-events", "KEA"), ("maxmemory-clients", "0")],
        &[("notify-keyspace-events", "Ex$mn"), ("maxmemory-clients", "0%"), ("slowlog-log-slower-than", "-1")],
        &[("notify-keyspace-events", "KEg$lshzxetd"), ("maxmemory-clients", "100%"), ("maxclients", "700")],
        &[("notify-keyspace-events", ""), ("maxmemory-policy", "allkeys-lfu")],
    ];
    for build in real_builds().await {
        let cluster = Cluster::start(&build, 1, 0).await;
        cluster.converged().await;
        let mut link = cluster.link(FIRST).await;
        let started = LiveSettings::wanted(&cluster.settings(FIRST));
        assert_eq!(link.observe().await.expect("answers").settings, started, "as started, on {}", build.version);
        for configs in cases {
            let configs: BTreeMap<String, String> =
                configs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            let mut settings = cluster.settings(FIRST);
            settings.configs = EngineConfigs::validate(&configs, NodeType::SharedCoreNano).expect("valid");
            settings.maxmemory = ByteSize(96 << 20);
            let wanted = LiveSettings::wanted(&settings);
            link.set_settings(&wanted).await.expect("takes them");
            assert_eq!(link.observe().await.expect("answers").settings, wanted, "{configs:?} on {}", build.version);
        }
        let refused = (EngineConfigKey::MaxmemoryPolicy, "lru".to_owned());
        let taken = (EngineConfigKey::SlowlogLogSlowerThan, "777".to_owned());
        let settings: LiveSettings = [refused, taken].into_iter().collect();
        let error = link.set_settings(&settings).await.expect_err("no such policy");
        assert!(matches!(error, LinkError::Engine { .. }), "{error:?}");
        let slowlog =
            link.observe().await.expect("answers").settings.value(EngineConfigKey::SlowlogLogSlowerThan).map(str::to_owned);
        assert_eq!(slowlog.as_deref(), Some("777"), "one value that is refused held up another, on {}", build.version);
    }
}

#[tokio::test]
async fn keys_memory_and_libraries_are_told_as_they_are() {
    for build in real_builds().await {
        let cluster = Cluster::start(&build, 1, 1).await;
        cluster.converged().await;
        let mut admin = RawClient::admin(cluster.address(FIRST), cluster.secret());
        let mut link = cluster.link(FIRST).await;
        let empty = link.observe().await.expect("answers");
        /// What an engine with two connections uses beyond what it says it started with.
        const SLACK: u64 = 2 << 20;
        assert!(empty.data.0 < SLACK, "{:?} on {}", empty.data, build.version);
        assert_eq!((empty.keys, empty.libraries), (0, 0));
        admin.call(&["EVAL", "for i = 1, 8 do redis.call('SET', '{a}' .. i, string.rep('x', 1048576)) end", "1", "{a}"]);
        admin.call(&["FUNCTION", "LOAD", LIBRARY]);
        let full = link.observe().await.expect("answers");
        assert_eq!((full.keys, full.libraries), (8, 1));
        let gained = full.data.0 - empty.data.0;
        // An allocator may give a quarter more than it is asked for.
        assert!((8 << 20..(10 << 20) + SLACK).contains(&gained), "{gained} on {}", build.version);
        until("the replica tells the same", async || {
            let seen = cluster.seen(SECOND).await.ok_or("silent".to_owned())?;
            if (seen.keys, seen.libraries) == (8, 1) { Ok(()) } else { Err(format!("{seen:?}")) }
        })
        .await;
    }
}

const LIBRARY: &str = "#!lua name=mylib\nserver.register_function('answer', function() return 42 end)";

#[tokio::test]
async fn functions_are_copied_and_replace_older_ones() {
    for build in real_builds().await {
        let cluster = Cluster::start(&build, 2, 0).await;
        cluster.converged().await;
        let mut source = RawClient::admin(cluster.address(FIRST), cluster.secret());
        let mut target = RawClient::admin(cluster.address(SECOND), cluster.secret());
        source.call(&["FUNCTION", "LOAD", LIBRARY]);
        target.call(&["FUNCTION", "LOAD", &LIBRARY.replace("42", "41")]);
        let functions = cluster.link(FIRST).await.dump_functions().await.expect("packs them");
        let mut link = cluster.link(SECOND).await;
        for _again in 0..2 {
            link.restore_functions(&functions).await.expect("takes them");
            assert_eq!(target.call(&["FCALL", "answer", "0"]), "42");
            assert_eq!(link.observe().await.expect("answers").libraries, 1);
        }
    }
}

#[tokio::test]
async fn a_replica_takes_over_by_agreement_and_no_write_is_lost() {
    for build in real_builds().await {
        let cluster = Cluster::start(&build, 1, 1).await;
        cluster.converged().await;
        let writer = Writer::start(&cluster);
        let error = cluster.link(FIRST).await.fail_over().await.expect_err("it is the primary");
        assert!(matches!(error, LinkError::Engine { .. }), "{error:?}");
        let mut link = cluster.link(SECOND).await;
        until("the replica leads", async || {
            let seen = link.observe().await.expect("answers");
            if seen.role == RoleSeen::Primary {
                return Ok(());
            }
            // Asked again: the bus of nodes that started a moment ago may lose the first.
            link.fail_over().await.map_err(|error| format!("{error:?}"))?;
            Err(format!("{seen:?}"))
        })
        .await;
        until("the old primary copies it", async || {
            let seen = cluster.seen(FIRST).await.ok_or("silent".to_owned())?;
            if is_replica_in_sync(&seen.role) { Ok(()) } else { Err(format!("{seen:?}")) }
        })
        .await;
        writer.stop_and_check(&cluster);
    }
}

#[tokio::test]
async fn a_node_that_leaves_is_forgotten_and_does_not_come_back() {
    for build in real_builds().await {
        let cluster = Cluster::start(&build, 2, 1).await;
        cluster.converged().await;
        let leaving = NodeSerial(3);
        for serial in [FIRST, SECOND, NodeSerial(4)] {
            let mut link = cluster.link(serial).await;
            for _again in 0..2 {
                link.forget(&[cluster.id(leaving)]).await.expect("forgets");
            }
            assert!(!link.observe().await.expect("answers").peers.contains_key(cluster.id_of(leaving)));
        }
        let error = cluster.link(leaving).await.forget(&[cluster.id(FIRST)]).await.expect_err("it copies that one");
        assert!(matches!(&error, LinkError::Engine { message, .. } if message.contains("forget my master")), "{error:?}");
        let error = cluster.link(FIRST).await.forget(&[cluster.id(FIRST)]).await.expect_err("it is that one");
        assert!(matches!(error, LinkError::Engine { .. }), "{error:?}");
        for serial in [FIRST, SECOND, NodeSerial(4)] {
            let seen = cluster.seen(serial).await.expect("answers");
            assert!(!seen.peers.contains_key(cluster.id_of(leaving)), "{serial} on {}", build.version);
        }
    }
}
