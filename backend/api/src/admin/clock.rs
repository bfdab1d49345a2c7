//! The clock that schedules and expiries of backups go by.

use admin_proto::v1::{Clock, GetClockRequest};

use crate::ApiState;
use crate::convert::timestamp_message;

const MILLIS_PER_SECOND: i64 = 1_000;

/// What it shows.
pub(crate) fn get_clock(state: &ApiState, _request: GetClockRequest) -> Clock {
    clock_message(state)
}

pub(super) fn clock_message(state: &ApiState) -> Clock {
    let (now, time) = (state.platform.now(), state.platform.calendar());
    // The two were read one after the other: it is ahead by whole seconds, and by what passed in between.
    let ahead_millis = (time - now).num_milliseconds();
    Clock {
        time: Some(timestamp_message(time)),
        ahead_seconds: (ahead_millis + MILLIS_PER_SECOND / 2).div_euclid(MILLIS_PER_SECOND),
    }
}
