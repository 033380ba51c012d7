//! The program `kith`.

#![deny(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

use clap::Parser as _;
use kith::cli::Command;
use kith::output::note;

fn main() -> ExitCode {
    if sandbox::is_worker() {
        return sandbox::serve();
    }
    match run() {
        Ok(code) => code,
        Err(failure) => {
            note(format_args!("kith: {failure}"));
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run() -> Result<ExitCode, kith::table::Failure> {
    Command::parse().run().await
}
