//! `persistence_config`: defaults, what comes back, and changes of parts of it.

use serde_json::{Value, json};

use crate::server::{Server, path_of};
use crate::update::{patched, with_cache};

async fn created(server: &Server, id: &str, config: Value) -> Value {
    let operation = server.create(id, json!({ "shardCount": 1, "persistenceConfig": config })).await;
    server.finished(&operation).await;
    server.get(&path_of(id)).await.ok()
}

#[tokio::test]
async fn every_mode_comes_back_with_its_defaults_filled_in() {
    let server = Server::start().await;
    let start = "2030-01-01T06:00:00Z";
    for (id, asked, shown) in [
        ("off1", json!({}), json!({ "mode": "DISABLED" })),
        ("off2", json!({ "aofConfig": { "appendFsync": "ALWAYS" } }), json!({ "mode": "DISABLED" })),
        ("log1", json!({ "mode": "AOF" }), json!({ "mode": "AOF", "aofConfig": { "appendFsync": "EVERY_SEC" } })),
        (
            "log2",
            json!({ "mode": "AOF", "aofConfig": { "appendFsync": "ALWAYS" }, "rdbConfig": { "rdbSnapshotPeriod": "ONE_HOUR" } }),
            json!({ "mode": "AOF", "aofConfig": { "appendFsync": "ALWAYS" } }),
        ),
        (
            "snap",
            json!({ "mode": "RDB", "rdbConfig": { "rdbSnapshotPeriod": "SIX_HOURS", "rdbSnapshotStartTime": start } }),
            json!({ "mode": "RDB", "rdbConfig": { "rdbSnapshotPeriod": "SIX_HOURS", "rdbSnapshotStartTime": start } }),
        ),
    ] {
        assert_eq!(created(&server, id, asked).await["persistenceConfig"], shown, "{id}");
    }
    let instance = created(&server, "now1", json!({ "mode": "RDB" })).await;
    let rdb = &instance["persistenceConfig"]["rdbConfig"];
    assert_eq!(rdb["rdbSnapshotPeriod"], "TWENTY_FOUR_HOURS");
    assert_eq!(rdb["rdbSnapshotStartTime"], instance["createTime"]);
}

#[tokio::test]
async fn parts_of_it_change_and_the_others_stay() {
    let server = with_cache().await;
    let change = async |mask: &str, config: Value| {
        let shown = patched(&server, mask, json!({ "persistenceConfig": config })).await;
        shown["persistenceConfig"].clone()
    };
    let always = json!({ "mode": "AOF", "aofConfig": { "appendFsync": "ALWAYS" } });
    assert_eq!(change("persistence_config", always.clone()).await, always);
    assert_eq!(change("persistence_config.mode", json!({ "mode": "AOF" })).await, always);
    let never = json!({ "aofConfig": { "appendFsync": "NEVER" } });
    let shown = change("persistence_config.aof_config.append_fsync", never).await;
    assert_eq!(shown, json!({ "mode": "AOF", "aofConfig": { "appendFsync": "NEVER" } }));
    let hourly = json!({ "mode": "RDB", "rdbConfig": { "rdbSnapshotPeriod": "ONE_HOUR" } });
    let shown = change("persistence_config.mode,persistence_config.rdb_config.rdb_snapshot_period", hourly).await;
    assert_eq!((&shown["mode"], &shown["rdbConfig"]["rdbSnapshotPeriod"]), (&json!("RDB"), &json!("ONE_HOUR")));
    let start = json!({ "rdbConfig": { "rdbSnapshotStartTime": "2030-01-01T06:00:00Z" } });
    let shown = change("persistence_config.rdb_config.rdb_snapshot_start_time", start).await;
    assert_eq!(shown["rdbConfig"], json!({ "rdbSnapshotPeriod": "ONE_HOUR", "rdbSnapshotStartTime": "2030-01-01T06:00:00Z" }));
    assert_eq!(change("persistence_config", json!({})).await, json!({ "mode": "DISABLED" }), "absent means off");
}
