//! Sets up logging for a provider process.
//!
//! [`init_logging`] is called once, first thing in a provider's main. Which lines are written is decided by the
//! host's environment variables; what they look like is in [`hclog`](super::hclog). Libraries under the transport
//! are held at warnings: at trace level they would log every frame, the log's own included.

use std::{
    env,
    io::{self, Write as _},
};

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use super::{hclog::Hclog, panics};

/// Without any variable set the host throws the lines away; problems are still written, for a provider run by hand.
const LEVEL_UNASKED: LevelFilter = LevelFilter::WARN;

/// Crates whose lines below a warning only repeat what is on the wire.
const WIRE_CRATES: [&str; 7] = ["h2", "hyper", "hyper_util", "rustls", "tokio_rustls", "tonic", "tower"];

/// Sends `tracing` events to stderr in the form hosts parse, and panics in the form they show to the user.
///
/// `module` becomes `@module` of each line. The level comes from `TF_LOG_PROVIDER`, else `TF_LOG`. A process that has
/// a subscriber already keeps it.
pub fn init_logging(module: &'static str) {
    let variable = |name| env::var(name).ok();
    let level = level(variable("TF_LOG_PROVIDER").as_deref(), variable("TF_LOG").as_deref());
    panics::install_hook();
    let filter = Targets::new().with_default(level).with_targets(WIRE_CRATES.map(|name| (name, level.min(LevelFilter::WARN))));
    let installed = tracing_subscriber::registry()
        .with(filter)
        .with(Hclog::new(module, |line| {
            // A host that went away no longer reads; logging must not fail the call that logs.
            let _ = io::stderr().lock().write_all(line);
        }))
        .try_init();
    if let Err(error) = installed {
        tracing::debug!(error = &error as &dyn std::error::Error, "kept the subscriber already there");
    }
}

fn level(provider: Option<&str>, all: Option<&str>) -> LevelFilter {
    let asked = [provider, all].into_iter().flatten().find(|value| !value.is_empty());
    let Some(asked) = asked else {
        return LEVEL_UNASKED;
    };
    match asked.to_ascii_uppercase().as_str() {
        "OFF" => LevelFilter::OFF,
        "ERROR" => LevelFilter::ERROR,
        "WARN" => LevelFilter::WARN,
        "INFO" => LevelFilter::INFO,
        "DEBUG" => LevelFilter::DEBUG,
        // Hosts read "JSON" and words they do not know as trace too.
        _ => LevelFilter::TRACE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provider_variable_wins_over_the_general_one() {
        let table = [
            (None, None, LevelFilter::WARN),
            (None, Some("debug"), LevelFilter::DEBUG),
            (Some("ERROR"), Some("TRACE"), LevelFilter::ERROR),
            (Some(""), Some("INFO"), LevelFilter::INFO),
            (Some("OFF"), Some("TRACE"), LevelFilter::OFF),
            (None, Some("JSON"), LevelFilter::TRACE),
        ];
        for (provider, all, expected) in table {
            assert_eq!(level(provider, all), expected, "{provider:?} {all:?}");
        }
    }
}
