//! The verbs that ask a running daemon: instances, nodes, operations, zones.

use clap::{Args, Subcommand, ValueEnum};

use super::{EndpointOptions, OutputFormat};

/// Which daemon, and how its answer is shown.
#[derive(Clone, Debug, Args)]
pub(crate) struct AskOptions {
    #[command(flatten)]
    pub(crate) target: EndpointOptions,
    /// Form of the answer
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub(crate) output: OutputFormat,
}

/// Where a name without slashes is meant.
#[derive(Clone, Debug, Args)]
pub(crate) struct PlaceOptions {
    /// Project of a NAME without slashes
    #[arg(long, env = "VALKYARD_PROJECT", value_name = "ID", default_value = "local")]
    pub(crate) project: String,
    /// Region of a NAME without slashes
    #[arg(long, env = "VALKYARD_LOCATION", value_name = "REGION", default_value = "us-central1")]
    pub(crate) location: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum InstancesCommand {
    /// Show every instance of every project
    List(AskOptions),
    /// Show what an instance is made of: shards, slots, nodes, and what it waits for
    Topology(InstanceOptions),
    /// Give one shard, or each, another primary, by agreement and with nothing lost; waits until it is so
    Failover(FailoverOptions),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct InstanceOptions {
    /// Full name of the instance, or its id alone
    #[arg(value_name = "INSTANCE")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
    #[command(flatten)]
    pub(crate) ask: AskOptions,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct FailoverOptions {
    #[command(flatten)]
    pub(crate) instance: InstanceOptions,
    /// Index of the shard, such as 0 or s0 [default: every shard]
    #[arg(long, value_name = "N", value_parser = parse_shard)]
    pub(crate) shard: Option<u16>,
}

fn parse_shard(text: &str) -> Result<u16, String> {
    let digits = text.strip_prefix('s').unwrap_or(text);
    digits.parse().map_err(|_| format!("{text:?} is no index of a shard, such as 0 or s0"))
}

#[derive(Debug, Subcommand)]
pub(crate) enum NodesCommand {
    /// Show every node, or those of one instance
    List(NodesOptions),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct NodesOptions {
    /// Full name of an instance, or its id alone [default: all]
    #[arg(long, value_name = "NAME")]
    pub(crate) instance: Option<String>,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
    #[command(flatten)]
    pub(crate) ask: AskOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OperationsCommand {
    /// Show every operation, oldest first
    List(AskOptions),
    /// Follow an operation to its end; exit code 0 if it succeeded, 1 if it failed
    Watch(OperationOptions),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct OperationOptions {
    /// Full name of the operation, or its id alone
    #[arg(value_name = "OPERATION")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) place: PlaceOptions,
    #[command(flatten)]
    pub(crate) ask: AskOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ZonesCommand {
    /// Show the zones that are away
    List(AskOptions),
    /// Take a zone away: its nodes stop or hang until it is given back
    Take(TakeOptions),
    /// Give a zone back: its nodes start or go on
    Give(GiveOptions),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct TakeOptions {
    /// Full name of the zone, such as us-central1-a
    #[arg(value_name = "ZONE")]
    pub(crate) zone: String,
    /// What becomes of its processes
    #[arg(long, value_name = "MANNER", default_value = "stop")]
    pub(crate) manner: Manner,
    #[command(flatten)]
    pub(crate) ask: AskOptions,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct GiveOptions {
    /// Full name of the zone, such as us-central1-a
    #[arg(value_name = "ZONE")]
    pub(crate) zone: String,
    #[command(flatten)]
    pub(crate) ask: AskOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Manner {
    /// They are killed
    Stop,
    /// They are frozen: connections stay open, nothing answers
    Hang,
}
