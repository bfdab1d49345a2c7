//! `valkyard replication status`.

use std::process::ExitCode;

use admin_proto::v1::replication::SwitchoverStage;
use admin_proto::v1::{LastSwitchover, Replication, SecondaryStatus, ShardStatus};
use anyhow::Result;

use super::distance::distance_text;
use crate::cli::InstanceOptions;
use crate::output::table;
use crate::verbs::ask::{daemon, full_name, show};
use crate::verbs::node_table::{bytes, or_dash, time_text, word};

pub(super) async fn status(options: &InstanceOptions) -> Result<ExitCode> {
    let name = full_name(&options.name, "instances", &options.place)?;
    let answer = daemon(&options.ask)?.read(&format!("/v1/admin/{name}/replication")).await?;
    show(options.ask.output, &answer, text)?;
    Ok(ExitCode::SUCCESS)
}

fn text(status: &Replication) -> String {
    let mut out = format!("{} is {}\n", status.instance, role_words(status));
    if status.switchover() != SwitchoverStage::Unspecified {
        out.push_str(&format!("a switchover is under way: {}\n", word(status.switchover().as_str_name())));
    }
    if let Some(last) = &status.last_switchover {
        out.push_str(&format!("last switchover {}: {}\n", time(last.time.as_ref()), last_text(last)));
    }
    for secondary in &status.secondaries {
        out.push_str(&format!("\n{}\n{}", heading(secondary), shards(secondary)));
    }
    out
}

fn role_words(status: &Replication) -> String {
    use admin_proto::v1::replication::Role;
    match status.role() {
        Role::None | Role::Unspecified => "in no replication".to_owned(),
        Role::Primary => "the primary".to_owned(),
        Role::Secondary => format!("a secondary of {}", status.primary),
        Role::Leaving => "being detached".to_owned(),
    }
}

/// How the last switchover went, in words.
pub(super) fn last_text(last: &LastSwitchover) -> String {
    match &last.possible_loss {
        None => format!("from {}, nothing was lost", last.from),
        Some(loss) => format!(
            "{} did not serve: {} of its writes that were seen had not come, the oldest for {}; everything was there at {}",
            last.from,
            bytes(loss.bytes),
            duration(loss.lag.as_ref()),
            time(loss.synced_at.as_ref())
        ),
    }
}

fn heading(secondary: &SecondaryStatus) -> String {
    let lag = secondary.lag_bytes.map_or_else(|| "unknown".to_owned(), bytes);
    let mut text = format!("{}\nlag {lag}, {}", secondary.instance, duration(secondary.lag.as_ref()));
    if let Some(between) = secondary.distance.as_ref().and_then(distance_text) {
        text.push_str(&format!("; between the locations: {between}"));
    }
    text
}

fn shards(secondary: &SecondaryStatus) -> String {
    let rows: Vec<Vec<String>> = secondary.shards.iter().map(row).collect();
    table(&["SHARD", "STATE", "LAG", "BEHIND", "APPLIED", "OF", "SYNCED", "FROM", "TO", "REASON"], &rows)
}

fn row(shard: &ShardStatus) -> Vec<String> {
    let number = |value: Option<i64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let state = word(shard.state().as_str_name());
    vec![
        format!("s{}", shard.shard),
        shard.copied_bytes.map_or_else(|| state.clone(), |copied| format!("{state} ({})", bytes(copied))),
        shard.lag_bytes.map_or_else(|| "-".to_owned(), bytes),
        duration(shard.lag.as_ref()),
        number(shard.applied_offset),
        number(shard.source_offset),
        time(shard.synced_at.as_ref()),
        or_dash(&shard.source),
        or_dash(&shard.target),
        or_dash(&shard.reason),
    ]
}

fn time(time: Option<&prost_types::Timestamp>) -> String {
    time.map_or_else(|| "-".to_owned(), time_text)
}

/// A length of time in milliseconds, or in seconds.
pub(super) fn duration(time: Option<&prost_types::Duration>) -> String {
    let Some(time) = time else { return "-".to_owned() };
    let millis = time.seconds.saturating_mul(1_000).saturating_add(i64::from(time.nanos) / 1_000_000);
    if millis < 10_000 { format!("{millis}ms") } else { format!("{}s", millis / 1_000) }
}

#[cfg(test)]
mod tests {
    use admin_proto::v1::replication::Role;
    use admin_proto::v1::shard_status::State;

    use super::*;

    #[test]
    fn each_shard_is_a_line_and_what_is_not_known_a_dash() {
        let streaming = ShardStatus {
            shard: 0,
            state: State::Streaming.into(),
            source: "127.4.0.1:11000".to_owned(),
            target: "n1".to_owned(),
            applied_offset: Some(900),
            source_offset: Some(1924),
            lag_bytes: Some(1024),
            lag: Some(prost_types::Duration { seconds: 0, nanos: 3_000_000 }),
            ..ShardStatus::default()
        };
        let broken =
            ShardStatus { shard: 1, state: State::Broken.into(), reason: "the link is cut".to_owned(), ..ShardStatus::default() };
        let secondary =
            SecondaryStatus { instance: "copy".to_owned(), shards: vec![streaming, broken], ..SecondaryStatus::default() };
        let status = Replication {
            instance: "cache".to_owned(),
            role: Role::Primary.into(),
            secondaries: vec![secondary],
            switchover: SwitchoverStage::Draining.into(),
            ..Replication::default()
        };
        let text = text(&status);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[..2], ["cache is the primary", "a switchover is under way: draining"]);
        assert!(lines.iter().any(|line| line.starts_with("s0     streaming  1.0KiB  3ms     900      1924")), "{text}");
        assert!(lines.iter().any(|line| line.starts_with("s1     broken     -") && line.ends_with("the link is cut")), "{text}");
        assert!(text.contains("lag unknown, -"), "{text}");
    }
}
