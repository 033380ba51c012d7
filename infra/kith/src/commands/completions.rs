//! `kith completions`: what a shell completes the command line with.

use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::failure::Failure;
use crate::output::say;

/// Which shell.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The shell that reads the script
    shell: Shell,
}

/// Prints the script of a shell.
pub(crate) fn run(options: &Options, mut command: Command) -> Result<ExitCode, Failure> {
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut command, name, &mut script);
    let script = String::from_utf8(script).map_err(|error| error.to_string())?;
    say(script.trim_end())?;
    Ok(ExitCode::SUCCESS)
}
