//! What the program says.
//!
//! Whoever reads it may stop reading: `kith check | head -1`. That is no failure of the command, as
//! it is none of `yes`; but what cannot be written for another reason is, because it is lost.

use std::fmt::{Arguments, Display};
use std::io::{self, Write};

use crate::table::Failure;

/// Writes a line to the standard output; a reader that is gone is no failure.
pub(crate) fn say(line: impl Display) -> Result<(), Failure> {
    said(io::stdout().lock(), format_args!("{line}\n"))
}

fn said(mut output: impl Write, text: Arguments<'_>) -> Result<(), Failure> {
    match output.write_fmt(text).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("the output cannot be written: {error}"))
        }
        _ => Ok(()),
    }
}

/// Writes a line to the error output if that can be written: there is nowhere else to say that it
/// cannot.
pub fn note(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Writes from the start of the line that a terminal is at.
pub(crate) fn note_in_place(text: impl Display) {
    let _ = write!(io::stderr().lock(), "\r{text}");
}

/// Prints JSON for programs, or text for people.
pub(crate) fn print(
    as_json: bool,
    content: &serde_json::Value,
    text: impl FnOnce() -> String,
) -> Result<(), Failure> {
    if as_json { say(content) } else { say(text()) }
}
