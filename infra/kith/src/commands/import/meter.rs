//! How far an import is and how fast it goes, for people: a bar on a terminal, lines elsewhere.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use shared::env::{Clock, Timestamp};

use crate::output::{counted, note};

/// How often a line is printed where there is no terminal, in milliseconds.
const LINES: i64 = 10_000;

/// Shows progress on the error output.
pub(super) struct ProgressMeter {
    clock: Clock,
    /// On a terminal only.
    bar: Option<ProgressBar>,
    bytes: u64,
    begun: Timestamp,
    /// Rows and bytes that were done before this program began.
    before: (u64, u64),
    printed: Timestamp,
}

impl ProgressMeter {
    /// Starts to measure with what was done before, of a file of so many bytes.
    pub(super) fn new(clock: Clock, bytes: u64, rows: u64, at: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{bar:32} {percent:>3} %  {msg}");
            style.map_or(bar.clone(), |style| bar.with_style(style))
        });
        let begun = clock.now();
        Self { clock, bar, bytes, begun, before: (rows, at), printed: begun }
    }

    /// Milliseconds since it began.
    pub(super) fn elapsed(&self) -> i64 {
        (self.clock.now().millis() - self.begun.millis()).max(1)
    }

    /// Rows a second since it began, of `rows` in all.
    pub(super) fn rate(&self, rows: u64) -> u64 {
        per(rows.saturating_sub(self.before.0) * 1000, self.elapsed())
    }

    /// Shows that so many rows are done, which end at a place in the file.
    pub(super) fn show(&mut self, rows: u64, errors: u64, at: u64) {
        let mut text =
            format!("{}, {errors} in error, {} rows/s", counted(rows, "row"), self.rate(rows));
        let done = at.saturating_sub(self.before.1);
        if done > 0 && at < self.bytes {
            let elapsed = u64::try_from(self.elapsed()).unwrap_or_default();
            let left = u128::from(elapsed) * u128::from(self.bytes - at) / u128::from(done);
            let _ = write!(text, ", {} left", duration(u64::try_from(left).unwrap_or(u64::MAX)));
        }
        if let Some(bar) = &self.bar {
            bar.set_message(text);
            bar.set_position(at);
        } else if self.clock.now().millis() - self.printed.millis() >= LINES {
            self.printed = self.clock.now();
            note(format_args!("{} %, {text}", at * 100 / self.bytes.max(1)));
        }
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn per(what: u64, millis: i64) -> u64 {
    what / u64::try_from(millis).unwrap_or(1).max(1)
}

/// Milliseconds for people.
pub(super) fn duration(millis: u64) -> String {
    match millis / 1000 {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_are_told_in_two_units_at_most() {
        let told = [0, 59_999, 60_000, 3_599_000, 3_600_000, 90_000_000].map(duration);
        assert_eq!(told, ["0 s", "59 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "25 h 0 min"]);
    }
}
