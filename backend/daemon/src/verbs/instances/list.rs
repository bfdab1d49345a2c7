//! `valkyard instances list`.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};

use crate::cli::{AskOptions, OutputFormat};
use crate::output::{print, table};
use crate::verbs::ask::daemon;

pub(crate) async fn list(options: &AskOptions) -> Result<ExitCode> {
    let instances = daemon(options)?.list("/v1/projects/-/locations/-/instances", "instances").await?;
    match options.output {
        OutputFormat::Json => print(&format!("{}\n", json!({ "instances": instances })))?,
        OutputFormat::Text => print(&text(&instances))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn text(instances: &[Value]) -> String {
    let rows: Vec<Vec<String>> = instances.iter().map(row).collect();
    table(&["INSTANCE", "STATE", "SHARDS", "REPLICAS", "NODE TYPE", "ENGINE", "ENDPOINT"], &rows)
}

fn row(instance: &Value) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let address = &instance["discoveryEndpoints"][0];
    vec![
        word(&instance["name"]),
        word(&instance["state"]),
        instance["shardCount"].as_u64().unwrap_or(0).to_string(),
        instance["replicaCount"].as_u64().unwrap_or(0).to_string(),
        word(&instance["nodeType"]),
        word(&instance["engineVersion"]),
        format!("{}:{}", word(&address["address"]), address["port"]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_a_line() {
        let instance = json!({ "name": "projects/p/locations/l/instances/i", "state": "ACTIVE", "shardCount": 3,
            "replicaCount": 1, "nodeType": "STANDARD_SMALL", "engineVersion": "VALKEY_9_1",
            "discoveryEndpoints": [{ "address": "127.1.2.3", "port": 6379 }] });
        let text = text(&[instance]);
        let line: Vec<&str> = text.lines().nth(1).expect("a line below the header").split_whitespace().collect();
        let wanted = ["projects/p/locations/l/instances/i", "ACTIVE", "3", "1", "STANDARD_SMALL", "VALKEY_9_1", "127.1.2.3:6379"];
        assert_eq!(line, wanted);
    }
}
