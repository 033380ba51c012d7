//! What the program writes.
//!
//! A reader may close the pipe (`kith check | head -1`): that is no failure of the command. Every
//! other write error is, because output was lost. `println!` and `eprintln!` panic in both cases,
//! so they are not used.

use std::fmt::{Arguments, Display};
use std::io::{self, Write};

use crate::failure::Failure;

/// How results are written: as JSON for programs, or as text for people.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    pub(crate) json: bool,
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
    write(io::stdout().lock(), format_args!("{line}\n"))
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
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Writes from the start of the line that a terminal is at.
pub(crate) fn note_in_place(text: impl Display) {
    let _ = write!(io::stderr().lock(), "\r{text}");
}
