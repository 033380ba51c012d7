//! `kith man`: manual pages, one for the program and one for each command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command};
use clap_mangen::Man;
use serde_json::json;

use crate::failure::Failure;
use crate::output::{Console, counted, say};

/// Which pages.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The command whose page is printed, e.g. `client create`; by default the page of `kith`
    #[arg(value_name = "COMMAND")]
    words: Vec<String>,
    /// Write the pages of all commands to this folder instead
    #[arg(long, short, value_name = "DIR", conflicts_with = "words")]
    output: Option<PathBuf>,
}

/// Prints a page, or writes all of them.
pub(crate) fn run(
    options: &Options,
    mut command: Command,
    console: Console,
) -> Result<ExitCode, Failure> {
    command.build();
    let Some(folder) = &options.output else {
        let mut found = &command;
        for word in &options.words {
            found = found.find_subcommand(word).ok_or_else(|| {
                format!("there is no command `{}`; see `kith --help`", options.words.join(" "))
            })?;
        }
        say(page(found)?.trim_end())?;
        return Ok(ExitCode::SUCCESS);
    };
    let failed =
        |path: &Path, error: std::io::Error| format!("cannot write `{}`: {error}", path.display());
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let mut pages = 0;
    for command in with_commands(&command) {
        let path = folder.join(format!("{}.1", display_name(command)));
        fs::write(&path, page(command)?).map_err(|error| failed(&path, error))?;
        pages += 1_u32;
    }
    let content = json!({ "pages": pages, "folder": folder.display().to_string() });
    console
        .print(&content, || format!("wrote {} to {}", counted(pages, "page"), folder.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// A command and the commands below it.
fn with_commands(command: &Command) -> Vec<&Command> {
    let below = command.get_subcommands().filter(|below| below.get_name() != "help");
    std::iter::once(command).chain(below.flat_map(with_commands)).collect()
}

/// `kith-client-create`.
fn display_name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

fn page(command: &Command) -> Result<String, Failure> {
    let mut page = Vec::new();
    let man = Man::new(command.clone()).title(display_name(command).to_uppercase());
    man.render(&mut page).map_err(|error| error.to_string())?;
    Ok(String::from_utf8(page).map_err(|error| error.to_string())?)
}
