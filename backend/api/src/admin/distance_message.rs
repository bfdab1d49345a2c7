//! What lies between two locations, both ways.

use std::num::NonZeroU64;
use std::time::Duration;

use admin_proto::v1::Distance;
use valkyard_model::{FieldViolation, LocationId, NameError};
use valkyard_store::LocationDistance;

use super::node_message::whole;
use crate::ApiError;
use crate::convert::duration_message;

/// Longest round trip: the far side of the earth and back takes a fifth of a second, a satellite's way half of one, and links
/// call a source silent that does not answer for tens of seconds.
const ROUND_TRIP_MAX: Duration = Duration::from_secs(10);

pub(super) fn distance_message(distance: &LocationDistance) -> Distance {
    Distance {
        location: distance.location.to_string(),
        other: distance.other.to_string(),
        round_trip: (!distance.round_trip.is_zero()).then(|| duration_message(distance.round_trip)),
        bandwidth_bytes_per_second: distance.bandwidth.map_or(0, |bytes| whole(bytes.get())),
        cut: distance.is_cut,
    }
}

pub(super) fn distance(message: &Distance) -> Result<LocationDistance, ApiError> {
    let mut violations = Vec::new();
    let mut location = |field: &str, text: &str| {
        let parsed = text.parse::<LocationId>();
        parsed.map_err(|error: NameError| violations.push(FieldViolation::new(field, error.to_string()))).ok()
    };
    let (one, other) = (location("distance.location", &message.location), location("distance.other", &message.other));
    let round_trip = message.round_trip.unwrap_or_default();
    let round_trip = Duration::try_from(round_trip).ok().filter(|time| *time <= ROUND_TRIP_MAX);
    if round_trip.is_none() {
        let text = format!("a round trip takes 0 to {} s", ROUND_TRIP_MAX.as_secs());
        violations.push(FieldViolation::new("distance.round_trip", text));
    }
    let bandwidth = u64::try_from(message.bandwidth_bytes_per_second).ok();
    if bandwidth.is_none() {
        let text = "bytes in a second, or 0 for no limit";
        violations.push(FieldViolation::new("distance.bandwidth_bytes_per_second", text));
    }
    match (one, other, round_trip, bandwidth) {
        (Some(one), Some(other), Some(round_trip), Some(bandwidth)) => Ok(LocationDistance {
            round_trip,
            bandwidth: NonZeroU64::new(bandwidth),
            is_cut: message.cut,
            ..LocationDistance::none(&one, &other)
        }),
        _ => Err(ApiError::Invalid(violations)),
    }
}
