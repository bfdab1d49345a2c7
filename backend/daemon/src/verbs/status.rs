//! `valkyard status [--wait]`: is the daemon ready, what does it run, and is all well?

use std::process::ExitCode;
use std::time::{Duration, Instant};

use admin_proto::json::from_json;
use admin_proto::v1::Topology;
use anyhow::{Context, Result};
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::cli::{OutputFormat, StatusOptions};
use crate::client::{Daemon, Refusal};
use crate::listen::endpoint_of;
use crate::output::{print, warn};
use crate::verbs::ask::block_on;
use crate::verbs::instances::loss_text;

/// Gap between two looks while waiting: short against what is waited for (a cluster takes 2 s), cheap to answer.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Instance states that end by themselves.
const PASSING_STATES: [&str; 3] = ["CREATING", "UPDATING", "DELETING"];

/// Exit code 0: ready (and, with `--wait`, at rest). 1: not, or not in time.
pub(crate) fn run(options: &StatusOptions) -> Result<ExitCode> {
    block_on(status(options))
}

async fn status(options: &StatusOptions) -> Result<ExitCode> {
    let deadline = Instant::now() + options.timeout;
    loop {
        // Each time anew: a daemon that is starting has not written its address down yet.
        let endpoint = endpoint_of(&options.target)?;
        let daemon = Daemon::at(&endpoint);
        let looked = instances(&daemon).await;
        let at_rest = looked.as_ref().is_ok_and(|instances| !instances.iter().any(is_passing));
        if at_rest || !options.wait || Instant::now() >= deadline {
            let instances = looked.with_context(|| format!("no ready daemon at {endpoint}; start one with `valkyard serve`"))?;
            let remarks = remarks(&daemon, &instances).await?;
            return report(&endpoint, &instances, &remarks, options, at_rest);
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// What a person should know of one instance.
struct Remarks {
    instance: String,
    /// As it is now.
    conditions: Vec<String>,
    /// What was lost, with the time.
    losses: Vec<String>,
}

fn report(endpoint: &str, instances: &[Value], remarks: &[Remarks], options: &StatusOptions, at_rest: bool) -> Result<ExitCode> {
    match options.format {
        OutputFormat::Json => {
            let remark =
                |found: &Remarks| json!({ "instance": found.instance, "conditions": found.conditions, "losses": found.losses });
            let remarks: Vec<Value> = remarks.iter().map(remark).collect();
            let answer = json!({ "endpoint": endpoint, "ready": true, "instances": instances, "remarks": remarks });
            print(&format!("{answer}\n"))?;
        }
        OutputFormat::Text => print(&text(endpoint, instances, remarks))?,
    }
    if options.wait && !at_rest {
        warn(&format!("instances are still changing after {:?}", options.timeout));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn text(endpoint: &str, instances: &[Value], remarks: &[Remarks]) -> String {
    let mut out = format!("ready at {endpoint}, {} instance(s)\n", instances.len());
    for instance in instances {
        let text = |key: &str| instance[key].as_str().unwrap_or("-").to_owned();
        let address = &instance["discoveryEndpoints"][0];
        out.push_str(&format!(
            "{:<9} {}  {} x (1 + {})  {}  {}:{}\n",
            text("state"),
            text("name"),
            instance["shardCount"],
            instance["replicaCount"],
            text("engineVersion"),
            address["address"].as_str().unwrap_or("-"),
            address["port"],
        ));
        let of_instance = remarks.iter().filter(|found| instance["name"] == found.instance.as_str());
        for line in of_instance.flat_map(|found| found.conditions.iter().chain(&found.losses)) {
            out.push_str(&format!("          ! {line}\n"));
        }
    }
    out
}

fn is_passing(instance: &Value) -> bool {
    instance["state"].as_str().is_some_and(|state| PASSING_STATES.contains(&state))
}

/// Every instance of every project, once the daemon is ready.
async fn instances(daemon: &Daemon) -> Result<Vec<Value>> {
    daemon.read("/readyz").await?;
    daemon.list("/v1/projects/-/locations/-/instances", "instances").await
}

/// What is to be said of the instances; nothing of those that are all right.
async fn remarks(daemon: &Daemon, instances: &[Value]) -> Result<Vec<Remarks>> {
    let mut found = Vec::new();
    for name in instances.iter().filter_map(|instance| instance["name"].as_str()) {
        let answer = match daemon.read(&format!("/v1/admin/{name}/topology")).await {
            Ok(answer) => answer,
            // Deleted since the list was read.
            Err(error) if error.downcast_ref::<Refusal>().is_some_and(|refusal| refusal.status == StatusCode::NOT_FOUND) => {
                continue;
            }
            Err(error) => return Err(error),
        };
        let topology: Topology = from_json(&answer).context("read the daemon's answer; is it of another version?")?;
        let remark = remarks_of(&topology);
        if !remark.conditions.is_empty() || !remark.losses.is_empty() {
            found.push(remark);
        }
    }
    Ok(found)
}

fn remarks_of(topology: &Topology) -> Remarks {
    Remarks {
        instance: topology.instance.clone(),
        conditions: topology.conditions.iter().map(|condition| condition.text.clone()).collect(),
        losses: topology.losses.iter().map(loss_text).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_well_stands_below_its_instance() {
        let instances = [json!({ "name": "a", "state": "ACTIVE" }), json!({ "name": "b", "state": "ACTIVE" })];
        let remark = Remarks { instance: "a".to_owned(), conditions: vec!["shard 0 is down".to_owned()], losses: vec![] };
        let text = text("http://x", &instances, &[remark]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(lines[1].contains(" a ") && lines[2].trim() == "! shard 0 is down" && lines[3].contains(" b "), "{text}");
    }
}
