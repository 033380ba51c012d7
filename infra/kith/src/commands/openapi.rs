//! `kith openapi`: prints the OpenAPI description of the service, or a collection of its requests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use openapi::Version;
use openapi::collection::{File, Tool, collection};
use serde_json::json;

use crate::failure::Failure;
use crate::output::{Console, counted, say};

/// What to print.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Version of OpenAPI
    #[arg(long = "version", value_name = "VERSION", value_enum, default_value = "3.1")]
    version: Chosen,
    /// Base URL of the service, for servers and token URL
    #[arg(long, value_name = "URL", default_value = openapi::LOCAL)]
    url: String,
    /// Print a collection of requests for this client instead
    #[arg(long, value_name = "CLIENT", value_enum, conflicts_with = "version")]
    collection: Option<Client>,
    /// The folder of a collection for Bruno, which has a file for each request
    #[arg(long, short, value_name = "DIR", requires = "collection")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Chosen {
    #[value(name = "3.1")]
    V3_1,
    #[value(name = "3.0")]
    V3_0,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Client {
    Postman,
    Bruno,
}

/// Prints the description, by default as it is in `openapi.json`.
pub(crate) fn run(options: &Options, console: Console) -> Result<ExitCode, Failure> {
    let version = match options.version {
        Chosen::V3_1 => Version::V3_1,
        Chosen::V3_0 => Version::V3_0,
    };
    let url = options.url.trim_end_matches('/');
    match (options.collection, &options.output) {
        (None, _) => say(openapi::document(local::serve::functions(), version, url)?)?,
        (Some(Client::Postman), None) => {
            for file in collection(local::serve::functions(), Tool::Postman, url)? {
                say(file.text.trim_end())?;
            }
        }
        (Some(Client::Postman), Some(_)) => {
            return Err("a collection for Postman is one file, which is printed; --output is for \
                        the folder of a collection for Bruno"
                .into());
        }
        (Some(Client::Bruno), None) => {
            return Err("a collection for Bruno is a folder; name a new one by --output".into());
        }
        (Some(Client::Bruno), Some(folder)) => {
            let files = collection(local::serve::functions(), Tool::Bruno, url)?;
            write(folder, &files)?;
            let (count, shown) = (files.len(), folder.display().to_string());
            let content = json!({ "files": count, "folder": shown });
            console.print(&content, || {
                format!("wrote {} to {shown}", counted(count as u64, "file"))
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes files into a folder that is new or empty: files of an older collection would stay.
fn write(folder: &Path, files: &[File]) -> Result<(), Failure> {
    let failed = |error: std::io::Error| format!("cannot write `{}`: {error}", folder.display());
    fs::create_dir_all(folder).map_err(failed)?;
    if fs::read_dir(folder).map_err(failed)?.next().is_some() {
        let folder = folder.display();
        return Err(format!("`{folder}` is not empty; name a new folder by --output").into());
    }
    for file in files {
        let path = folder.join(&file.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        fs::write(&path, &file.text).map_err(failed)?;
    }
    Ok(())
}
