//! The process that runs scripts in tests.

use std::process::ExitCode;

fn main() -> ExitCode {
    sandbox::serve()
}
