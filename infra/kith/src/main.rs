//! The program `kith`.

use std::process::ExitCode;

use clap::Parser as _;
use kith::cli::Command;

fn main() -> ExitCode {
    if sandbox::is_worker() {
        return sandbox::serve();
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("kith: {failure}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run() -> Result<(), kith::table::Failure> {
    Command::parse().run().await
}
