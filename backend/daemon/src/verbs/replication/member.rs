//! `valkyard replication switchover|detach`: updates of one secondary.

use std::process::ExitCode;
use std::time::Duration;

use admin_proto::json::from_json;
use admin_proto::v1::{LastSwitchover, Replication};
use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::status::last_text;
use crate::cli::{MemberOptions, OutputFormat};
use crate::output::print;
use crate::verbs::ask::{daemon, full_name};
use crate::verbs::backups::wait::conclude;

/// Accepting an update takes one transaction; a busy disk takes the rest.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// Exit code 0: it is the primary and takes writes.
pub(super) async fn switchover(options: &MemberOptions) -> Result<ExitCode> {
    let (name, operation) = update(options, "PRIMARY").await?;
    let ask = &options.instance.ask;
    conclude(ask, &options.wait, &operation, || async {
        let answer = daemon(ask)?.read(&format!("/v1/admin/{name}/replication")).await?;
        let status: Replication = from_json(&answer).context("read the daemon's answer; is it of another version?")?;
        match ask.output {
            OutputFormat::Json => print(&format!("{}\n", String::from_utf8_lossy(&answer).trim_end())),
            OutputFormat::Text => print(&taken_over(&name, status.last_switchover.as_ref())),
        }
    })
    .await
}

fn taken_over(name: &str, last: Option<&LastSwitchover>) -> String {
    let how = last.map(|last| format!(": {}", last_text(last))).unwrap_or_default();
    format!("{name} is the primary and takes writes{how}\n")
}

/// Exit code 0: it follows nobody and takes writes.
pub(super) async fn detach(options: &MemberOptions) -> Result<ExitCode> {
    let (name, operation) = update(options, "NONE").await?;
    let ask = &options.instance.ask;
    conclude(ask, &options.wait, &operation, || async {
        match ask.output {
            OutputFormat::Json => print(&format!("{}\n", json!({ "detached": name }))),
            OutputFormat::Text => print(&format!("{name} follows nobody any more and takes writes\n")),
        }
    })
    .await
}

async fn update(options: &MemberOptions, role: &str) -> Result<(String, Value)> {
    let name = full_name(&options.instance.name, "instances", &options.instance.place)?;
    let path = format!("/v1/{name}?updateMask=crossInstanceReplicationConfig");
    let body = json!({ "crossInstanceReplicationConfig": { "instanceRole": role } });
    let operation = daemon(&options.instance.ask)?.patch(&path, &body, ANSWER_LIMIT).await?;
    Ok((name, operation))
}

#[cfg(test)]
mod tests {
    use admin_proto::v1::PossibleLoss;

    use super::*;

    #[test]
    fn what_may_be_lost_is_said() {
        let mut last = LastSwitchover { from: "projects/p/locations/l/instances/old".to_owned(), ..LastSwitchover::default() };
        let whole = taken_over("new", Some(&last));
        assert!(whole.starts_with("new is the primary") && whole.contains("nothing was lost"), "{whole}");
        last.possible_loss = Some(PossibleLoss { bytes: 2048, ..PossibleLoss::default() });
        let torn = taken_over("new", Some(&last));
        assert!(torn.contains("did not serve") && torn.contains("2.0KiB"), "{torn}");
    }
}
