//! `valkyard zones list|take|give`.

use std::process::ExitCode;
use std::time::Duration;

use admin_proto::v1::{ListZoneOutagesResponse, OutageManner, ZoneOutage};
use anyhow::Result;
use serde_json::json;

use crate::cli::{AskOptions, Manner, TakeOptions, ZonesCommand};
use crate::output::table;
use crate::verbs::ask::{block_on, daemon, show};
use crate::verbs::node_table::{time_text, word};

/// Signals to all processes of a zone take milliseconds each at most.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

pub(crate) fn run(command: &ZonesCommand) -> Result<ExitCode> {
    match command {
        ZonesCommand::List(options) => block_on(list(options)),
        ZonesCommand::Take(options) => block_on(take(options)),
        ZonesCommand::Give(options) => block_on(give(&options.zone, &options.ask)),
    }
}

async fn list(options: &AskOptions) -> Result<ExitCode> {
    let answer = daemon(options)?.read("/v1/admin/zoneOutages").await?;
    show(options.output, &answer, list_text)?;
    Ok(ExitCode::SUCCESS)
}

async fn take(options: &TakeOptions) -> Result<ExitCode> {
    let manner = match options.manner {
        Manner::Stop => OutageManner::Stop,
        Manner::Hang => OutageManner::Hang,
    };
    let path = format!("/v1/admin/zones/{}:take", segment(&options.zone)?);
    let answer = daemon(&options.ask)?.post(&path, &json!({ "manner": manner.as_str_name() }), ANSWER_LIMIT).await?;
    show(options.ask.output, answer.to_string().as_bytes(), |outage| change_text(outage, "away"))?;
    Ok(ExitCode::SUCCESS)
}

async fn give(zone: &str, options: &AskOptions) -> Result<ExitCode> {
    let path = format!("/v1/admin/zones/{}:give", segment(zone)?);
    let answer = daemon(options)?.post(&path, &json!({}), ANSWER_LIMIT).await?;
    show(options.output, answer.to_string().as_bytes(), |outage| change_text(outage, "back"))?;
    Ok(ExitCode::SUCCESS)
}

/// The zone as a part of a path; the daemon judges whether it is one.
fn segment(zone: &str) -> Result<&str> {
    let is_plain = !zone.is_empty() && zone.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if is_plain { Ok(zone) } else { anyhow::bail!("{zone:?} is not a zone; zones are named such as us-central1-a") }
}

fn list_text(answer: &ListZoneOutagesResponse) -> String {
    if answer.outages.is_empty() {
        return "no zone is away\n".to_owned();
    }
    let row = |outage: &ZoneOutage| {
        let since = outage.since.as_ref().map(time_text).unwrap_or_default();
        vec![outage.zone.clone(), word(outage.manner().as_str_name()), since, outage.nodes.len().to_string()]
    };
    table(&["ZONE", "MANNER", "SINCE", "NODES"], &answer.outages.iter().map(row).collect::<Vec<_>>())
}

fn change_text(outage: &ZoneOutage, now: &str) -> String {
    let mut text = format!("zone {} is {now}, {} node(s)\n", outage.zone, outage.nodes.len());
    for node in &outage.nodes {
        text.push_str(&format!("  {} {}\n", node.instance, node.serial));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_outage_is_said_in_words_and_one_is_a_line() {
        assert_eq!(list_text(&ListZoneOutagesResponse::default()), "no zone is away\n");
        let outage = ZoneOutage { zone: "us-central1-b".to_owned(), manner: OutageManner::Hang.into(), ..ZoneOutage::default() };
        let text = list_text(&ListZoneOutagesResponse { outages: vec![outage] });
        assert!(text.lines().nth(1).is_some_and(|line| line.starts_with("us-central1-b  hang")), "{text}");
    }

    #[test]
    fn a_zone_that_would_change_the_path_is_refused() {
        assert!(segment("us-central1-a").is_ok());
        for odd in ["", "a/b", "a:give", "a?b", "a b"] {
            assert!(segment(odd).is_err(), "{odd}");
        }
    }
}
