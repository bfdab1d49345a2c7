//! The verbs about replication between instances.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::{AskOptions, InstanceOptions, WaitOptions, parse_time};

#[derive(Debug, Subcommand)]
pub(crate) enum ReplicationCommand {
    /// Show who follows whom, and how far each shard is
    Status(InstanceOptions),
    /// Have a secondary and its primary change places; nothing is lost unless the primary does not serve
    Switchover(MemberOptions),
    /// Have a secondary follow nobody any more; it keeps its data and takes writes
    Detach(MemberOptions),
    /// Emulate what lies between two locations
    #[command(subcommand)]
    Distance(DistanceCommand),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct MemberOptions {
    #[command(flatten)]
    pub(crate) instance: InstanceOptions,
    #[command(flatten)]
    pub(crate) wait: WaitOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DistanceCommand {
    /// Show what was set between locations
    List(AskOptions),
    /// Set what lies between two locations; what is not given is nothing
    Set(DistanceOptions),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DistanceOptions {
    /// One location, such as us-central1
    #[arg(value_name = "LOCATION")]
    pub(crate) location: String,
    /// The other; the same for links within one
    #[arg(value_name = "OTHER")]
    pub(crate) other: String,
    /// Time to the other and back, such as 80ms
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = parse_time)]
    pub(crate) round_trip: Duration,
    /// Most bytes in a second over each link; 0 for no limit
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    pub(crate) bandwidth: u64,
    /// Let nothing pass
    #[arg(long)]
    pub(crate) cut: bool,
    #[command(flatten)]
    pub(crate) ask: AskOptions,
}
