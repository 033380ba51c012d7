//! How far an import is and how fast it goes, for people: a bar on a terminal, lines elsewhere.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use shared::env::{Clock, Timestamp};

use crate::output::{Console, counted, note};

/// How often a line is printed where there is no terminal, in milliseconds.
const LINES: i64 = 10_000;

/// Shows progress on the error output.
pub(super) struct ProgressMeter {
    clock: Clock,
    /// On a terminal only.
    bar: Option<ProgressBar>,
    quiet: bool,
    bytes: u64,
    begun: Timestamp,
    /// The start of the measured rate; `None` until the service has said how many rows of an
    /// earlier program are done.
    base: Option<Base>,
    printed: Timestamp,
}

/// The progress at some time.
struct Base {
    at: Timestamp,
    rows: u64,
    /// Where in the file these rows end.
    place: u64,
}

impl ProgressMeter {
    /// Starts to measure an import of a file of so many bytes.
    pub(super) fn new(clock: Clock, bytes: u64, console: Console) -> Self {
        let shown = std::io::stderr().is_terminal() && !console.quiet;
        let bar = shown.then(|| {
            let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{bar:32} {percent:>3} %  {msg}");
            style.map_or(bar.clone(), |style| bar.with_style(style))
        });
        let begun = clock.now();
        Self { clock, bar, quiet: console.quiet, bytes, begun, base: None, printed: begun }
    }

    /// Starts the rate after so many rows, which end at a place in the file. Otherwise the rate
    /// starts at the first shown progress.
    pub(super) fn count_from(&mut self, rows: u64, place: u64) {
        self.base = Some(Base { at: self.clock.now(), rows, place });
    }

    /// Milliseconds since it began.
    pub(super) fn elapsed(&self) -> i64 {
        since(self.begun, &self.clock)
    }

    /// Rows a second, of `rows` in all.
    pub(super) fn rate(&self, rows: u64) -> u64 {
        let Some(base) = &self.base else { return 0 };
        per(rows.saturating_sub(base.rows) * 1000, since(base.at, &self.clock))
    }

    /// Shows that so many rows are done, which end at a place in the file.
    pub(super) fn show(&mut self, rows: u64, errors: u64, place: u64) {
        if self.base.is_none() {
            self.count_from(rows, place);
        }
        let text = self.progress(rows, errors, place);
        self.tell(&text, place);
    }

    /// Shows that the service has made no progress for so many milliseconds. An earlier program was
    /// interrupted during its request, or the service is busy.
    pub(super) fn stand_still(&mut self, rows: u64, place: u64, millis: i64) {
        let waited = duration(u64::try_from(millis).unwrap_or_default());
        let rows = counted(rows, "row");
        let text =
            format!("{rows}, waiting for the service to go on with the rows sent ({waited})");
        self.tell(&text, place);
    }

    /// The progress of the import, and its rate if known.
    fn progress(&self, rows: u64, errors: u64, place: u64) -> String {
        let mut text = format!("{}, {errors} in error", counted(rows, "row"));
        let Some(base) = self.base.as_ref().filter(|base| rows > base.rows) else { return text };
        let _ = write!(text, ", {} rows/s", self.rate(rows));
        let done = place.saturating_sub(base.place);
        if done > 0 && place < self.bytes {
            let elapsed = u64::try_from(since(base.at, &self.clock)).unwrap_or_default();
            let left = u128::from(elapsed) * u128::from(self.bytes - place) / u128::from(done);
            let _ = write!(text, ", {} left", duration(u64::try_from(left).unwrap_or(u64::MAX)));
        }
        text
    }

    fn tell(&mut self, text: &str, place: u64) {
        let now = self.clock.now();
        if let Some(bar) = &self.bar {
            bar.set_message(text.to_owned());
            bar.set_position(place);
        } else if !self.quiet && now.millis() - self.printed.millis() >= LINES {
            self.printed = now;
            note(format_args!("{} %, {text}", place * 100 / self.bytes.max(1)));
        }
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Milliseconds since a time, one at least.
fn since(time: Timestamp, clock: &Clock) -> i64 {
    (clock.now().millis() - time.millis()).max(1)
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
    use shared::env::{Clock, Timestamp};

    use super::{ProgressMeter, duration};
    use crate::output::Console;

    #[test]
    fn ec11_the_rate_counts_what_was_done_since_the_first_answer_of_the_service() {
        let clock = Clock::stopped_at(Timestamp::from_millis(0));
        let mut resumed = ProgressMeter::new(clock.clone(), 10_000, Console::default());
        // The service is at row 2000 of what an earlier program sent.
        resumed.show(2000, 1, 2000);
        assert_eq!(resumed.progress(2000, 1, 2000), "2000 rows, 1 in error");
        clock.advance(28);
        assert_eq!(resumed.progress(2000, 1, 2000), "2000 rows, 1 in error");
        clock.advance(12);
        assert_eq!(
            resumed.progress(2400, 1, 2400),
            "2400 rows, 1 in error, 10 rows/s, 12 min 40 s left"
        );
        assert_eq!(resumed.rate(2400), 10);

        // A program that begins the import has done all of it.
        let mut begun = ProgressMeter::new(clock.clone(), 10_000, Console::default());
        begun.count_from(0, 0);
        clock.advance(10);
        assert_eq!(begun.progress(1, 0, 5000), "1 row, 0 in error, 0 rows/s, 10 s left");
    }

    #[test]
    fn durations_are_told_in_two_units_at_most() {
        let told = [0, 59_999, 60_000, 3_599_000, 3_600_000, 90_000_000].map(duration);
        assert_eq!(told, ["0 s", "59 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "25 h 0 min"]);
    }
}
