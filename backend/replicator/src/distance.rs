//! What lies between source and target in a rehearsal.

use std::num::NonZeroU64;
use std::time::Duration;

/// A distance that is emulated on the reading side of a link; none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Distance {
    /// Round-trip time: the stream arrives half of it later.
    pub rtt: Duration,
    /// Most bytes of the stream in a second; `None` for as many as come.
    pub bandwidth_bytes_per_s: Option<NonZeroU64>,
    /// Whether nothing passes.
    pub is_cut: bool,
}
