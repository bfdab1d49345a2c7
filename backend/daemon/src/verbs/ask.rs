//! What the verbs that ask a daemon have in common: a runtime for the length of one answer, names, and the form of output.

use std::future::Future;
use std::process::ExitCode;

use admin_proto::json::from_json;
use anyhow::{Context, Result, bail};
use prost::{Message, Name};

use crate::cli::{AskOptions, OutputFormat, PlaceOptions};
use crate::client::Daemon;
use crate::listen::endpoint_of;
use crate::output::print;

/// Runs the questions of a verb.
pub(crate) fn block_on(asking: impl Future<Output = Result<ExitCode>>) -> Result<ExitCode> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("start the runtime")?.block_on(asking)
}

/// The daemon that is meant.
pub(crate) fn daemon(options: &AskOptions) -> Result<Daemon> {
    Ok(Daemon::at(&endpoint_of(&options.target)?))
}

/// Prints the daemon's JSON as it came, or a text made of it.
pub(crate) fn show<M: Message + Name + Default>(form: OutputFormat, answer: &[u8], text: impl Fn(&M) -> String) -> Result<()> {
    match form {
        OutputFormat::Json => print(&format!("{}\n", String::from_utf8_lossy(answer).trim_end())),
        OutputFormat::Text => {
            let message = from_json(answer).context("read the daemon's answer; is it of another version?")?;
            print(&text(&message))
        }
    }
}

/// The full name of an instance or an operation: as given, or by its id in the place that is meant.
pub(crate) fn full_name(given: &str, collection: &str, place: &PlaceOptions) -> Result<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/".contains(c);
    let name = match given.contains('/') {
        true => given.trim_start_matches('/').to_owned(),
        false => format!("projects/{}/locations/{}/{collection}/{given}", place.project, place.location),
    };
    let is_of_form = matches!(name.split('/').collect::<Vec<_>>().as_slice(),
        ["projects", _, "locations", _, found, id] if *found == collection && !id.is_empty());
    if !is_of_form || !name.chars().all(is_plain) {
        bail!("{given:?} is no name; give an id such as my-cache, or projects/P/locations/L/{collection}/ID");
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_completed_and_a_full_name_taken_as_it_is() {
        let place = PlaceOptions { project: "p".to_owned(), location: "us-west1".to_owned() };
        let name = |given: &str| full_name(given, "instances", &place).ok();
        assert_eq!(name("cache").as_deref(), Some("projects/p/locations/us-west1/instances/cache"));
        let full = "projects/q/locations/us-east1/instances/cache";
        assert_eq!(name(full).as_deref(), Some(full));
        for odd in ["", "a b", "x?y", "ü", "x/y", "projects/q/locations/us-east1/operations/cache"] {
            assert_eq!(name(odd), None, "{odd}");
        }
    }
}
