//! Moving the clock of schedules.

use admin_proto::v1::{AdvanceClockRequest, Clock};
use chrono::TimeDelta;
use valkyard_model::Timestamp;

use super::AdminError;
use super::clock::clock_message;
use crate::{ApiError, ApiState};

/// The latest time it may show, 2160-01-01: a backup that is made then can still be kept for a hundred years, as stored times end
/// in 2262.
const LATEST_SECONDS: i64 = 5_995_814_400;

/// Moves it, and has the keeper look at what is due or has expired now.
pub(crate) fn advance_clock(state: &ApiState, request: AdvanceClockRequest) -> Result<Clock, ApiError> {
    refuse_far_times(state.platform.calendar(), request.seconds)?;
    state.platform.advance_calendar(request.seconds).map_err(AdminError::from)?;
    state.keeper.look_again();
    Ok(clock_message(state))
}

fn refuse_far_times(now: Timestamp, seconds: i64) -> Result<(), ApiError> {
    let moved = TimeDelta::try_seconds(seconds).and_then(|by| now.checked_add_signed(by));
    if moved.is_some_and(|moved| (0..=LATEST_SECONDS).contains(&moved.timestamp())) {
        return Ok(());
    }
    let text = format!("the clock shows {} and stays between the years 1970 and 2160", now.format("%F"));
    Err(ApiError::invalid("seconds", text))
}
