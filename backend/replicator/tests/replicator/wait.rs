//! Waiting for what is seen, never for time to pass.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use valkyard_replicator::{Link, LinkStatus};

/// Longest wait. What is waited for takes seconds at most.
const WAIT_TIME_MAX: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Looks until `look` says yes; panics with what it said last.
pub(crate) async fn until<T, S: Debug>(what: &str, mut look: impl AsyncFnMut() -> Result<T, S>) -> T {
    let start = Instant::now();
    loop {
        match look().await {
            Ok(value) => return value,
            Err(status) if start.elapsed() > WAIT_TIME_MAX => panic!("gave up waiting until {what}: {status:?}"),
            Err(_) => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

/// Waits for a status of a link.
pub(crate) async fn status(link: &Link, what: &str, mut is: impl FnMut(&LinkStatus) -> bool) -> LinkStatus {
    let mut watching = link.watch();
    let seen = tokio::time::timeout(WAIT_TIME_MAX, watching.wait_for(|status| is(status))).await;
    match seen {
        Ok(Ok(status)) => status.clone(),
        Ok(Err(_)) => panic!("the link ended before {what}: {:?}", link.status()),
        Err(_) => panic!("gave up waiting for {what}: {:?}", link.status()),
    }
}
