//! The program `kith`.

use std::process::ExitCode;

use clap::Parser as _;
use kith::cli::Command;

fn main() -> ExitCode {
    if sandbox::is_worker() {
        return sandbox::serve();
    }
    match run() {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("kith: {failure}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run() -> Result<ExitCode, kith::table::Failure> {
    Command::parse().run().await
}
