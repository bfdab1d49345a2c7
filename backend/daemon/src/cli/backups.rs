//! The verbs about backups.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::{AskOptions, InstanceOptions, PlaceOptions};

/// The name goes first: --file takes everything that follows it.
const RESTORE_USAGE: &str =
    "valkyard backups restore <NEW_INSTANCE> <--from <BACKUP>|--from-latest <INSTANCE>|--file <URL>...> [OPTIONS]";

#[derive(Debug, Subcommand)]
pub(crate) enum BackupsCommand {
    /// Show every backup, or those of one instance, newest first
    List(BackupsOptions),
    /// Show what is in a backup, where it lies, and whether it was verified
    Describe(BackupOptions),
    /// Back an instance up; waits until the backup is complete
    Create(CreateBackupOptions),
    /// Restore a backup into a scratch instance and compare; exit code 0 if it passed, 1 if it did not
    Verify(BackupWorkOptions),
    /// Copy the files of a backup to another store
    Export(ExportOptions),
    /// Delete a backup and its files
    Delete(BackupWorkOptions),
    /// Create an instance with the data of a backup, or of files made elsewhere; waits until every key was counted
    #[command(override_usage = RESTORE_USAGE)]
    Restore(RestoreOptions),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct BackupsOptions {
    /// Full name of an instance, or its id alone; it may be gone [default: all]
    #[arg(long, value_name = "NAME", conflicts_with = "collection")]
    pub(crate) instance: Option<String>,
    /// Full name of a collection, or its id alone [default: all]
    #[arg(long, value_name = "NAME")]
    pub(crate) collection: Option<String>,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
    #[command(flatten)]
    pub(crate) ask: AskOptions,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct BackupOptions {
    /// Full name of the backup, or COLLECTION/ID, or its id alone with --instance
    #[arg(value_name = "BACKUP")]
    pub(crate) name: String,
    /// Instance that a BACKUP without slashes is of; it may be gone
    #[arg(long, value_name = "NAME")]
    pub(crate) instance: Option<String>,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
    #[command(flatten)]
    pub(crate) ask: AskOptions,
}

/// Whether a verb stays until its operation has ended.
#[derive(Clone, Debug, Args)]
pub(crate) struct WaitOptions {
    /// Say the operation's name and end, instead of waiting for it
    #[arg(long)]
    pub(crate) no_wait: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct BackupWorkOptions {
    #[command(flatten)]
    pub(crate) backup: BackupOptions,
    #[command(flatten)]
    pub(crate) wait: WaitOptions,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct CreateBackupOptions {
    #[command(flatten)]
    pub(crate) instance: InstanceOptions,
    /// Id of the backup: lower-case letters, digits, - and _ [default: time and the beginning of the instance's uid]
    #[arg(long, value_name = "ID")]
    pub(crate) backup_id: Option<String>,
    /// How long it is kept, such as 7d, 36h or 86400s, from 1 day on [default: 100 years]
    #[arg(long, value_name = "TIME", value_parser = parse_ttl)]
    pub(crate) ttl: Option<Duration>,
    /// Verify it when it is complete
    #[arg(long, conflicts_with = "no_wait")]
    pub(crate) verify: bool,
    #[command(flatten)]
    pub(crate) wait: WaitOptions,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ExportOptions {
    #[command(flatten)]
    pub(crate) backup: BackupOptions,
    /// Where to: gs://bucket/folder, s3://bucket/folder, file:///folder on the daemon's machine, or a bucket's name
    #[arg(long, value_name = "URL")]
    pub(crate) to: String,
    #[command(flatten)]
    pub(crate) wait: WaitOptions,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RestoreOptions {
    /// Full name of the instance to create, or its id alone
    #[arg(value_name = "NEW_INSTANCE")]
    pub(crate) instance: String,
    #[command(flatten)]
    pub(crate) source: SourceOptions,
    /// Of --from-latest: the newest backup that was verified
    #[arg(long, conflicts_with_all = ["from", "files"])]
    pub(crate) verified: bool,
    /// Number of shards [default: that of the backup; one for each --file]
    #[arg(long, value_name = "N")]
    pub(crate) shard_count: Option<u16>,
    /// Replicas of each shard [default: that of the backup; 0 with --file]
    #[arg(long, value_name = "N")]
    pub(crate) replica_count: Option<u16>,
    /// Type of the nodes, such as STANDARD_SMALL [default: that of the backup; the API's with --file]
    #[arg(long, value_name = "TYPE")]
    pub(crate) node_type: Option<String>,
    /// Version of the engine, such as VALKEY_9_1, not older than the data's [default: that of the backup; the API's with --file]
    #[arg(long, value_name = "VERSION")]
    pub(crate) engine_version: Option<String>,
    #[command(flatten)]
    pub(crate) wait: WaitOptions,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
    #[command(flatten)]
    pub(crate) ask: AskOptions,
}

/// Where the data of a new instance comes from: one of these.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct SourceOptions {
    /// Full name of a backup, or COLLECTION/ID
    #[arg(long, value_name = "BACKUP")]
    pub(crate) from: Option<String>,
    /// The newest backup of this instance, which may be gone
    #[arg(long, value_name = "INSTANCE")]
    pub(crate) from_latest: Option<String>,
    /// RDB files, each gs://bucket/object, s3://bucket/object or file:///path on the daemon's machine
    #[arg(long = "file", value_name = "URL", num_args = 1..)]
    pub(crate) files: Vec<String>,
}

/// A length of time in seconds, hours or days.
fn parse_ttl(text: &str) -> Result<Duration, String> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(unit_at);
    let number: u64 = digits.parse().map_err(|_| format!("{text:?} does not begin with a whole number"))?;
    let seconds_each = match unit {
        "s" => 1,
        "h" => 3_600,
        "d" => 86_400,
        other => return Err(format!("unit {other:?} is not s, h or d")),
    };
    number.checked_mul(seconds_each).map(Duration::from_secs).ok_or_else(|| format!("{text:?} is too long"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn restore(arguments: &[&str]) -> Result<RestoreOptions, clap::Error> {
        let line = ["valkyard", "backups", "restore", "new"].iter().chain(arguments);
        let command = Cli::try_parse_from(line)?.command;
        let Command::Backups(BackupsCommand::Restore(options)) = command else { panic!("read as {command:?}") };
        Ok(options)
    }

    #[test]
    fn a_time_to_live_has_a_unit() {
        assert_eq!(parse_ttl("7d"), Ok(Duration::from_secs(604_800)));
        assert_eq!(parse_ttl("36h"), Ok(Duration::from_secs(129_600)));
        assert_eq!(parse_ttl("86400s"), Ok(Duration::from_secs(86_400)));
        for bad in ["", "7", "d", "1w", "-1d", "99999999999999999999d", "999999999999999999d"] {
            assert!(parse_ttl(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_restore_has_one_source() {
        assert_eq!(restore(&["--from", "cache/b"]).expect("read").source.from.as_deref(), Some("cache/b"));
        let files = restore(&["--file", "file:///a.rdb", "file:///b.rdb", "--file", "file:///c.rdb"]).expect("read");
        assert_eq!(files.source.files.len(), 3);
        assert!(restore(&["--from-latest", "cache", "--verified"]).expect("read").verified);
        for bad in [&[][..], &["--from", "a/b", "--from-latest", "c"], &["--from", "a/b", "--verified"]] {
            assert!(restore(bad).is_err(), "{bad:?}");
        }
    }
}
