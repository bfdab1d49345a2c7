//! Points in time, cut to microseconds as on the real service.

use valkyard_model::Timestamp;

const NANOS_PER_MICRO: u32 = 1_000;

/// The wire's form of a point in time.
pub(crate) fn timestamp_message(time: Timestamp) -> prost_types::Timestamp {
    let micros = time.timestamp_subsec_micros().min(999_999);
    let nanos = i32::try_from(micros * NANOS_PER_MICRO).expect("below one second");
    prost_types::Timestamp { seconds: time.timestamp(), nanos }
}
