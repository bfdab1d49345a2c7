//! The one way in which tests wait for what has no event: a process that another test is forking has copies of every
//! descriptor for a moment, so a port that was closed here is free a little later.

use std::time::{Duration, Instant};

/// What is waited for takes milliseconds; the rest is a loaded machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);
/// Gap between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Looks until there is something, and reports the last look if there never is.
pub(crate) fn wait_for<T, E: std::fmt::Debug>(what: &str, mut look: impl FnMut() -> Result<T, E>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        match look() {
            Ok(found) => return found,
            Err(last) if Instant::now() >= deadline => panic!("{what} did not come about: {last:?}"),
            Err(_) => std::thread::sleep(LOOK_EVERY),
        }
    }
}
