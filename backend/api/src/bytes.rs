//! Amounts of data in words.

use std::fmt;

const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];

/// A number of bytes for people: three digits at most, such as `512 MiB` or `1.4 GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 1_000 {
            return write!(f, "{} B", self.0);
        }
        // In tenths, so that what is rounded up to a thousand of a unit is told in the next.
        let mut tenths = u128::from(self.0) * 10;
        let mut unit = "";
        for next in UNITS {
            tenths = tenths.div_ceil(1_024);
            unit = next;
            if tenths < 10_000 {
                break;
            }
        }
        match (tenths / 10, tenths % 10) {
            (whole @ 0..=9, tenth @ 1..) => write!(f, "{whole}.{tenth} {unit}"),
            (whole, _) => write!(f, "{whole} {unit}"),
        }
    }
}

/// How much of a whole, with the percentage where the whole is known.
pub(crate) fn share(bytes: u64, bytes_total: u64) -> String {
    if bytes_total == 0 {
        return format!("{} so far", Bytes(bytes));
    }
    let percent = u128::from(bytes.min(bytes_total)) * 100 / u128::from(bytes_total);
    format!("{} of {}, {percent} %", Bytes(bytes), Bytes(bytes_total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_three_digits_at_most() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1 KiB"),
            (1_536, "1.5 KiB"),
            (512 << 20, "512 MiB"),
            (3 << 29, "1.5 GiB"),
            (1_020 << 20, "1 GiB"),
            (u64::MAX, "16777216 TiB"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
    }
}
