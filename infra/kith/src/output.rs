//! The output of the program.
//!
//! A reader may close the pipe (`kith check | head -1`). The command does not fail then. Every
//! other write error is a failure, because output was lost. `println!` and `eprintln!` panic in
//! both cases, so they are not used.

use std::fmt::{self, Arguments, Display, Write as _};
use std::io::{self, Write};

use anstyle::Style;

use crate::failure::Failure;

/// How results are written: as JSON for programs, or as text for people.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Console {
    pub(crate) json: bool,
    /// Whether progress and hints are suppressed.
    pub(crate) quiet: bool,
}

impl Console {
    /// Writes a result.
    pub(crate) fn print(
        self,
        content: &serde_json::Value,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        if self.json { say(content) } else { say(text()) }
    }
}

/// A number of things, in words: `1 row`, `2 rows`, `2 entries`.
pub(crate) fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    match noun.strip_suffix('y') {
        _ if count == N::from(1) => format!("1 {noun}"),
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{count} {stem}ies"),
        _ => format!("{count} {noun}s"),
    }
}

/// Writes a line to the standard output.
pub(crate) fn say(line: impl Display) -> Result<(), Failure> {
    write(io::stdout().lock(), format_args!("{}\n", Harmless(line)))
}

/// Writes a line in a style of a terminal to the standard output.
pub(crate) fn say_styled(style: Style, line: impl Display) -> Result<(), Failure> {
    write(io::stdout().lock(), format_args!("{style}{}{style:#}\n", Harmless(line)))
}

/// A text without characters that a terminal takes for commands. Texts of a file, of a service or
/// of the command line may contain such characters. Line breaks stay.
struct Harmless<T>(T);

impl<T: Display> Display for Harmless<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

struct Escaping<'f, 'b>(&'f mut fmt::Formatter<'b>);

impl fmt::Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive(is_command) {
            match part.char_indices().next_back().filter(|(_, c)| is_command(*c)) {
                Some((end, c)) => {
                    self.0.write_str(part.get(..end).unwrap_or_default())?;
                    write!(self.0, "{}", c.escape_unicode())?;
                }
                None => self.0.write_str(part)?,
            }
        }
        Ok(())
    }
}

/// Whether a terminal may do something else than to show the character, or shows others in another
/// order because of it.
fn is_command(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && !matches!(c, '\n' | '\t'))
}

fn write(mut output: impl Write, text: Arguments<'_>) -> Result<(), Failure> {
    match output.write_fmt(text).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("cannot write the output: {error}").into())
        }
        _ => Ok(()),
    }
}

/// Writes a line to the error output if that can be written: there is nowhere else to say that it
/// cannot.
pub(crate) fn note(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{}", Harmless(line));
}

/// Writes from the start of the line that a terminal is at.
pub(crate) fn note_in_place(text: impl Display) {
    let _ = write!(io::stderr().lock(), "\r{text}");
}

#[cfg(test)]
mod tests {
    use super::Harmless;

    #[test]
    fn wk15_what_a_terminal_takes_for_a_command_is_shown() {
        let header = "unknown field `\u{1b}]0;owned\u{7}\u{1b}[31mé`\n\tand\r\u{9b}2J\u{202e}x";
        assert_eq!(
            Harmless(header).to_string(),
            "unknown field `\\u{1b}]0;owned\\u{7}\\u{1b}[31mé`\n\tand\\u{d}\\u{9b}2J\\u{202e}x"
        );
        assert_eq!(Harmless(format_args!("{} rows", 3)).to_string(), "3 rows");
    }
}
