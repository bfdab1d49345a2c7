//! `valkyard nodes list`.

use std::process::ExitCode;

use admin_proto::v1::ListNodesResponse;
use anyhow::Result;

use crate::cli::{NodesCommand, NodesOptions};
use crate::verbs::ask::{block_on, daemon, full_name, show};
use crate::verbs::node_table::node_table;

pub(crate) fn run(command: &NodesCommand) -> Result<ExitCode> {
    match command {
        NodesCommand::List(options) => block_on(list(options)),
    }
}

async fn list(options: &NodesOptions) -> Result<ExitCode> {
    let path = match &options.instance {
        None => "/v1/admin/nodes".to_owned(),
        Some(name) => format!("/v1/admin/nodes?instance={}", full_name(name, "instances", &options.place)?),
    };
    let answer = daemon(&options.ask)?.read(&path).await?;
    show(options.ask.output, &answer, |found: &ListNodesResponse| node_table(&found.nodes, Some("INSTANCE")))?;
    Ok(ExitCode::SUCCESS)
}
