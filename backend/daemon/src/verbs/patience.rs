//! Reading again and again from a daemon that may be restarted meanwhile. Called by the verbs that follow an operation.

use std::time::{Duration, Instant};

use anyhow::{Error, Result};
use hyper::body::Bytes;

use crate::cli::AskOptions;
use crate::client::Refusal;
use crate::verbs::ask::daemon;

/// Gap between two looks: people read no faster, and the daemon answers from memory.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long a daemon may be away meanwhile: a restart takes seconds, and the operation goes on after it.
const AWAY_LIMIT: Duration = Duration::from_secs(30);

/// Reads this path; a daemon that is being restarted is waited for, and `tell` hears so once.
pub(super) async fn read_patiently(options: &AskOptions, path: &str, tell: impl Fn(&str)) -> Result<Bytes> {
    let deadline = Instant::now() + AWAY_LIMIT;
    let mut has_told = false;
    loop {
        // Each time anew: a restarted daemon may listen elsewhere.
        let error = match daemon(options)?.read(path).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if is_final(&error) || Instant::now() >= deadline {
            return Err(error);
        }
        if !has_told {
            tell(&format!("{error:#}; trying again for {} s", AWAY_LIMIT.as_secs()));
            has_told = true;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Whether asking again would give the same.
fn is_final(error: &Error) -> bool {
    error.downcast_ref::<Refusal>().is_some_and(|refusal| refusal.status.is_client_error())
}
