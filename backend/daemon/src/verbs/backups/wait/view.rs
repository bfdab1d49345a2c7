//! Progress on standard error: one line with a bar that is drawn again and again, or lines that stay.
//!
//! Neither uses colour, so `NO_COLOR` has nothing to turn off.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use admin_proto::v1::OperationProgress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::amounts::sentence;
use super::pace::Pace;
use crate::output::warn;

/// Shortest time between two lines that stay: a log is read later, and by people.
const LINE_EVERY: Duration = Duration::from_secs(1);
/// Parts of a whole bar: a thousandth is less than a column of any terminal.
const BAR_PARTS: u64 = 1_000;

/// Where progress is shown.
#[derive(Debug)]
pub(super) enum View {
    /// On a terminal.
    Bar(ProgressBar),
    /// Elsewhere.
    Lines(Lines),
}

impl View {
    pub(super) fn of_stderr() -> Self {
        let can_draw = io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb");
        match can_draw {
            true => Self::Bar(ProgressBar::with_draw_target(Some(BAR_PARTS), ProgressDrawTarget::stderr())),
            false => Self::Lines(Lines::default()),
        }
    }

    /// Shows where the operation stands, this long after the beginning.
    pub(super) fn show(&mut self, progress: &OperationProgress, pace: &Pace, since: Duration) {
        let text = sentence(progress, pace);
        match self {
            Self::Bar(bar) => draw(bar, share(progress), &text, since),
            Self::Lines(lines) => {
                if let Some(line) = lines.next(text, since) {
                    write_line(&line);
                }
            }
        }
    }

    /// Says something else in between.
    pub(super) fn interrupt_with(&self, line: &str) {
        match self {
            Self::Bar(bar) => bar.suspend(|| warn(line)),
            Self::Lines(_) => warn(line),
        }
    }

    /// Takes the bar away.
    pub(super) fn close(&self) {
        match self {
            Self::Bar(bar) => bar.finish_and_clear(),
            Self::Lines(_) => {}
        }
    }
}

fn draw(bar: &ProgressBar, share: Option<u64>, text: &str, since: Duration) {
    let template = match share {
        Some(_) => "[{bar:16}] {percent:>3}% {wide_msg}",
        None => "{prefix} {wide_msg}",
    };
    let style = ProgressStyle::with_template(template).expect("both templates are well formed");
    bar.set_style(style.progress_chars("=> "));
    bar.set_prefix(format!("{:>6.1}s", since.as_secs_f64()));
    bar.set_position(share.unwrap_or_default());
    bar.set_message(text.to_owned());
}

/// How much of all bytes was moved, in parts of the bar; nothing where either is not known.
fn share(progress: &OperationProgress) -> Option<u64> {
    let moved = progress.moved.as_ref()?;
    let total = u128::try_from(moved.bytes_total).ok().filter(|total| *total > 0)?;
    let done = u128::try_from(moved.bytes).ok()?.min(total);
    u64::try_from(done * u128::from(BAR_PARTS) / total).ok()
}

/// Lines that stay: at changes, and not too often.
#[derive(Debug, Default)]
pub(super) struct Lines {
    last: Option<(String, Duration)>,
}

impl Lines {
    /// The line to write now, if there is one.
    fn next(&mut self, text: String, since: Duration) -> Option<String> {
        let is_due = match &self.last {
            None => true,
            Some((before, at)) => *before != text && since >= *at + LINE_EVERY,
        };
        if !is_due || text.is_empty() {
            return None;
        }
        let line = format!("{:>7.1}s  {text}\n", since.as_secs_f64());
        self.last = Some((text, since));
        Some(line)
    }
}

/// Where nobody can read it, the result has to do.
fn write_line(line: &str) {
    let _ = io::stderr().write_all(line.as_bytes());
}

#[cfg(test)]
mod tests {
    use admin_proto::v1::OperationBytes;

    use super::*;

    #[test]
    fn a_line_is_written_at_changes_and_not_more_than_once_a_second() {
        let mut lines = Lines::default();
        let mut at = |millis, text: &str| lines.next(text.to_owned(), Duration::from_millis(millis));
        assert_eq!(at(0, ""), None);
        assert_eq!(at(100, "accepted").as_deref(), Some("    0.1s  accepted\n"));
        assert_eq!(at(500, "1KiB"), None);
        assert_eq!(at(1_100, "2KiB").as_deref(), Some("    1.1s  2KiB\n"));
        assert_eq!(at(9_000, "2KiB"), None);
    }

    #[test]
    fn the_bar_is_as_long_as_the_share_of_bytes() {
        let of = |bytes, bytes_total| {
            let moved = Some(OperationBytes { bytes, bytes_total, ..OperationBytes::default() });
            share(&OperationProgress { moved, ..OperationProgress::default() })
        };
        assert_eq!([of(0, 0), of(0, 10), of(5, 10), of(11, 10)], [None, Some(0), Some(500), Some(1_000)]);
        assert_eq!(share(&OperationProgress::default()), None);
    }
}
