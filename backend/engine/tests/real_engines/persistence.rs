//! What a node keeps on disk, and how it tells of it.

use valkyard_engine::{cluster_memory, torn_log, unreadable_data};
use valkyard_model::{AppendFsync, NodeSerial, Persistence, PersistenceSeen, SnapshotPeriod, SnapshotSchedule, Timestamp};

use crate::builds::real_builds;
use crate::cluster::{Cluster, until};
use crate::raw::RawClient;

const FIRST: NodeSerial = NodeSerial(1);

async fn wait_for(cluster: &Cluster, what: &str, is_so: impl Fn(&PersistenceSeen) -> bool) {
    until(what, async || {
        let seen = cluster.seen(FIRST).await.ok_or("silent".to_owned())?.persistence;
        if is_so(&seen) { Ok(()) } else { Err(format!("{seen:?}")) }
    })
    .await;
}

#[tokio::test]
async fn modes_are_switched_while_a_node_runs_and_told() {
    for build in real_builds().await {
        let cluster = Cluster::start(&build, 1, 0).await;
        cluster.converged().await;
        let folder = cluster.folder(FIRST);
        let mut link = cluster.link(FIRST).await;
        assert_eq!(cluster.seen(FIRST).await.expect("answers").persistence, PersistenceSeen::default(), "{}", build.version);
        for fsync in AppendFsync::ALL {
            let wanted = Persistence::Aof { fsync };
            link.set_persistence(wanted).await.expect("takes it");
            wait_for(&cluster, "the log", |seen| seen.is_set_to(wanted) && seen.is_logging && !seen.is_rewriting).await;
            assert!(folder.join("appendonlydir/appendonly.aof.manifest").exists(), "{}", build.version);
        }
        let schedule = SnapshotSchedule { period: SnapshotPeriod::OneHour, start: Timestamp::UNIX_EPOCH };
        link.set_persistence(Persistence::Rdb(schedule)).await.expect("takes it");
        assert!(!folder.join("dump.rdb").exists());
        link.save_snapshot().await.expect("begins");
        wait_for(&cluster, "the snapshot", |seen| !seen.is_saving && seen.save_ok && !seen.is_logging && seen.keeps_copies).await;
        assert!(folder.join("dump.rdb").exists(), "{}", build.version);
        let conf = std::fs::read_to_string(folder.join("nodes.conf")).expect("is read");
        let memory = cluster_memory(&conf).expect("is understood");
        assert!(!memory.is_replica && memory.slots.count() == 16_384, "{memory:?}");
    }
}

#[tokio::test]
async fn torn_and_unreadable_logs_are_told_by_the_engines_own_log() {
    for build in real_builds().await {
        let mut cluster = Cluster::start(&build, 1, 0).await;
        cluster.converged().await;
        let folder = cluster.folder(FIRST);
        let mut link = cluster.link(FIRST).await;
        let always = Persistence::Aof { fsync: AppendFsync::Always };
        link.set_persistence(always).await.expect("takes it");
        wait_for(&cluster, "the log", |seen| seen.is_logging && !seen.is_rewriting).await;
        let mut admin = RawClient::admin(cluster.address(FIRST), cluster.secret());
        for number in 0..20 {
            admin.call(&["SET", &format!("key{number}"), "value"]);
        }
        cluster.kill(FIRST).await;
        let conf = folder.join("valkey.conf");
        let text = std::fs::read_to_string(&conf).expect("is read") + "appendonly yes\n";
        std::fs::write(&conf, text).expect("is written");
        let entries = std::fs::read_dir(folder.join("appendonlydir")).expect("is read").flatten().map(|entry| entry.path());
        let log = entries.filter(|path| path.to_string_lossy().ends_with(".incr.aof")).max().expect("it is there");
        let good = std::fs::read(&log).expect("is read");
        let told = || std::fs::read_to_string(folder.join("valkey.log")).unwrap_or_default();

        std::fs::write(&log, &good[..good.len() - 3]).expect("is written");
        cluster.respawn(FIRST);
        until("the torn end", async || torn_log(&told()).map(|_| ()).ok_or_else(told)).await;
        assert_eq!(unreadable_data(&told()), None, "{}", build.version);
        cluster.kill(FIRST).await;

        let mut bad = good.clone();
        bad[20..30].copy_from_slice(b"##########");
        std::fs::write(&log, &bad).expect("is written");
        cluster.respawn(FIRST);
        until("the damage", async || unreadable_data(&told()).map(|_| ()).ok_or_else(told)).await;
    }
}
