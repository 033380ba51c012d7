//! The program `kith`.

use std::process::ExitCode;

use clap::Parser as _;
use kith::cli::Command;

#[tokio::main]
async fn main() -> ExitCode {
    match Command::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("kith: {failure}");
            ExitCode::FAILURE
        }
    }
}
