//! Scripts for derived attributes, run in a process of their own.
//!
//! `QuickJS` asks whether it should stop between the steps of a script, and some of its native
//! functions take no steps: `Array.prototype.reverse` over an array-like of 2⁵³ members, a power of
//! `BigInt`s, a search for half of a long string in the whole. A thread cannot be stopped from
//! outside, a process can. So the engine lives in a worker (the crate `sandbox`, the same
//! program started with another argument), and this side hands it one job per line, waits for one
//! answer per line, and kills it when none comes in time. This side knows no JavaScript.
//!
//! A worker starts with the first script, never before: a function that runs none starts as fast as
//! ever. A worker that has answered is reused, because a start costs several times as much as a
//! script; each job gets a new engine in it. A worker that ran into a limit, or whose caller went
//! away, is not reused: it may hold the answer to an old job. Answers of workers are checked like
//! any input, because a script that breaks out controls its worker.

use std::fmt;
use std::sync::Once;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::domain::definition::MAX_SCRIPT;
use crate::domain::error::expected_not;
use crate::domain::json::Object;
use crate::domain::{Error, Json};

mod pool;

pub use pool::Scripts;

/// The argument that makes a program a worker.
pub const WORKER: &str = "script-worker";

/// The longest output of a script, in bytes of JSON text.
pub const MAX_OUTPUT: usize = 64 * 1024;

/// The longest line either side reads, in bytes: a script in which each byte is escaped, and a
/// profile ten times over.
pub const MAX_LINE: usize = 2 * 1024 * 1024;

/// The longest failure, in characters, as [`ScriptFailure`] writes it.
pub const MAX_MESSAGE: usize = 500;

/// A script to run, as the worker reads it: one line of JSON.
#[derive(Debug, Serialize, Deserialize)]
pub struct Job {
    /// The script's text; it defines `function main(workItem)`, or one function of another name.
    pub script: String,
    /// The value of `workItem.input.value`, as JSON text. Without it the script is loaded and its
    /// `main` is not called.
    pub input: Option<Box<RawValue>>,
}

/// The answer of the worker: one line of JSON.
#[derive(Debug, Serialize, Deserialize)]
pub struct WorkerLine {
    /// The reply to the job.
    pub reply: WorkerReply,
    /// Whether the kernel refuses the worker's system calls except a few. Some kernels do not.
    pub filtered: bool,
}

/// The reply of the worker.
#[derive(Debug, Serialize, Deserialize)]
pub enum WorkerReply {
    /// The script ran.
    Ran {
        /// The argument of `tb.simpleResponse`, as JSON text.
        output: Box<RawValue>,
        /// As in [`ScriptRun`].
        milliseconds: f64,
        /// As in [`ScriptRun`].
        memory_bytes: u64,
    },
    /// The script failed.
    Failed(ScriptFailure),
}

/// The output of a script, and its cost.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptRun {
    /// The script's output: names, each with an array of values other than `null`, or categories,
    /// each with such names.
    pub output: Object,
    /// The time that the script took, in milliseconds, without what the engine and the process
    /// take.
    pub milliseconds: f64,
    /// The memory that the script held at its end, in bytes, without the engine and the input.
    pub memory_bytes: u64,
}

/// Why a script has no output. Its `Display` text is one line of at most [`MAX_MESSAGE`] characters
/// for the administrator of the script. It may quote only the script and its input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScriptFailure {
    /// It does not compile, throws, or is not what a script has to be.
    Script {
        /// The fault.
        message: String,
        /// The line of the script, counted from 1, if there is one.
        line: Option<u32>,
    },
    /// It ran longer than this.
    TimedOut {
        /// The limit in milliseconds.
        milliseconds: u64,
    },
    /// It took more memory than this.
    OutOfMemory {
        /// The limit in bytes.
        bytes: u64,
    },
    /// Its calls, its syntax or its data nest deeper than the stack allows.
    StackOverflow {
        /// The limit in bytes.
        bytes: u64,
    },
    /// It ran, but its output cannot be used.
    Output(String),
    /// The engine ended before it answered, or answered what no engine does.
    #[serde(skip)]
    Crashed,
    /// No worker was free in time, because too many scripts run.
    #[serde(skip)]
    Busy,
    /// No worker could be started: the service's fault.
    #[serde(skip)]
    Unavailable,
}

impl fmt::Display for ScriptFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Script { message, line: Some(line) } => {
                write!(f, "line {line}: {}", one_line(message))
            }
            Self::Script { message, line: None } | Self::Output(message) => {
                f.write_str(&one_line(message))
            }
            Self::TimedOut { milliseconds } => {
                write!(f, "the script ran longer than {milliseconds} ms")
            }
            Self::OutOfMemory { bytes } => {
                write!(f, "the script used more than {} KB of memory", bytes / 1024)
            }
            Self::StackOverflow { bytes } => {
                write!(f, "the script nests deeper than its stack of {} KB allows", bytes / 1024)
            }
            Self::Crashed => f.write_str("the script crashed the engine that ran it"),
            Self::Busy => f.write_str("too many scripts run at the same time"),
            Self::Unavailable => f.write_str("cannot start a process that runs scripts"),
        }
    }
}

impl std::error::Error for ScriptFailure {}

impl ScriptFailure {
    /// The fault of the script; an error of the service if the script is not the cause.
    pub fn of_script(self) -> Result<String, Error> {
        let said = self.to_string();
        let later = matches!(self, Self::Busy | Self::Unavailable);
        if later { Err(Error::Unavailable(said)) } else { Ok(said) }
    }
}

