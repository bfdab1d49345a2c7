//! `valkyard backups describe`.

use std::process::ExitCode;

use admin_proto::v1::{BackupDetails, ShardBackup};
use anyhow::Result;

use super::name::backup_meant;
use super::words::{amount, origin, verified};
use crate::cli::BackupOptions;
use crate::output::table;
use crate::verbs::ask::{daemon, show};
use crate::verbs::node_table::{bytes, or_dash, time_text, word};

pub(super) async fn describe(options: &BackupOptions) -> Result<ExitCode> {
    let name = backup_meant(options)?;
    let answer = daemon(&options.ask)?.read(&format!("/v1/admin/{name}")).await?;
    show(options.ask.output, &answer, text)?;
    Ok(ExitCode::SUCCESS)
}

fn text(backup: &BackupDetails) -> String {
    let time = |time: &Option<prost_types::Timestamp>| time.as_ref().map_or_else(|| "-".to_owned(), time_text);
    let shape =
        format!("{} x (1 + {})  {}  {}", backup.shard_count, backup.replica_count, backup.node_type, backup.engine_version);
    let mut lines = vec![
        ("state", format!("{}, {}", word(backup.state().as_str_name()), origin(backup))),
        ("instance", format!("{}  {}", backup.instance, backup.instance_uid)),
        ("shape", shape),
        ("created", time(&backup.create_time)),
        ("expires", time(&backup.expire_time)),
        ("content", amount(backup)),
        ("digest", or_dash(&backup.digest)),
        ("url", or_dash(&backup.url)),
        ("verified", verification(backup)),
    ];
    lines.extend(backup.in_use_by.iter().map(|user| ("in use by", user.clone())));
    let mut out = format!("{}\n", backup.name);
    for (title, value) in lines {
        out.push_str(&format!("{title:<9}  {value}\n"));
    }
    if !backup.shards.is_empty() {
        out.push_str(&format!("\n{}", shard_table(&backup.shards)));
    }
    out
}

fn verification(backup: &BackupDetails) -> String {
    let word = verified(backup);
    let Some(found) = &backup.verification else { return word.to_owned() };
    let mut text = word.to_owned();
    if let Some(time) = &found.time {
        text.push_str(&format!(" at {}", time_text(time)));
    }
    if !found.detail.is_empty() {
        text.push_str(&format!(": {}", found.detail));
    }
    text
}

fn shard_table(shards: &[ShardBackup]) -> String {
    let row = |shard: &ShardBackup| {
        vec![
            shard.shard.clone(),
            shard.file.clone(),
            bytes(shard.size_bytes),
            shard.keys.to_string(),
            shard.keys_expiring.to_string(),
            bytes(shard.data_bytes),
            shard.begin_time.as_ref().map_or_else(|| "-".to_owned(), time_text),
            or_dash(&shard.slots),
            or_dash(&shard.sha256),
        ]
    };
    table(
        &["SHARD", "FILE", "SIZE", "KEYS", "EXPIRING", "DATA", "AS OF", "SLOTS", "SHA-256"],
        &shards.iter().map(row).collect::<Vec<_>>(),
    )
}

#[cfg(test)]
mod tests {
    use admin_proto::v1::backup_details::{Origin, State};
    use admin_proto::v1::verification;
    use prost_types::Timestamp;

    use super::*;

    fn lines(backup: &BackupDetails) -> Vec<String> {
        text(backup).lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn everything_of_a_backup_is_told() {
        let time = Some(Timestamp { seconds: 1_795_000_000, nanos: 250_000_000 });
        let shard = ShardBackup {
            shard: "s0".to_owned(),
            file: "s0.rdb".to_owned(),
            size_bytes: 2048,
            keys: 5,
            keys_expiring: 1,
            sha256: "cd".to_owned(),
            data_bytes: 1 << 20,
            slots: "0-16383".to_owned(),
            begin_time: time,
            ..ShardBackup::default()
        };
        let proof = admin_proto::v1::Verification {
            state: verification::State::Passed.into(),
            time,
            detail: "5 keys compared".to_owned(),
        };
        let backup = BackupDetails {
            name: "projects/p/locations/l/backupCollections/cache/backups/b".to_owned(),
            state: State::Active.into(),
            origin: Origin::OnDemand.into(),
            keys: 5,
            size_bytes: 2048,
            shard_count: 1,
            node_type: "STANDARD_SMALL".to_owned(),
            engine_version: "VALKEY_9_1".to_owned(),
            url: "file:///b".to_owned(),
            verification: Some(proof),
            shards: vec![shard],
            in_use_by: vec!["x".to_owned(), "y".to_owned()],
            ..BackupDetails::default()
        };
        let lines = lines(&backup);
        for wanted in [
            "state active, on demand",
            "shape 1 x (1 + 0) STANDARD_SMALL VALKEY_9_1",
            "content 5 keys, 2.0KiB in 1 file(s)",
            "url file:///b",
            "verified passed at 2026-11-18T11:06:40.250Z: 5 keys compared",
            "in use by x",
            "in use by y",
            "s0 s0.rdb 2.0KiB 5 1 1.0MiB 2026-11-18T11:06:40.250Z 0-16383 cd",
        ] {
            assert!(lines.iter().any(|line| line == wanted), "{wanted:?} is not in {lines:#?}");
        }
    }

    #[test]
    fn what_is_not_there_yet_is_a_dash() {
        let lines = lines(&BackupDetails { state: State::Creating.into(), ..BackupDetails::default() });
        assert!(lines.iter().any(|line| line == "verified -") && lines.iter().any(|line| line == "digest -"), "{lines:#?}");
        assert!(!lines.iter().any(|line| line.starts_with("SHARD")), "{lines:#?}");
    }
}
