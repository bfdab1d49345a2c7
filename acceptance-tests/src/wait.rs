//! The one place that waits: level-triggered, bounded, and telling what it saw last.

use std::time::{Duration, Instant};

/// Gap between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Looks until `look` gives a value.
///
/// # Panics
/// When it has not within `limit`: with what was waited for and what was seen last.
pub fn wait_until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        match look() {
            Ok(value) => return value,
            Err(last) if Instant::now() >= deadline => panic!("{what}: not within {limit:?}; last seen: {last}"),
            Err(_) => std::thread::sleep(LOOK_EVERY),
        }
    }
}

/// Lets time pass that is part of what a test does, such as the length of an outage; never to wait for an outcome.
pub fn let_pass(length: Duration) {
    std::thread::sleep(length);
}
