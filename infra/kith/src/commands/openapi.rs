//! `kith openapi`: prints the description of the service.

use std::process::ExitCode;

use crate::failure::Failure;
use crate::output::say;

/// Prints the description as it is in `openapi.json`.
pub(crate) fn run() -> Result<ExitCode, Failure> {
    say(openapi::document(local::serve::functions())?)?;
    Ok(ExitCode::SUCCESS)
}