/// A script's own words, fit to be quoted: without line breaks and controls, and not too long.
fn one_line(text: &str) -> String {
    const ROOM_FOR_THE_LINE: usize = 20;
    let mut chars = text.chars();
    let shown = chars.by_ref().take(MAX_MESSAGE - ROOM_FOR_THE_LINE);
    let mut line: String = shown
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .collect();
    if chars.next().is_some() {
        line.push('…');
    }
    line
}

/// Writes a job as the line that a worker reads.
fn line(script: &str, input: Option<&Json>) -> Result<Vec<u8>, ScriptFailure> {
    let refuse = |message: String| ScriptFailure::Script { message, line: None };
    if script.chars().count() > MAX_SCRIPT {
        return Err(refuse(format!("expected a script of at most {MAX_SCRIPT} characters")));
    }
    let input = input.map(|input| RawValue::from_string(input.to_text())).transpose();
    let input = input.map_err(|_| refuse("the input of the script is not JSON".to_owned()))?;
    let job = Job { script: script.to_owned(), input };
    let mut line = serde_json::to_vec(&job)
        .map_err(|_| refuse("cannot send the script to its process".to_owned()))?;
    line.push(b'\n');
    if line.len() > MAX_LINE {
        return Err(refuse(format!(
            "expected the script and its input to have at most {} MB together",
            MAX_LINE / 1024 / 1024
        )));
    }
    Ok(line)
}

/// Said once: it is the same for all workers.
static UNFILTERED: Once = Once::new();

/// Reads a worker's answer. An answer that no engine gives counts as a crash.
fn read(line: &[u8]) -> Result<ScriptRun, ScriptFailure> {
    let WorkerLine { reply, filtered } =
        serde_json::from_slice(line).map_err(|_| ScriptFailure::Crashed)?;
    if !filtered {
        UNFILTERED.call_once(|| {
            tracing::warn!("this kernel does not filter system calls; scripts run without that");
        });
    }
    match reply {
        WorkerReply::Failed(failure) => Err(failure),
        WorkerReply::Ran { output, milliseconds, memory_bytes } => {
            Ok(ScriptRun { output: check(output.get())?, milliseconds, memory_bytes })
        }
    }
}

/// The output, if it is names with arrays of values, or categories with such names. The worker has
/// checked it with functions that a script can change, so only this check counts.
fn check(output: &str) -> Result<Object, ScriptFailure> {
    if output.len() > MAX_OUTPUT {
        return Err(ScriptFailure::Output(format!(
            "the output is longer than {} KB",
            MAX_OUTPUT / 1024
        )));
    }
    let refuse = |detail: String| ScriptFailure::Output(format!("the output is wrong: {detail}"));
    let document = Json::parse(output.as_bytes()).map_err(|error| refuse(error.to_string()))?;
    let Json::Object(members) = document else {
        return Err(refuse(expected_not("an object", &document)));
    };
    for (name, values) in &members {
        match values {
            Json::Object(category) => {
                for (member, values) in category {
                    check_values(&format!("{name}.{member}"), values).map_err(refuse)?;
                }
            }
            values => check_values(name, values).map_err(refuse)?,
        }
    }
    Ok(members)
}

fn check_values(name: &str, values: &Json) -> Result<(), String> {
    match values {
        Json::Array(values) if !values.contains(&Json::Null) => Ok(()),
        Json::Array(_) => Err(format!("`{name}` contains null; omit it or send a value")),
        other => Err(format!("`{name}`: {}", expected_not("an array", other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_worker_says_is_checked() {
        let said = |reply: &str| format!(r#"{{"reply":{reply},"filtered":true}}"#);
        let ran = |output: &str| {
            said(&format!(r#"{{"Ran":{{"output":{output},"milliseconds":0.1,"memory_bytes":1}}}}"#))
        };
        for good in [r#"{"a":["b",1,{"c":null}]}"#, r#"{"a":{"b":["c"]}}"#] {
            assert_eq!(read(ran(good).as_bytes()).unwrap().output.len(), 1, "{good}");
        }
        for (line, failure) in [
            (ran("[]"), "the output is wrong: expected an object, found an array"),
            (ran(r#"{"a":"b"}"#), "the output is wrong: `a`: expected an array, found a string"),
            (
                ran(r#"{"a":{"b":{"c":[]}}}"#),
                "the output is wrong: `a.b`: expected an array, found an object",
            ),
            (
                ran(r#"{"a":[null]}"#),
                "the output is wrong: `a` contains null; omit it or send a value",
            ),
            (
                ran(&format!(r#"{{"a":["{}"]}}"#, "b".repeat(MAX_OUTPUT))),
                "the output is longer than 64 KB",
            ),
            (said(r#"{"Failed":"Unavailable"}"#), "the script crashed the engine that ran it"),
            ("{}".to_owned(), "the script crashed the engine that ran it"),
        ] {
            assert_eq!(read(line.as_bytes()).unwrap_err().to_string(), failure);
        }
        assert!(read(ran(r#"{"a":["\ud800"]}"#).as_bytes()).is_err());
        assert!(read(ran(r#"{"a":[1],"a":[2]}"#).as_bytes()).is_err());
    }

    #[test]
    fn a_failure_is_one_short_line() {
        let failure =
            ScriptFailure::Script { message: "é\n\u{1b}[31m".repeat(500), line: Some(u32::MAX) }
                .to_string();
        assert!(
            failure.chars().count() <= MAX_MESSAGE && !failure.contains(char::is_control),
            "{failure}"
        );
    }
}
