//! The `timeouts` attribute: how long each operation may take.
//!
//! Owns [`Timeouts`] and the duration notation. Schemas add it with [`Schema::timeouts`](crate::Schema::timeouts);
//! `rpc` turns it into the deadline of a call's context. Invariant: only operations with a default have a key.
//! It measures nothing itself: the resource waits until [`Context::deadline`](crate::Context::deadline).

use std::time::Duration;

use crate::schema::{Attribute, Body};
use crate::validators::pattern;
use crate::value::Object;

pub(crate) const ATTRIBUTE: &str = "timeouts";

/// Deadline of operations for which the schema declares none: the longest default in use among providers.
pub(crate) const FALLBACK: Duration = Duration::from_secs(20 * 60);

/// An operation with a time limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Making the object.
    Create,
    /// Looking at it.
    Read,
    /// Changing it.
    Update,
    /// Removing it.
    Delete,
}

impl Operation {
    fn key(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// Defaults of the `timeouts` attribute; an operation without one has no key in it.
#[derive(Clone, Debug, Default)]
pub struct Timeouts {
    defaults: Vec<(Operation, Duration)>,
}

impl Timeouts {
    /// No keys yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with a key for `operation` and its default.
    #[must_use]
    pub fn operation(mut self, operation: Operation, default: Duration) -> Self {
        self.defaults.push((operation, default));
        self
    }

    pub(crate) fn attribute(&self) -> Attribute {
        let words = "a duration such as \"30s\", \"45m\" or \"1h30m\"";
        let body = self.defaults.iter().fold(Body::new(), |body, (operation, default)| {
            let description = format!(
                "How long {} may take, e.g. `\"45m\"` or `\"1h30m\"`. Default: `\"{}\"`.",
                operation.key(),
                format_duration(*default)
            );
            let attribute = Attribute::string()
                .optional()
                .description(description)
                .validate(pattern(words, |text| parse_duration(text).is_some()));
            body.attribute(operation.key(), attribute)
        });
        Attribute::single_nested(body)
            .optional()
            .client_only()
            .description("How long operations may take before they are given up.")
    }

    /// The limit of `operation` by this plan, state or configuration.
    pub(crate) fn limit(&self, operation: Operation, object: &Object) -> Duration {
        let configured = object
            .value(ATTRIBUTE)
            .as_object()
            .and_then(|timeouts| timeouts.value(operation.key()).as_str())
            .and_then(parse_duration);
        configured.unwrap_or_else(|| {
            let default = self.defaults.iter().find(|(candidate, _)| *candidate == operation);
            default.map_or(FALLBACK, |(_, default)| *default)
        })
    }
}

/// Reads a duration in Go's notation: decimal numbers with a unit each (`ns`, `us`, `µs`, `ms`, `s`, `m`, `h`),
/// such as `1h30m` or `1.5h`. Negative durations are refused.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total_nanos: u128 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(number_end);
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        total_nanos = total_nanos.checked_add(nanos(number, unit)?)?;
        rest = after;
    }
    u64::try_from(total_nanos).ok().map(Duration::from_nanos)
}

fn nanos(number: &str, unit: &str) -> Option<u128> {
    let unit_nanos: u128 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut total = whole.checked_mul(unit_nanos)?;
    let mut scale = unit_nanos;
    for digit in fraction.chars() {
        scale /= 10;
        total += u128::from(digit.to_digit(10)?) * scale;
    }
    Some(total)
}

/// Writes a duration in the notation that [`parse_duration`] reads, without zero parts: `1h30m`.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let mut text = String::new();
    for (count, unit) in [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")] {
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    if duration.subsec_nanos() > 0 {
        text.push_str(&format!("{}ns", duration.subsec_nanos()));
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations_are_read_exactly() {
        for (text, nanos) in [
            ("1h30m", 5_400_000_000_000),
            ("1.5h", 5_400_000_000_000),
            ("300ms", 300_000_000),
            ("2µs", 2_000),
            ("0", 0),
            ("+3s", 3_000_000_000),
            (".5s", 500_000_000),
        ] {
            assert_eq!(parse_duration(text), Some(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn texts_that_are_no_duration_are_refused() {
        for text in ["", "5", "h", "-1s", "1d", "1h x", ".s", "99999999999999h", "1..5s"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn a_written_duration_reads_back_equal() {
        for seconds in [0, 1, 59, 60, 3600, 5400, 7261] {
            let duration = Duration::from_secs(seconds);
            assert_eq!(parse_duration(&format_duration(duration)), Some(duration));
        }
    }
}
