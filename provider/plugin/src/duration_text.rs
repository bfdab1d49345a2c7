//! Durations as text, such as `86400s`.
//!
//! Owns the rule for such attributes and their two directions. Backups and backup policies use it. Invariant: two spellings
//! of one duration are one value, so that no plan differs by spelling alone. The daemon counts whole seconds.

use std::ops::RangeInclusive;

use provider_framework::timeouts::parse_duration;
use provider_framework::validators::{self, Validator};
use provider_framework::{Object, PlannedChange};

/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;

/// The rule that a duration is of whole seconds and within `range`; `words` complete "must be …".
pub(crate) fn between(words: &'static str, range: RangeInclusive<i64>) -> impl Validator + 'static {
    validators::pattern(words, move |text| seconds(text).is_some_and(|seconds| range.contains(&seconds)))
}

/// Reads `86400s`, and Go's other notations such as `24h`.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let duration = parse_duration(text)?;
    if duration.subsec_nanos() > 0 { None } else { i64::try_from(duration.as_secs()).ok() }
}

/// The duration of an attribute, if it is known and has one.
pub(crate) fn seconds_of(object: &Object, attribute: &str) -> Option<i64> {
    seconds(object.value(attribute).as_str()?)
}

/// The duration as the API writes it.
pub(crate) fn text(seconds: i64) -> String {
    format!("{seconds}s")
}

/// The same, in the spelling that `prior` has for it.
pub(crate) fn spelled(seconds: i64, prior: &Object, attribute: &str) -> String {
    let before = prior.value(attribute).as_str().filter(|before| self::seconds(before) == Some(seconds));
    before.map_or_else(|| text(seconds), str::to_owned)
}

/// Plans the prior value where the planned one is another spelling of it.
pub(crate) fn keep_spelling(change: &mut PlannedChange, attribute: &str) {
    let Some(prior) = change.prior() else { return };
    let before = seconds_of(prior, attribute);
    if before.is_some() && before == seconds_of(&change.planned, attribute) {
        let prior = prior.value(attribute).clone();
        change.planned.set(attribute, prior);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_duration_has_many_spellings() {
        for spelling in ["86400s", "24h", "1440m", "23h60m"] {
            assert_eq!(seconds(spelling), Some(DAY), "{spelling}");
        }
        for bad in ["", "1d", "86400", "1.5s", "-1s"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
        assert_eq!(spelled(DAY, &Object::new().with("ttl", "24h"), "ttl"), "24h");
        assert_eq!(spelled(DAY, &Object::new().with("ttl", "25h"), "ttl"), "86400s");
    }
}
