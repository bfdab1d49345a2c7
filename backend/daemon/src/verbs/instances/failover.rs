//! `valkyard instances failover`.

use std::process::ExitCode;
use std::time::Duration;

use admin_proto::v1::FailOverResponse;
use anyhow::Result;
use serde_json::json;

use crate::cli::FailoverOptions;
use crate::verbs::ask::{daemon, full_name, show};

/// The daemon itself gives up after 30 s and says why; this is for one that does not answer at all.
const ANSWER_LIMIT: Duration = Duration::from_secs(40);

/// Exit code 0: every shard that was meant has another primary.
pub(crate) async fn failover(options: &FailoverOptions) -> Result<ExitCode> {
    let instance = &options.instance;
    let name = full_name(&instance.name, "instances", &instance.place)?;
    let body = options.shard.map_or_else(|| json!({}), |shard| json!({ "shard": shard }));
    let answer = daemon(&instance.ask)?.post(&format!("/v1/admin/{name}:failOver"), &body, ANSWER_LIMIT).await?;
    show(instance.ask.output, answer.to_string().as_bytes(), text)?;
    Ok(ExitCode::SUCCESS)
}

fn text(answer: &FailOverResponse) -> String {
    answer.shards.iter().map(|shard| format!("shard s{}: primary {} -> {}\n", shard.shard, shard.from, shard.to)).collect()
}
