//! The command line. Every flag has an environment variable; flag > environment > file > default.

mod admin;
mod backups;
mod replication;

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::Resettable;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

pub(crate) use admin::{
    AskOptions, FailoverOptions, InstanceOptions, InstancesCommand, Manner, NodesCommand, NodesOptions, OperationOptions,
    OperationsCommand, PlaceOptions, TakeOptions, ZonesCommand,
};
pub(crate) use backups::{
    BackupOptions, BackupWorkOptions, BackupsCommand, BackupsOptions, CreateBackupOptions, ExportOptions, RestoreOptions,
    SourceOptions, WaitOptions,
};
pub(crate) use replication::{DistanceCommand, DistanceOptions, MemberOptions, ReplicationCommand};

/// Runs real, sharded, replicated Valkey clusters on this machine and answers to the Memorystore for Valkey API.
#[derive(Debug, Parser)]
#[command(name = "valkyard", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Reads the command line. A variable that is set to nothing counts as unset.
    pub(crate) fn read() -> Self {
        let command =
            without_empty_variables(Self::command(), &|name| std::env::var_os(name).is_some_and(|value| value.is_empty()));
        Self::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
    }
}

fn without_empty_variables(command: clap::Command, is_empty: &impl Fn(&OsStr) -> bool) -> clap::Command {
    let command = command.mut_args(|flag| match flag.get_env() {
        Some(name) if is_empty(name) => flag.env(Resettable::Reset),
        Some(_) | None => flag,
    });
    let names: Vec<String> = command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    names.iter().fold(command, |command, name| command.mut_subcommand(name, |verb| without_empty_variables(verb, is_empty)))
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the daemon until SIGTERM or SIGINT; the nodes it started keep running (except with --ephemeral)
    Serve(ServeOptions),
    /// Stop the daemon of a data folder, if it runs, and all its nodes; records stay and come back with `serve`
    Down(DataDirOptions),
    /// Show whether the daemon is ready, and its instances
    Status(StatusOptions),
    /// Ask about instances, and fail them over
    #[command(subcommand)]
    Instances(InstancesCommand),
    /// Ask about nodes
    #[command(subcommand)]
    Nodes(NodesCommand),
    /// Ask about operations, and follow one
    #[command(subcommand)]
    Operations(OperationsCommand),
    /// Make backups, verify them, restore from them
    #[command(subcommand)]
    Backups(BackupsCommand),
    /// See who follows whom, change places, detach
    #[command(subcommand)]
    Replication(ReplicationCommand),
    /// Take zones away and give them back
    #[command(subcommand)]
    Zones(ZonesCommand),
    /// Print exports that point Valkyard's provider, gcloud and the hashicorp/google provider at the daemon
    Env(EnvOptions),
    /// Print the version and the engines found on this machine
    Version(VersionOptions),
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct DataDirOptions {
    /// Folder for state and nodes [default: $XDG_DATA_HOME/valkyard or ~/.local/share/valkyard]
    #[arg(long, env = "VALKYARD_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Configuration file in TOML [default: $XDG_CONFIG_HOME/valkyard/valkyard.toml, if it exists]
    #[arg(long, env = "VALKYARD_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ServeOptions {
    /// Address of the API, gRPC and REST on one port [default: 127.0.0.1:4590]
    #[arg(long, env = "VALKYARD_LISTEN", value_name = "ADDR:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) data_dir: DataDirOptions,
    /// Keep everything in a temporary folder; stop the nodes and remove it on exit (for CI)
    #[arg(long, env = "VALKYARD_EPHEMERAL", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    pub(crate) ephemeral: Option<bool>,
    /// valkey-server binaries, or folders to search for them, separated by commas; searched before PATH
    #[arg(long, env = "VALKYARD_ENGINE_PATHS", value_name = "PATH,…", value_delimiter = ',')]
    pub(crate) engine_paths: Option<Vec<PathBuf>>,
    /// Factor from 0 to 1 between the node type's memory and what a node may use here; 1 gives true sizes
    /// [default: chosen per instance so that its nodes cannot exceed half of this machine's memory]
    #[arg(long, env = "VALKYARD_MEMORY_SCALE", value_name = "FACTOR")]
    pub(crate) memory_scale: Option<f64>,
    /// Where backups are kept: file:///folder, s3://bucket/prefix or gs://bucket/prefix; options and credentials of object
    /// stores are in the configuration file, in [object_stores.s3] and [object_stores.gs] [default: the folder `backups` of
    /// the data folder]
    #[arg(long, env = "VALKYARD_BACKUP_STORE", value_name = "URL")]
    pub(crate) backup_store: Option<String>,
    /// Let the administration API move the clock that schedules and expiries of backups go by (for tests)
    #[arg(long, env = "VALKYARD_ADJUSTABLE_CLOCK", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    pub(crate) adjustable_clock: Option<bool>,
    /// Form of the log [default: text on a terminal, json elsewhere]
    #[arg(long, env = "VALKYARD_LOG_FORMAT", value_name = "FORM")]
    pub(crate) log_format: Option<LogFormat>,
    /// What is logged, such as `info` or `valkyard_reconciler=debug,info` [default: info]
    #[arg(long, env = "VALKYARD_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One object a line
    Json,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct EndpointOptions {
    /// The daemon's address [default: the one that runs on the data folder, else http://127.0.0.1:4590]
    #[arg(long, env = "VALKYARD_ENDPOINT", value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    #[command(flatten)]
    pub(crate) data_dir: DataDirOptions,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct StatusOptions {
    #[command(flatten)]
    pub(crate) target: EndpointOptions,
    /// Wait until the daemon is ready and no instance is being created, changed or deleted
    #[arg(long)]
    pub(crate) wait: bool,
    /// How long to wait, such as 30s or 2m
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_time)]
    pub(crate) timeout: Duration,
    /// Form of the answer
    #[arg(long, visible_alias = "output", value_name = "FORM", default_value = "text")]
    pub(crate) format: OutputFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people
    Text,
    /// One JSON document
    Json,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct EnvOptions {
    #[command(flatten)]
    pub(crate) target: EndpointOptions,
    /// Project that the exports name
    #[arg(long, env = "VALKYARD_PROJECT", value_name = "ID", default_value = "local")]
    pub(crate) project: String,
    /// Region that the exports name
    #[arg(long, env = "VALKYARD_LOCATION", value_name = "REGION", default_value = "us-central1")]
    pub(crate) location: String,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct VersionOptions {
    /// Configuration file in TOML [default: $XDG_CONFIG_HOME/valkyard/valkyard.toml, if it exists]
    #[arg(long, env = "VALKYARD_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// valkey-server binaries, or folders to search for them, separated by commas; searched before PATH
    #[arg(long, env = "VALKYARD_ENGINE_PATHS", value_name = "PATH,…", value_delimiter = ',')]
    pub(crate) engine_paths: Option<Vec<PathBuf>>,
}

fn parse_time(text: &str) -> Result<Duration, String> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(unit_at);
    let number: u64 = digits.parse().map_err(|_| format!("{text:?} does not begin with a whole number"))?;
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" | "" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number * 60)),
        other => Err(format!("unit {other:?} is not ms, s or m")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn every_flag_of_serve_has_an_environment_variable() {
        let command = <Cli as clap::CommandFactory>::command();
        let serve = command.find_subcommand("serve").expect("there is serve");
        for flag in serve.get_arguments().filter(|a| a.get_id() != "help" && a.get_id() != "version") {
            let env = flag.get_env().map(|name| name.to_string_lossy().into_owned());
            assert!(env.is_some_and(|name| name.starts_with("VALKYARD_")), "{} has none", flag.get_id());
        }
    }

    #[test]
    fn a_variable_set_to_nothing_counts_as_unset() {
        let command = without_empty_variables(Cli::command(), &|name| name == "VALKYARD_LISTEN");
        let serve = command.find_subcommand("serve").expect("there is serve");
        let of = |id: &str| serve.get_arguments().find(|flag| flag.get_id() == id).and_then(clap::Arg::get_env);
        assert_eq!(of("listen"), None);
        assert_eq!(of("data_dir"), Some(OsStr::new("VALKYARD_DATA_DIR")));
    }

    #[test]
    fn times_have_a_unit() {
        assert_eq!(parse_time("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_time("2m"), Ok(Duration::from_secs(120)));
        assert!(parse_time("fast").is_err() && parse_time("5h").is_err());
    }
}
