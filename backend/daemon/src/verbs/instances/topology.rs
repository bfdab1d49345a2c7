//! `valkyard instances topology`.

use std::process::ExitCode;

use admin_proto::v1::{DataLoss, Shape, Shard, Topology};
use anyhow::Result;

use crate::cli::InstanceOptions;
use crate::output::table;
use crate::verbs::ask::{daemon, full_name, show};
use crate::verbs::node_table::{bytes, node_table, or_dash, time_text, word};

pub(crate) async fn topology(options: &InstanceOptions) -> Result<ExitCode> {
    let name = full_name(&options.name, "instances", &options.place)?;
    let answer = daemon(&options.ask)?.read(&format!("/v1/admin/{name}/topology")).await?;
    show(options.ask.output, &answer, text)?;
    Ok(ExitCode::SUCCESS)
}

fn text(topology: &Topology) -> String {
    let mut out = heading(topology);
    let shards: Vec<Vec<String>> = topology.shards.iter().map(shard_row).collect();
    out.push_str(&format!("\n{}", table(&["SHARD", "STATE", "SLOTS", "PRIMARY", "REPLICAS", "IN SYNC", "RANGES"], &shards)));
    out.push_str(&format!("\n{}", node_table(&topology.nodes, None)));
    section(&mut out, "slots on their way", &migrations(topology));
    section(&mut out, "waiting on", &topology.waiting_on);
    section(&mut out, "conditions", &topology.conditions.iter().map(|found| found.text.clone()).collect::<Vec<_>>());
    section(&mut out, "data losses", &losses(topology));
    section(&mut out, "failed steps", &failed_steps(topology));
    section(&mut out, "zones away", &topology.zones_out);
    out
}

fn heading(topology: &Topology) -> String {
    let state = topology.state().as_str_name();
    let seen = topology.seen_at.as_ref().map_or_else(|| "not looked at yet".to_owned(), |at| format!("seen {}", time_text(at)));
    let mut out = format!("{}\n{state}, generation {}, {seen}\n", topology.instance, topology.generation);
    out.push_str(&format!("endpoint {}\n", topology.discovery_endpoint));
    match (&topology.settled, &topology.target) {
        (Some(settled), Some(target)) if settled == target => {
            out.push_str(&format!("shape    {}\n", shape_text(target)));
        }
        (settled, Some(target)) => {
            if let Some(settled) = settled {
                out.push_str(&format!("was      {}\n", shape_text(settled)));
            }
            out.push_str(&format!("becomes  {}\n", shape_text(target)));
        }
        (_, None) => {}
    }
    out
}

fn shape_text(shape: &Shape) -> String {
    let mut text = format!(
        "{} x (1 + {})  {}  {}  {} a node",
        shape.shard_count,
        shape.replica_count,
        shape.node_type,
        shape.engine_version,
        bytes(shape.maxmemory_bytes)
    );
    if !shape.persistence.is_empty() && shape.persistence != "DISABLED" {
        text.push_str(&format!("  {}", shape.persistence));
    }
    for (key, value) in &shape.engine_configs {
        text.push_str(&format!("  {key}={value}"));
    }
    text
}

fn shard_row(shard: &Shard) -> Vec<String> {
    vec![
        format!("s{}", shard.index),
        word(shard.state().as_str_name()),
        shard.slot_count.to_string(),
        or_dash(&shard.primary),
        or_dash(&shard.replicas.join(",")),
        shard.replicas_in_sync.to_string(),
        or_dash(&shard.slots),
    ]
}

/// Each by the end that gives: the other end tells the same.
fn migrations(topology: &Topology) -> Vec<String> {
    use admin_proto::v1::migration::{Direction, Way};
    let mut found = Vec::new();
    for node in &topology.nodes {
        for migration in node.migrations.iter().filter(|migration| migration.direction() == Direction::Export) {
            let way = match migration.way() {
                Way::ByKeys => "by keys",
                Way::Atomic | Way::Unspecified => "all at once",
            };
            let slots = &migration.slots;
            found.push(format!(
                "{} -> {}: {} slot(s) {way}: {slots}",
                node.serial,
                or_dash(&migration.peer),
                migration.slot_count
            ));
        }
    }
    found
}

fn losses(topology: &Topology) -> Vec<String> {
    topology.losses.iter().map(loss_text).collect()
}

/// A loss in words.
pub(crate) fn loss_text(loss: &DataLoss) -> String {
    let shard = loss.shard;
    let at = loss.time.as_ref().map(time_text).unwrap_or_default();
    match &loss.restored_to {
        None => format!("shard s{shard} lost its data at {at}"),
        Some(kept) => format!("shard s{shard} lost what was written after {} at {at}", time_text(kept)),
    }
}

fn failed_steps(topology: &Topology) -> Vec<String> {
    let line = |step: &admin_proto::v1::FailedStep| {
        let node = if step.node.is_empty() { String::new() } else { format!(" ({})", step.node) };
        format!("{}{node}, {} time(s): {}", step.step, step.attempts, step.error)
    };
    topology.failed_steps.iter().map(line).collect()
}

fn section(out: &mut String, title: &str, lines: &[String]) {
    if !lines.is_empty() {
        out.push_str(&format!("\n{title}:\n"));
    }
    for line in lines {
        out.push_str(&format!("  {line}\n"));
    }
}

#[cfg(test)]
mod tests;
