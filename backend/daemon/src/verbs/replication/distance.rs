//! `valkyard replication distance list|set`.

use std::process::ExitCode;
use std::time::Duration;

use admin_proto::v1::{Distance, ListDistancesResponse};
use anyhow::Result;
use serde_json::json;

use super::status::duration;
use crate::cli::{DistanceCommand, DistanceOptions};
use crate::output::table;
use crate::verbs::ask::{daemon, show};
use crate::verbs::node_table::bytes;

/// Setting is one transaction; a busy disk takes the rest.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

pub(super) async fn run(command: &DistanceCommand) -> Result<ExitCode> {
    match command {
        DistanceCommand::List(options) => {
            let answer = daemon(options)?.read("/v1/admin/distances").await?;
            show(options.output, &answer, list_text)?;
        }
        DistanceCommand::Set(options) => set(options).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn set(options: &DistanceOptions) -> Result<()> {
    let distance = json!({
        "location": options.location,
        "other": options.other,
        "roundTrip": format!("{}.{:09}s", options.round_trip.as_secs(), options.round_trip.subsec_nanos()),
        "bandwidthBytesPerSecond": options.bandwidth.to_string(),
        "cut": options.cut,
    });
    let answer = daemon(&options.ask)?.post("/v1/admin/distances:set", &json!({ "distance": distance }), ANSWER_LIMIT).await?;
    show(options.ask.output, answer.to_string().as_bytes(), |set: &Distance| {
        let between = distance_text(set).unwrap_or_else(|| "nothing".to_owned());
        format!("between {} and {}: {between}\n", set.location, set.other)
    })
}

/// What lies between, in words, if anything does.
pub(super) fn distance_text(distance: &Distance) -> Option<String> {
    if distance.cut {
        return Some("cut".to_owned());
    }
    let round_trip = distance.round_trip.as_ref().filter(|time| time.seconds > 0 || time.nanos > 0);
    let round_trip = round_trip.map(|time| format!("round trip {}", duration(Some(time))));
    let bandwidth = distance.bandwidth_bytes_per_second;
    let bandwidth = (bandwidth > 0).then(|| format!("{} a second", bytes(bandwidth)));
    let parts: Vec<String> = round_trip.into_iter().chain(bandwidth).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn list_text(answer: &ListDistancesResponse) -> String {
    if answer.distances.is_empty() {
        return "nothing lies between any two locations\n".to_owned();
    }
    let row = |distance: &Distance| {
        let between = distance_text(distance).unwrap_or_else(|| "nothing".to_owned());
        vec![distance.location.clone(), distance.other.clone(), between]
    };
    table(&["LOCATION", "OTHER", "BETWEEN"], &answer.distances.iter().map(row).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_between_is_said_in_words() {
        assert_eq!(distance_text(&Distance::default()), None);
        let far = Distance {
            round_trip: Some(prost_types::Duration { seconds: 0, nanos: 80_000_000 }),
            bandwidth_bytes_per_second: 1 << 20,
            ..Distance::default()
        };
        assert_eq!(distance_text(&far).as_deref(), Some("round trip 80ms, 1.0MiB a second"));
        assert_eq!(distance_text(&Distance { cut: true, ..far }).as_deref(), Some("cut"));
        assert_eq!(list_text(&ListDistancesResponse::default()), "nothing lies between any two locations\n");
    }
}
