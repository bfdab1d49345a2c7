//! Lengths of time.

use std::time::Duration;

/// The wire's form of a length of time.
pub(crate) fn duration_message(length: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(length.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(length.subsec_nanos()).expect("below one second"),
    }
}

/// The seconds of a length of time as a client sent it, perhaps negative; nothing unless they are whole.
pub(crate) fn whole_seconds(message: &prost_types::Duration) -> Option<i64> {
    (message.nanos == 0).then_some(message.seconds)
}
