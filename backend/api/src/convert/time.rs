//! Points in time, cut to microseconds as on the real service.

use valkyard_model::Timestamp;

const NANOS_PER_MICRO: u32 = 1_000;

/// The wire's form of a point in time.
pub(crate) fn timestamp_message(time: Timestamp) -> prost_types::Timestamp {
    let micros = time.timestamp_subsec_micros().min(999_999);
    let nanos = i32::try_from(micros * NANOS_PER_MICRO).expect("below one second");
    prost_types::Timestamp { seconds: time.timestamp(), nanos }
}

/// A point in time as a client sent it, cut as it will be shown; nothing if it is none.
pub(crate) fn timestamp_of(message: &prost_types::Timestamp) -> Option<Timestamp> {
    let nanos = u32::try_from(message.nanos).ok()?;
    Timestamp::from_timestamp(message.seconds, nanos - nanos % NANOS_PER_MICRO)
}
