//! How far an operation is, in words.

use std::time::Duration;

use admin_proto::v1::{OperationBytes, OperationProgress};

use super::pace::Pace;
use crate::verbs::node_table::bytes;

/// Everything that is known, on one line.
pub(super) fn sentence(progress: &OperationProgress, pace: &Pace) -> String {
    let steps = progress.steps.join("; ");
    match progress.moved.as_ref().map(|moved| amounts(moved, pace)).filter(|amounts| !amounts.is_empty()) {
        None => steps,
        Some(amounts) if steps.is_empty() => amounts,
        Some(amounts) => format!("{amounts}: {steps}"),
    }
}

/// Bytes, keys, rate and the time that is left, as far as they are known.
fn amounts(moved: &OperationBytes, pace: &Pace) -> String {
    let mut parts = Vec::new();
    if moved.bytes > 0 || moved.bytes_total > 0 {
        parts.push(of_total(bytes(moved.bytes), (moved.bytes_total > 0).then(|| bytes(moved.bytes_total))));
    }
    if moved.keys > 0 || moved.keys_total > 0 {
        let keys = of_total(moved.keys.to_string(), (moved.keys_total > 0).then(|| moved.keys_total.to_string()));
        parts.push(format!("{keys} keys"));
    }
    // What remains after the last byte, such as starting nodes, would only wear the rate down.
    let is_moving = moved.bytes > 0 && (moved.bytes_total == 0 || moved.bytes < moved.bytes_total);
    if let Some(rate) = pace.bytes_per_second().filter(|_| is_moving) {
        parts.push(format!("{}/s", bytes(rate)));
    }
    if let Some(left) = pace.left(moved.bytes_total).filter(|left| !left.is_zero()) {
        parts.push(format!("{} left", time(left)));
    }
    parts.join(", ")
}

fn of_total(done: String, total: Option<String>) -> String {
    total.map_or_else(|| done.clone(), |total| format!("{done} of {total}"))
}

fn time(length: Duration) -> String {
    match length.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_told_and_nothing_else() {
        let mut pace = Pace::default();
        pace.see(Duration::ZERO, 0);
        pace.see(Duration::from_secs(2), 2 << 20);
        let moved = OperationBytes { bytes: 2 << 20, bytes_total: 102 << 20, keys: 10, keys_total: 500 };
        let progress =
            OperationProgress { steps: vec!["taking s0".to_owned()], moved: Some(moved), ..OperationProgress::default() };
        assert_eq!(sentence(&progress, &pace), "2.0MiB of 102.0MiB, 10 of 500 keys, 1.0MiB/s, 1 min 40 s left: taking s0");
        let unknown = OperationBytes { bytes: 2 << 20, ..OperationBytes::default() };
        assert_eq!(amounts(&unknown, &pace), "2.0MiB, 1.0MiB/s");
        assert_eq!(amounts(&OperationBytes::default(), &pace), "");
        let over = OperationBytes { bytes: 2 << 20, bytes_total: 2 << 20, ..OperationBytes::default() };
        assert_eq!(amounts(&over, &pace), "2.0MiB of 2.0MiB");
        assert_eq!(sentence(&OperationProgress { moved: None, ..progress }, &pace), "taking s0");
    }

    #[test]
    fn times_have_two_units_at_most() {
        let texts = [9, 61, 7_384].map(|seconds| time(Duration::from_secs(seconds)));
        assert_eq!(texts, ["9 s", "1 min 1 s", "2 h 3 min"]);
    }
}
