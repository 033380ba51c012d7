//! Scripts, run as the functions run them: in processes of their own (rule A4).
//!
//! The tables hold scripts and what becomes of them. After each hostile one, the next good job has
//! to succeed on the same workers, so that a table also shows that nothing stays behind.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's tool fails by panicking, where the test can see it"
)]

mod errors;
mod good;
mod hostile;
mod processes;

use std::path::PathBuf;

use shared::domain::Json;
use shared::script::{ScriptFailure, ScriptRun, Scripts};

/// The example of the contract, as printed.
const FULL_NAME: &str = r#"function main(workItem) {
  var p = workItem.input.value;
  workItem.output = tb.simpleResponse({ fullname: [p.given_name + " " + p.family_name] });
}
"#;

/// Workers of their own; `marker` is an argument that they ignore and by which they are found.
fn scripts(marker: &str) -> Scripts {
    Scripts::new(
        PathBuf::from(env!("CARGO_BIN_EXE_script-worker")),
        vec!["script-worker".to_owned(), marker.to_owned()],
    )
}

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap()
}

fn jan() -> Json {
    json(r#"{"given_name":"Jan","family_name":"Zoë"}"#)
}

/// A script with `body` as its `main`, whose argument is `w`.
fn main_of(body: &str) -> String {
    format!("function main(w) {{\n{body}\n}}")
}

/// A script that answers `value` as the attribute `a`.
fn answering(value: &str) -> String {
    main_of(&format!("w.output = tb.simpleResponse({{ a: [{value}] }});"))
}

fn text(run: Result<ScriptRun, ScriptFailure>) -> Result<String, String> {
    run.map(|run| Json::Object(run.output).to_text()).map_err(|failure| failure.to_string())
}

/// Runs the contract's example and compares.
async fn still_works(scripts: &Scripts, after: &str) {
    let answer = text(scripts.run(FULL_NAME, &jan()).await);
    assert_eq!(answer.as_deref(), Ok(r#"{"fullname":["Jan Zoë"]}"#), "after: {after}");
}
