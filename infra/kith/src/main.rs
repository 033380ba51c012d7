//! The operator's and newcomer's program `kith`: the whole service on one port, a tour of it, and
//! the table's upkeep.
//!
//! `cli` parses the command line and calls one of `commands`. Everything below is on the ground:
//! no command knows another one.

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod access;
mod arguments;
mod cli;
mod commands;
mod failure;
mod location;
mod output;
mod remote;
mod signals;
mod table_facts;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::Command;
use crate::output::note;

fn main() -> ExitCode {
    if sandbox::is_worker() {
        return sandbox::serve();
    }
    sandbox::protect();
    run().unwrap_or_else(|failure| {
        note(format_args!("kith: {failure}"));
        failure.exit_code()
    })
}

#[tokio::main]
async fn run() -> Result<ExitCode, failure::Failure> {
    Command::parse().run().await
}
