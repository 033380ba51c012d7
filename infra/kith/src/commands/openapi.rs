//! `kith openapi`: prints the OpenAPI description of the service.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use openapi::Version;

use crate::failure::Failure;
use crate::output::say;

/// What to print.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Version of OpenAPI.
    #[arg(long = "version", value_name = "VERSION", value_enum, default_value = "3.1")]
    version: Chosen,
    /// Base URL of the service, for servers and token URL.
    #[arg(long, value_name = "URL", default_value = openapi::LOCAL)]
    url: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Chosen {
    #[value(name = "3.1")]
    V3_1,
    #[value(name = "3.0")]
    V3_0,
}

/// Prints the description, by default as it is in `openapi.json`.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let version = match options.version {
        Chosen::V3_1 => Version::V3_1,
        Chosen::V3_0 => Version::V3_0,
    };
    let url = options.url.trim_end_matches('/');
    say(openapi::document(local::serve::functions(), version, url)?)?;
    Ok(ExitCode::SUCCESS)
}
